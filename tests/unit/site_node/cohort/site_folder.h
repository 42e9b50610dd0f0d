#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "proto/plan/plan.h"
#include "site_node/cohort/cohort.h"

namespace fedtrial::site {

// A folder of tables that goes with the test.
class SiteFolder {
 public:
  SiteFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fedtrial-cohort-XXXXXX").string();
    path_ = mkdtemp(name.data()) == nullptr ? "" : name;
    std::filesystem::create_directory(path_ / "phenotype");
  }
  ~SiteFolder() { std::filesystem::remove_all(path_); }
  SiteFolder(const SiteFolder&) = delete;
  SiteFolder& operator=(const SiteFolder&) = delete;

  void Write(std::string_view file, std::string_view text) const {
    std::ofstream out(path_ / file, std::ios::binary);
    out << text;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Two features of participants, sex as text, one lab value of its own table; no folds.
inline Plan SmallPlan() {
  Plan plan;
  plan.trial_id = "small";
  plan.seed = 7;
  plan.endpoints = {
      {.name = "os", .time_column = "outcome.os_day", .event_column = "outcome.os_event", .cuts = {100.0, 200.0}}};
  plan.features = {
      {.name = "age", .from = "participants.age_y", .unit = "y", .low = 0.0, .high = 120.0, .levels = {}},
      {.name = "sex", .from = "participants.sex", .unit = "", .low = 0.0, .high = 1.0, .levels = {"F", "M"}},
      {.name = "crp",
       .from = "labs.crp",
       .unit = "mg/L",
       .transform = Transform::kLog1p,
       .low = 0.0,
       .high = 6.0,
       .levels = {}}};
  plan.blocks = {{.name = "risk", .kind = BlockKind::kLinear, .features = {0, 1, 2}}};
  return plan;
}

inline constexpr std::string_view kParticipants =
    "participant_id\tage_y\tsex\n"
    "p1\t50\tM\n"
    "p2\t60.5\tF\n"
    "p3\tn/a\tF\n";
inline constexpr std::string_view kOutcome =
    "participant_id\tos_day\tos_event\n"
    "p1\t120\t1\n"
    "p2\t300\t0\n"
    "p3\t0\t1\n";
inline constexpr std::string_view kLabs =
    "participant_id\tcrp\n"
    "p1\t0\n"
    "p2\t9\n";

inline void WriteSmallSite(const SiteFolder& folder) {
  folder.Write("participants.tsv", kParticipants);
  folder.Write("phenotype/outcome.tsv", kOutcome);
  folder.Write("phenotype/labs.tsv", kLabs);
}

}  // namespace fedtrial::site
