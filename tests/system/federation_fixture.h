#pragma once

#include <cstdint>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/system/process.h"

namespace fedtrial::system_test {

struct TrialOptions {
  std::string id = "small";
  std::uint64_t seed = 7;
  std::vector<unsigned> patients = {14, 17, 20, 23};  // one site each: site-a, site-b, ...
  unsigned min_patients = 8;
  unsigned threshold = 3;        // and min_sites
  unsigned rounds = 6;           // of training, after normalise and grid
  std::string min_open = "60s";  // of every phase: how long a site that restarts is waited for
  std::string max_open = "5m";
  std::vector<std::size_t> not_approved;  // sites whose operator hasn't approved the plan
};

// A survival trial with made-up patients: what the plan says, and one site's tables.
std::string PlanText(const TrialOptions& options);
void WriteSiteTables(const std::filesystem::path& folder, unsigned site, unsigned patients);
std::string SiteName(std::size_t site);
int FreePort();

// One trial in a folder of its own: consortium/, state/ of the coordinator, a folder a site and its tables in data/.
// What it starts ends with it.
class Federation {
 public:
  explicit Federation(const TrialOptions& options);

  // Consortium, trial, and a coordinator that runs.
  testing::AssertionResult Init();
  // Every site enrolled, listed and approved.
  testing::AssertionResult Enrol();
  testing::AssertionResult Approve(std::size_t site);
  // All that, then every daemon runs.
  testing::AssertionResult Start();

  testing::AssertionResult StartCoordinator();
  void StartSite(std::size_t site);
  // One site: invitation, its keys and request, the consortium's signature. Its `enrol` goes on waiting for the roster.
  testing::AssertionResult AskToEnrol(std::size_t site);

  Ran Coordinator(Arguments arguments) const;  // --state is added
  Ran Consortium(Arguments arguments) const;   // --consortium and --state are added
  Ran Site(std::size_t site, Arguments arguments) const;

  nlohmann::json Status() const;            // {} while it can't be had
  std::vector<nlohmann::json> Log() const;  // whole lines of the coordinator's log
  std::string SiteLog(std::size_t site) const { return ReadText(path("logs") / (SiteName(site) + ".log")); }
  bool LogSays(const std::string& event, const std::string& detail = "") const;

  // Until the plan is done.
  testing::AssertionResult Finishes(std::chrono::seconds limit = std::chrono::seconds(240));
  testing::AssertionResult AuditsHold() const;
  std::string FinalModel() const { return Status().value("model", "none"); }

  // Stops two sites (SIGSTOP) so that this phase of some round stays open: it is, when this returns with success. The
  // other sites have been heard in it.
  testing::AssertionResult HoldPhase(const std::string& phase);
  void LetGo();  // SIGCONT

  std::size_t sites() const { return site_.size(); }
  Process& coordinator() { return coordinator_; }
  Process& site(std::size_t site) { return site_[site]; }
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  std::filesystem::path state_of(std::size_t site) const { return path(SiteName(site)); }
  int port() const { return port_; }

 private:
  bool WaitForOthers(const std::string& phase, std::size_t opened_at) const;

  TrialOptions options_;
  ScratchFolder folder_;
  int port_ = 0;
  Process coordinator_;
  std::vector<Process> site_;
  std::vector<Process> enrolling_;
};

// The sites that HoldPhase stops.
inline constexpr std::size_t kHeld[] = {2, 3};

}  // namespace fedtrial::system_test
