#include "site_node/shell/telemetry.h"

#include "common/runtime/log.h"

namespace fedtrial::site {
namespace {

constexpr Metric kRounds{"fedtrial_site_rounds_total", "Rounds by what became of them at this site"};
constexpr Metric kConnected{"fedtrial_site_connected", "1 while the coordinator's stream is open"};
constexpr Metric kUploaded{"fedtrial_site_uploaded_bytes_total", "Bytes of masked contributions sent"};
constexpr Metric kRejected{"fedtrial_site_rejected_total", "Messages refused by this site or by the coordinator"};

}  // namespace

void Telemetry::Show(const Observe& event) {
  using Kind = Observe::Kind;
  const auto log = [&](LogLevel level, std::string_view name) {
    Log(level, name, {{"round", event.round}, {"phase", ToString(event.phase)}, {"detail", event.detail}});
  };
  switch (event.kind) {
    case Kind::kPhase:
      return log(LogLevel::kDebug, "phase");
    case Kind::kDeclined:
      metrics_.Count(kRounds, {{"outcome", "declined"}});
      return log(LogLevel::kInfo, "round declined");
    case Kind::kTaskStarted:
      return log(LogLevel::kInfo, "task started");
    case Kind::kTaskDone:
      return log(LogLevel::kInfo, "task done");
    case Kind::kSent:
      return log(LogLevel::kInfo, "contribution sent");
    case Kind::kReleased:
      return log(LogLevel::kInfo, "shares released for the signed set");
    case Kind::kCommitted:
      metrics_.Count(kRounds, {{"outcome", "committed"}});
      return log(LogLevel::kInfo, "round committed");
    case Kind::kRoundFailed:
      metrics_.Count(kRounds, {{"outcome", "failed"}});
      return log(LogLevel::kWarning, "round failed");
    case Kind::kRefused:
      metrics_.Count(kRejected);
      return log(LogLevel::kWarning, "message refused");
    case Kind::kViolation:
      metrics_.Count(kRejected);
      return log(LogLevel::kError, "protocol violation");
    case Kind::kPlan:
      return log(LogLevel::kInfo, "plan");
    case Kind::kRoster:
      return log(LogLevel::kInfo, "roster");
  }
}

void Telemetry::Connection(bool connected, const std::string& why) {
  metrics_.Set(kConnected, connected ? 1 : 0);
  if (connected)
    LogInfo("connected to the coordinator");
  else
    LogWarning("not connected to the coordinator", {{"why", why}});
}

void Telemetry::Uploaded(RoundId round, std::uint64_t bytes) {
  metrics_.Count(kUploaded, {}, static_cast<double>(bytes));
  LogDebug("uploaded", {{"round", round}, {"bytes", bytes}});
}

void Telemetry::Rejected(const std::string& what, const Error& error) {
  metrics_.Count(kRejected);
  LogWarning("rejected", {{"what", what}, {"why", error}});
}

}  // namespace fedtrial::site
