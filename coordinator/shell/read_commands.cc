#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/runtime/control_socket.h"
#include "coordinator/shell/commands.h"
#include "coordinator/shell/node.h"
#include "coordinator/shell/progress.h"
#include "coordinator/shell/view.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

constexpr Duration kFollowEvery{500};
constexpr Duration kAnswerWithin = std::chrono::seconds(10);

// The daemon's word, else what the folder says.
Result<std::string> AskStatus(const std::filesystem::path& state, std::size_t since) {
  auto answer = CallControl(state, "status", json{{"since", since}}.dump(), kAnswerWithin);
  if (answer.ok() || answer.error().code != ErrorCode::kUnavailable) return answer;
  ASSIGN_OR_RETURN(const auto node, Node::Open({state}, Node::Mode::kReadOnly));
  return StatusJson(*node, nullptr, since);
}

Result<json> Parsed(const Result<std::string>& answer) {
  if (!answer.ok()) return answer.error();
  json parsed = json::parse(*answer, nullptr, false);
  if (!parsed.is_object()) return Error{ErrorCode::kInternal, "the trial's status can't be read"};
  return parsed;
}

// Prints what has changed since the last look. A terminal keeps one line at the bottom that is written over.
class Follow {
 public:
  explicit Follow(bool terminal) : terminal_(terminal) {}
  ~Follow() {
    if (terminal_) fmt::print("\n");
  }

  std::size_t seen() const { return seen_; }

  void Show(const json& status) {
    for (const json& attempt : status.value("recent", json::array())) Line(AttemptLine(attempt));
    seen_ = status.value("attempts", std::size_t{0});
    const std::string state = fmt::format("{}{}", status.value("state", ""), status.value("running", false));
    if (!terminal_ && state != state_) Line(ProgressLine(status));
    state_ = state;
    if (terminal_) fmt::print("\r\x1b[K{}", ProgressLine(status));
    std::fflush(stdout);
  }

 private:
  void Line(const std::string& text) { fmt::print("{}{}\n", terminal_ ? "\r\x1b[K" : "", text); }

  const bool terminal_;
  std::size_t seen_ = 0;
  std::string state_;
};

Status FollowStatus(const StatusOptions& options, StopSignal& stop) {
  Follow follow(!options.json && isatty(STDOUT_FILENO) == 1);
  do {
    const auto answer = AskStatus(options.state, follow.seen());
    ASSIGN_OR_RETURN(const json status, Parsed(answer));
    if (options.json)
      fmt::print("{}\n", *answer), std::fflush(stdout);
    else
      follow.Show(status);
    const std::string state = status.value("state", "");
    if (state == "finished") return {};
    if (state == "closed") return Error{ErrorCode::kWrongPhase, "the trial is closed before its plan was done"};
  } while (!stop.Wait(kFollowEvery));
  return {};
}

Result<Digest> LatestModel(const Node& node) {
  const auto& links = node.trial().links();
  if (links.empty()) return Error{ErrorCode::kInvalidInput, "the trial has no model yet"};
  return links.back().model;
}

}  // namespace

Status ShowStatus(const StatusOptions& options, StopSignal& stop) {
  if (options.follow) return FollowStatus(options, stop);
  const auto answer = AskStatus(options.state, 0);
  ASSIGN_OR_RETURN(const json status, Parsed(answer));
  if (options.json)
    fmt::print("{}\n", *answer);
  else
    fmt::print("{}", StatusText(status));
  return {};
}

Status ShowReport(const std::filesystem::path& state, bool as_json) {
  ASSIGN_OR_RETURN(const auto node, Node::Open({state}, Node::Mode::kReadOnly));
  const auto answer = ReportJson(*node);
  ASSIGN_OR_RETURN(const json report, Parsed(answer));
  if (as_json)
    fmt::print("{}\n", *answer);
  else
    fmt::print("{}", ReportText(report));
  return {};
}

Status ExportModel(const std::filesystem::path& state, const std::string& digest, const std::filesystem::path& out) {
  ASSIGN_OR_RETURN(const auto node, Node::Open({state}, Node::Mode::kReadOnly));
  ASSIGN_OR_RETURN(const Digest model, digest.empty() ? LatestModel(*node) : DigestFromHex(digest));
  RETURN_IF_ERROR(node->models().Export(model, out));
  fmt::print("{}  {}\n", ToHex(model), out.string());
  return {};
}

Status VerifyAudit(const std::filesystem::path& state, bool as_json) {
  ASSIGN_OR_RETURN(const auto node, Node::Open({state}, Node::Mode::kReadOnly));
  const auto report = VerifyOwnAudit(*node);
  if (as_json) {
    json answer = {{"ok", report.ok()}};
    if (report.ok())
      answer.update({{"events", report->head.seq},
                     {"head", ToHex(report->head.hash)},
                     {"signed_up_to", report->signed_up_to},
                     {"countersigned_up_to", report->countersigned_up_to}});
    else
      answer["why"] = report.error().message;
    fmt::print("{}\n", answer.dump());
  }
  if (!report.ok()) return report.error();
  if (!as_json)
    fmt::print("{} events hold together; signed up to {}, countersigned by a site up to {}\n", report->head.seq,
               report->signed_up_to, report->countersigned_up_to);
  return {};
}

}  // namespace fedtrial::coordinator
