#include "tests/system/federation_fixture.h"

#include <algorithm>
#include <csignal>
#include <sstream>

namespace fedtrial::system_test {
namespace {

using nlohmann::json;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

AssertionResult Worked(const char* what, const Ran& ran) {
  if (ran.status == 0) return AssertionSuccess();
  return AssertionFailure() << what << " ended with status " << ran.status << ": " << ran.err;
}

Arguments Joined(Arguments first, const Arguments& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

bool IsOpening(const json& line, const std::string& phase) {
  return line.value("event", "") == "phase opened" && (phase.empty() || line.value("phase", "") == phase);
}

}  // namespace

Federation::Federation(const TrialOptions& options)
    : options_(options), port_(FreePort()), site_(options.patients.size()) {
  WriteText(path("plan.toml"), PlanText(options));
  for (std::size_t i = 0; i < sites(); ++i)
    WriteSiteTables(path("data") / SiteName(i), static_cast<unsigned>(i), options.patients[i]);
  std::filesystem::create_directories(path("logs"));
}

AssertionResult Federation::Init() {
  const std::string program = ProgramFolder() / "fedtrial-coordinator";
  if (const auto made = Worked("consortium init", RunToEnd({program, "consortium", "init", path("consortium")})); !made)
    return made;
  if (const auto made = Worked("init", Consortium({"init", "--plan", path("plan.toml"), "--host", "127.0.0.1", "--port",
                                                   std::to_string(port_)}));
      !made)
    return made;
  const std::string config = ReadText(path("state/coordinator.toml"));
  WriteText(path("state/coordinator.toml"), Replaced(Replaced(config, "level = \"info\"", "level = \"debug\""),
                                                     "format = \"text\"", "format = \"json\""));
  return StartCoordinator();
}

AssertionResult Federation::Enrol() {
  for (std::size_t i = 0; i < sites(); ++i)
    if (const auto asked = AskToEnrol(i); !asked) return asked;
  if (const auto listed = Worked("roster", Consortium({"consortium", "roster"})); !listed) return listed;
  for (Process& process : enrolling_)
    if (process.Wait() != 0) return AssertionFailure() << "an `enrol` hasn't ended well";
  enrolling_.clear();
  for (std::size_t i = 0; i < sites(); ++i)
    if (std::count(options_.not_approved.begin(), options_.not_approved.end(), i) == 0)
      if (const auto approved = Approve(i); !approved) return approved;
  return AssertionSuccess();
}

AssertionResult Federation::AskToEnrol(std::size_t site) {
  const std::string name = SiteName(site);
  const std::string file = path(name + ".json"), out = path("logs") / (name + ".enrol");
  if (const auto invited = Worked("enrol-token", Coordinator({"enrol-token", name, "--out", file})); !invited)
    return invited;
  if (const auto made = Worked("site init", Site(site, {"init", "--name", name, "--data", path("data") / name})); !made)
    return made;
  StartOptions options;
  options.out = out;
  options.err = out;
  enrolling_.emplace_back(Arguments{ProgramFolder() / "fedtrial-site", "enrol", "--state", state_of(site), file},
                          options);
  std::string fingerprint;
  const bool said = Eventually([&] {
    const std::string text = ReadText(out);
    const std::size_t end = text.find('\n');
    if (!text.starts_with("fingerprint ") || end == std::string::npos) return !enrolling_.back().running();
    fingerprint = text.substr(12, end - 12);
    return true;
  });
  if (!said || fingerprint.empty()) return AssertionFailure() << "no fingerprint of " << name << ": " << ReadText(out);
  return Worked("sign", Consortium({"consortium", "sign", "--fingerprint", fingerprint}));
}

AssertionResult Federation::Approve(std::size_t site) {
  const json status = Status();
  return Worked("approve",
                Site(site, {"approve", "--by", "Dr Test", "--plan-sha256", status.value("plan_sha256", "")}));
}

AssertionResult Federation::Start() {
  if (const auto made = Init(); !made) return made;
  if (const auto enrolled = Enrol(); !enrolled) return enrolled;
  for (std::size_t i = 0; i < sites(); ++i) StartSite(i);
  return AssertionSuccess();
}

AssertionResult Federation::StartCoordinator() {
  StartOptions options;
  options.err = path("logs/coordinator.log");
  coordinator_ = Process({ProgramFolder() / "fedtrial-coordinator", "run", "--state", path("state")}, options);
  const bool runs = Eventually([&] { return Status().value("running", false) || !coordinator_.running(); });
  if (runs && coordinator_.running()) return AssertionSuccess();
  return AssertionFailure() << "the coordinator doesn't run: " << ReadText(options.err);
}

void Federation::StartSite(std::size_t site) {
  StartOptions options;
  options.err = path("logs") / (SiteName(site) + ".log");
  site_[site] = Process({ProgramFolder() / "fedtrial-site", "run", "--state", state_of(site)}, options);
}

Ran Federation::Coordinator(Arguments arguments) const {
  return RunToEnd(Joined(Joined({ProgramFolder() / "fedtrial-coordinator"}, arguments), {"--state", path("state")}));
}

Ran Federation::Consortium(Arguments arguments) const {
  return Coordinator(Joined(std::move(arguments), {"--consortium", path("consortium")}));
}

Ran Federation::Site(std::size_t site, Arguments arguments) const {
  return RunToEnd(Joined(Joined({ProgramFolder() / "fedtrial-site"}, arguments), {"--state", state_of(site)}));
}

json Federation::Status() const {
  const json status = Coordinator({"status", "--json"}).Json();
  return status.is_object() ? status : json::object();
}

std::vector<json> Federation::Log() const {
  std::vector<json> lines;
  std::istringstream text(ReadText(path("logs/coordinator.log")));
  for (std::string line; std::getline(text, line);)
    if (json parsed = json::parse(line, nullptr, false); parsed.is_object()) lines.push_back(std::move(parsed));
  return lines;
}

bool Federation::LogSays(const std::string& event, const std::string& detail) const {
  const auto lines = Log();
  return std::any_of(lines.begin(), lines.end(), [&](const json& line) {
    return line.value("event", "") == event && line.dump().find(detail) != std::string::npos;
  });
}

AssertionResult Federation::Finishes(std::chrono::seconds limit) {
  std::string state;
  const bool ended = Eventually(
      [&] {
        state = Status().value("state", "");
        return state == "finished" || state == "closed" || !coordinator_.running();
      },
      limit);
  if (ended && state == "finished") return AssertionSuccess();
  AssertionResult failure = AssertionFailure() << "the trial is " << state << ": " << Coordinator({"status"}).out;
  const std::string log = ReadText(path("logs/coordinator.log"));
  failure << "\ncoordinator's log: ..." << log.substr(log.size() - std::min<std::size_t>(log.size(), 3000));
  for (std::size_t i = 0; i < sites(); ++i) {
    const std::string own = SiteLog(i);
    failure << "\n" << SiteName(i) << ": ..." << own.substr(own.size() - std::min<std::size_t>(own.size(), 1200));
  }
  return failure;
}

AssertionResult Federation::AuditsHold() const {
  if (const auto own = Worked("verify-audit", Coordinator({"verify-audit"})); !own) return own;
  for (std::size_t i = 0; i < sites(); ++i)
    if (const auto sound = Worked("verify-audit", Site(i, {"verify-audit"})); !sound)
      return AssertionFailure() << SiteName(i) << ": " << sound.message();
  return AssertionSuccess();
}

// Whether every site but the held ones is heard in the phase that was opened at this line of the log, while it is open.
bool Federation::WaitForOthers(const std::string& phase, std::size_t opened_at) const {
  bool passed = false;
  Eventually(
      [&] {
        const auto log = Log();
        std::size_t heard = 0;
        for (std::size_t i = opened_at + 1; i < log.size(); ++i) {
          const std::string event = log[i].value("event", "");
          if (IsOpening(log[i], "") || event == "round committed" || event == "round failed") passed = true;
          const bool held = std::any_of(std::begin(kHeld), std::end(kHeld),
                                        [&](std::size_t site) { return log[i].value("site", "") == SiteName(site); });
          if (event == "site heard" && log[i].value("phase", "") == phase && !held) ++heard;
        }
        return passed || heard >= sites() - std::size(kHeld);
      },
      std::chrono::seconds(20));
  return !passed && Status().value("phase", "") == phase;
}

AssertionResult Federation::HoldPhase(const std::string& phase) {
  std::size_t seen = Log().size();
  for (int attempt = 0; attempt < 30; ++attempt) {
    std::size_t opened_at = 0;
    const bool opened = Eventually([&] {
      const auto log = Log();
      for (; seen < log.size(); ++seen)
        if (IsOpening(log[seen], phase)) opened_at = seen;
      return opened_at != 0 && opened_at + 1 == log.size();
    });
    for (const std::size_t site : kHeld) site_[site].Signal(SIGSTOP);
    if (!opened) {
      LetGo();
      return AssertionFailure() << "no round came to " << phase << ": " << Coordinator({"status"}).out;
    }
    if (WaitForOthers(phase, opened_at)) return AssertionSuccess();
    LetGo();
  }
  return AssertionFailure() << phase << " was always over before it could be held";
}

void Federation::LetGo() {
  for (const std::size_t site : kHeld) site_[site].Signal(SIGCONT);
}

}  // namespace fedtrial::system_test
