#include "coordinator/shell/telemetry.h"

#include "common/runtime/log.h"

namespace fedtrial::coordinator {
namespace {

constexpr Metric kRound{"fedtrial_round", "Number of the open or last round"};
constexpr Metric kPhase{"fedtrial_phase",
                        "Open phase: 0 hello, 1 keys, 2 shares, 3 masked, 4 agree, 5 unmask; -1 none"};
constexpr Metric kHeard{"fedtrial_sites_heard", "Sites heard in the open phase"};
constexpr Metric kPhaseSeconds{"fedtrial_phase_seconds", "How long a phase was open"};
constexpr Metric kRounds{"fedtrial_rounds_total", "Attempts at a round that ended, by outcome"};
constexpr Metric kMessages{"fedtrial_site_messages_total", "Accepted messages of a site, by phase"};
constexpr Metric kTroubles{"fedtrial_site_troubles_total",
                           "What was late, lost, declined or refused of a site, by kind"};
constexpr Metric kConnected{"fedtrial_site_connected", "1 while the site follows"};
constexpr Metric kBytes{"fedtrial_site_received_bytes_total", "Bytes received of a site: uploads and messages"};
constexpr Metric kUploads{"fedtrial_site_uploads_total", "Uploads of a site stored whole"};

struct Wording {
  LogLevel level;
  const char* event;
  const char* trouble;  // label of kTroubles, or null
};

Wording WordingOf(Observe::Kind kind) {
  switch (kind) {
    case Observe::Kind::kPhaseOpened:
      return {LogLevel::kInfo, "phase opened", nullptr};
    case Observe::Kind::kSiteHeard:
      return {LogLevel::kDebug, "site heard", nullptr};
    case Observe::Kind::kSiteRefused:
      return {LogLevel::kWarning, "site refused", "refused"};
    case Observe::Kind::kSiteDeclined:
      return {LogLevel::kInfo, "site declined", "declined"};
    case Observe::Kind::kSiteLate:
      return {LogLevel::kWarning, "site late", "late"};
    case Observe::Kind::kSiteLost:
      return {LogLevel::kWarning, "site lost", "lost"};
    case Observe::Kind::kMessageRejected:
      return {LogLevel::kWarning, "message rejected", "rejected"};
    case Observe::Kind::kRoundCommitted:
      return {LogLevel::kInfo, "round committed", nullptr};
    case Observe::Kind::kRoundFailed:
      return {LogLevel::kWarning, "round failed", nullptr};
    case Observe::Kind::kRoundLost:
      return {LogLevel::kWarning, "round lost", nullptr};
    case Observe::Kind::kTrialState:
      return {LogLevel::kInfo, "trial", nullptr};
    case Observe::Kind::kRosterChanged:
      return {LogLevel::kInfo, "roster changed", nullptr};
    case Observe::Kind::kViolation:
      return {LogLevel::kError, "violation", "violation"};
  }
  return {LogLevel::kWarning, "unknown event", nullptr};
}

const char* OutcomeOf(Observe::Kind kind) {
  if (kind == Observe::Kind::kRoundCommitted) return "committed";
  if (kind == Observe::Kind::kRoundFailed) return "failed";
  return kind == Observe::Kind::kRoundLost ? "lost" : nullptr;
}

}  // namespace

void Telemetry::EndPhase(Time now) {
  if (!live_.open) return;
  live_.open = false;
  const double seconds = std::chrono::duration<double>(now - live_.phase_opened).count();
  metrics_.Observe(kPhaseSeconds, seconds, {{"phase", std::string(ToString(live_.phase))}});
}

void Telemetry::Show(const Observe& event, const NameOf& name_of, Time now) {
  const Wording wording = WordingOf(event.kind);
  const bool of_site = event.site != kCoordinatorId;
  const std::string site = of_site ? name_of(event.site) : "";
  const bool result = event.kind == Observe::Kind::kRoundCommitted;  // its detail is the result: too long for a line
  if (of_site)
    Log(wording.level, wording.event,
        {{"round", event.round}, {"phase", ToString(event.phase)}, {"site", site}, {"detail", event.detail}});
  else
    Log(wording.level, wording.event,
        {{"round", event.round}, {"phase", ToString(event.phase)}, {"detail", result ? std::string() : event.detail}});
  if (wording.trouble != nullptr && of_site) metrics_.Count(kTroubles, {{"site", site}, {"kind", wording.trouble}});

  const std::scoped_lock lock(mutex_);
  if (event.kind == Observe::Kind::kPhaseOpened) {
    EndPhase(now);
    live_.round = event.round;
    live_.phase = event.phase;
    live_.open = true;
    live_.phase_opened = now;
    live_.heard.clear();
    metrics_.Set(kRound, static_cast<double>(event.round.round));
    metrics_.Set(kPhase, static_cast<double>(event.phase));
  } else if (event.kind == Observe::Kind::kSiteHeard) {
    live_.heard.insert(event.site);
    metrics_.Count(kMessages, {{"site", site}, {"phase", std::string(ToString(event.phase))}});
  } else if (const char* outcome = OutcomeOf(event.kind)) {
    EndPhase(now);
    live_.heard.clear();
    metrics_.Count(kRounds, {{"outcome", outcome}});
    metrics_.Set(kPhase, -1);
  } else if (wording.trouble != nullptr && of_site) {
    live_.problems[event.site] = event.detail;
  }
  metrics_.Set(kHeard, static_cast<double>(live_.heard.size()));
}

void Telemetry::Connected(SiteId site, const std::string& name, bool connected) {
  LogInfo(connected ? "site connected" : "site disconnected", {{"site", name}});
  metrics_.Set(kConnected, connected ? 1 : 0, {{"site", name}});
  const std::scoped_lock lock(mutex_);
  if (connected)
    live_.connected.insert(site);
  else
    live_.connected.erase(site);
}

void Telemetry::Received(SiteId site, const std::string& name, std::uint64_t bytes) {
  metrics_.Count(kBytes, {{"site", name}}, static_cast<double>(bytes));
  const std::scoped_lock lock(mutex_);
  received_[site] += bytes;
}

void Telemetry::Stored(const std::string& name, RoundId round, std::uint64_t bytes) {
  LogInfo("upload stored", {{"round", round}, {"site", name}, {"bytes", bytes}});
  metrics_.Count(kUploads, {{"site", name}});
}

void Telemetry::Refused(const std::string& peer, std::string_view what, const Error& error) {
  LogWarning("call refused", {{"peer", peer}, {"call", what}, {"why", error}});
}

Telemetry::Live Telemetry::live() const {
  const std::scoped_lock lock(mutex_);
  return live_;
}

std::map<SiteId, std::uint64_t> Telemetry::TakeReceived() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(received_, {});
}

}  // namespace fedtrial::coordinator
