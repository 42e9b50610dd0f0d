#include "coordinator/shell/progress.h"

#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

std::string Text(const json& object, const char* key) {
  return object.contains(key) && object.at(key).is_string() ? object.at(key).get<std::string>() : std::string();
}

std::uint64_t Count(const json& object, const char* key) {
  return object.contains(key) && object.at(key).is_number() ? object.at(key).get<std::uint64_t>() : 0;
}

bool IsNumber(const json& object, const char* key) { return object.contains(key) && object.at(key).is_number(); }

// ", loss 1.234, concordance 0.654 (0.61 to 0.69)", as far as they are known.
std::string Figures(const json& object) {
  std::string text;
  if (IsNumber(object, "loss")) text += fmt::format(", loss {:.4f}", object.at("loss").get<double>());
  const json concordance = object.value("concordance", json(nullptr));
  if (!concordance.is_object() || !IsNumber(concordance, "value")) return text;
  text += fmt::format(", concordance {:.3f}", concordance.at("value").get<double>());
  if (IsNumber(concordance, "low") && IsNumber(concordance, "high"))
    text +=
        fmt::format(" ({:.3f} to {:.3f})", concordance.at("low").get<double>(), concordance.at("high").get<double>());
  return text;
}

std::string SiteLine(const json& site) {
  std::string text = fmt::format("  {:>4}  {:<24}", Count(site, "id"), Text(site, "name"));
  if (site.value("in_roster", false))
    text +=
        site.contains("connected") ? (site.at("connected").get<bool>() ? "connected  " : "away       ") : "in roster  ";
  else
    text += fmt::format("{:<11}", Text(site, "enrolment"));
  text += Text(site, "approved_by").empty() ? "not approved  " : "approved      ";
  if (site.contains("outcome")) text += Text(site, "outcome");
  if (const std::string reason = Text(site, "reason"); !reason.empty()) text += fmt::format(": {}", reason);
  if (const std::string problem = Text(site, "problem"); !problem.empty()) text += fmt::format("  [{}]", problem);
  return text;
}

std::string Refusals(const json& attempt) {
  std::string text;
  const json sites = attempt.value("sites", json::object());
  for (const auto& [name, site] : sites.items()) {
    const std::string outcome = Text(site, "outcome");
    if (outcome == "contributed" || outcome == "pending") continue;
    const std::string reason = Text(site, "reason");
    text += fmt::format("; {} {}{}", name, outcome, reason.empty() ? "" : fmt::format(": {}", reason));
  }
  return text;
}

}  // namespace

std::string FormatBytes(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000.0;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.3g} {}", value, kUnits[unit]);
}

std::string FormatSeconds(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 90) return fmt::format("{} s", whole);
  const std::uint64_t minutes = (whole + 30) / 60;
  if (minutes < 90) return fmt::format("{} min", minutes);
  return fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

std::string ProgressLine(const json& status) {
  const std::string state = Text(status, "state");
  std::string line = fmt::format("{} of {} rounds", Count(status, "rounds_committed"), Count(status, "rounds_planned"));
  if (state != "running") {
    line = fmt::format("{}: {}", state, line);
  } else if (IsNumber(status, "round")) {
    line += fmt::format(", round {}", Count(status, "round"));
    if (Count(status, "attempt") > 0) line += fmt::format(" (attempt {})", Count(status, "attempt") + 1);
    line += fmt::format(" {}, {}", Text(status, "task"), Text(status, "phase"));
    if (IsNumber(status, "sites_heard"))
      line += fmt::format(", {} of {} sites heard", Count(status, "sites_heard"), Count(status, "sites_invited"));
  }
  line += Figures(status);
  line += fmt::format(", {}", FormatBytes(Count(status, "bytes_received")));
  if (IsNumber(status, "seconds_left") && state == "running")
    line += fmt::format(", {} left", FormatSeconds(status.at("seconds_left").get<double>()));
  if (!status.value("running", false)) line += " (the coordinator isn't running)";
  return line;
}

std::string AttemptLine(const json& attempt) {
  std::string line = fmt::format("round {}", Count(attempt, "round"));
  if (Count(attempt, "attempt") > 0) line += fmt::format(" (attempt {})", Count(attempt, "attempt") + 1);
  line += fmt::format(" {}", Text(attempt, "task"));
  if (attempt.value("committed", false))
    line += fmt::format(", {} sites{}", attempt.value("included", json::array()).size(), Figures(attempt));
  else
    line += fmt::format(" failed: {}", Text(attempt, "failure"));
  if (IsNumber(attempt, "seconds")) line += fmt::format(", {:.1f} s", attempt.at("seconds").get<double>());
  return line + Refusals(attempt);
}

std::string StatusText(const json& status) {
  std::string text =
      fmt::format("trial {} ({})\n{}\n", Text(status, "trial"), Text(status, "title"), ProgressLine(status));
  text += fmt::format("plan {}, roster version {}\n", Text(status, "plan_sha256"), Count(status, "roster_version"));
  if (const std::string model = Text(status, "model"); !model.empty()) text += fmt::format("model {}\n", model);
  if (const std::string listen = Text(status, "listen"); !listen.empty())
    text +=
        fmt::format("sites dial {}, pages {}\n", listen, Text(status, "page").empty() ? "none" : Text(status, "page"));
  for (const json& site : status.value("sites", json::array())) text += SiteLine(site) + "\n";
  for (const json& request : status.value("pending", json::array()))
    text += fmt::format("{} asks to be let in: sign it if its fingerprint there is {}\n", Text(request, "name"),
                        Text(request, "fingerprint"));
  return text;
}

std::string ReportText(const json& report) {
  std::string text = fmt::format("trial {} ({}), {}\nplan {}\n", Text(report, "trial"), Text(report, "title"),
                                 Text(report, "state"), Text(report, "plan_sha256"));
  for (const json& round : report.value("rounds", json::array())) text += AttemptLine(round) + "\n";
  for (const json& round : report.value("failed_attempts", json::array())) text += AttemptLine(round) + "\n";
  const json sites = report.value("upload_bytes", json::object());
  for (const auto& [name, bytes] : sites.items())
    text += fmt::format("{:<24} sent {}, plain float32 {}\n", name, FormatBytes(Count(bytes, "sent")),
                        FormatBytes(Count(bytes, "plain_float32")));
  text += fmt::format("audit log: {}\n", Text(report.value("audit", json::object()), "coordinator"));
  return text;
}

}  // namespace fedtrial::coordinator
