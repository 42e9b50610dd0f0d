#pragma once

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>

#include "site_folder.h"

namespace fedtrial::site {

// A multimodal plan of two panels of long tables, one static block with a label, images and an illness-death endpoint.
inline std::string TrialToml() {
  return R"([trial]
id = "small"
seed = 7
[endpoint.course]
kind = "illness-death"
time = "outcome.os_day"
event = "outcome.os_event"
last_negative = "outcome.rec_last_neg_day"
recurrence = "outcome.rec_day"
recurrence_event = "outcome.rec_event"
cuts = [100, 200]
landmarks = [0, 56]
[cohort]
min_patients = 2
[protocol]
dose_gy = 24
fractions = 3
drugs = { B = "durvalumab" }
[[feature]]
name = "age"
from = "participants.age_y"
range = [0, 120]
[[feature]]
name = "mgmt"
from = "participants.mgmt"
levels = ["no", "yes"]
[[feature]]
name = "il6"
from = "cytokine[IL-6]"
unit = "pg/mL"
transform = "log1p"
range = [0, 12]
[[feature]]
name = "tnf"
from = "cytokine[TNF]"
unit = "pg/mL"
range = [0, 5000]
[[feature]]
name = "cd8"
from = "immune[CD8]"
unit = "cells/uL"
range = [0, 5000]
[[block]]
name = "clinical"
kind = "static"
features = ["age"]
[[block]]
name = "methylation"
kind = "static"
features = ["mgmt"]
[[block]]
name = "cytokines"
kind = "panel"
features = ["il6", "tnf"]
[[block]]
name = "immune"
kind = "panel"
features = ["cd8"]
[[block]]
name = "mri"
kind = "mri"
[[block]]
name = "fusion"
kind = "fusion"
[[block]]
name = "survival"
kind = "head"
target = "endpoint.course"
[[block]]
name = "mgmt_head"
kind = "head"
target = "feature.mgmt"
hidden = ["methylation"]
[[step]]
task = "normalise"
[[step]]
task = "grid"
[rules]
sites = 10
[encoding]
patient_cap = 100
)";
}

inline Plan TrialPlan(const std::string& toml = TrialToml()) {
  auto plan = ParsePlan(toml, "plan.toml");
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  return plan.ok() ? *plan : Plan{};
}

inline constexpr std::string_view kTrialParticipants =
    "participant_id\tsite\tarm\tage_y\tmgmt\n"
    "p1\tA\tA\t50\tyes\n"
    "p2\tA\tB\t60\tno\n"
    "p3\tA\tB\t70\tn/a\n";
inline constexpr std::string_view kTrialOutcome =
    "participant_id\tos_day\tos_event\trec_last_neg_day\trec_day\trec_event\tdeath_cause\tdata_cut\n"
    "p1\t300\t1\t56\t112\t1\tdisease\t500\n"
    "p2\t400\t0\t392\tn/a\t0\tn/a\t500\n"
    "p3\t80\t1\tn/a\tn/a\t0\tdisease\t500\n";
inline constexpr std::string_view kCytokines =
    "participant_id\tday\tvisit\tspecimen\tanalyte\tvalue\tunit\tlod_low\tqualifier\tkit\tplate\n"
    "p1\t-3\tBL\tserum\tIL-6\t9\tpg/mL\t0.5\tn/a\tK1\tP1\n"
    "p1\t-3\tBL\tserum\tTNF\t0.02\tng/mL\tn/a\tn/a\tK1\tP1\n"
    "p1\t56\tW08\tserum\tIL-6\t0.5\tpg/mL\t0.5\t<\tK1\tP1\n"
    "p2\t0\tBL\tserum\tTNF\t12\tpg/mL\tn/a\tn/a\tK1\tP1\n"
    "p2\t57\tW08\tserum\tTNF\t14\tpg/mL\tn/a\tn/a\tK1\tP1\n";
inline constexpr std::string_view kImmune =
    "participant_id\tday\tanalyte\tvalue\tunit\n"
    "p1\t-3\tCD8\t0.3\t10^9/L\n"
    "p3\t10\tCD8\t250\tcells/uL\n";

inline void WriteTrialSite(const SiteFolder& folder) {
  folder.Write("participants.tsv", kTrialParticipants);
  folder.Write("phenotype/outcome.tsv", kTrialOutcome);
  folder.Write("phenotype/cytokine.tsv", kCytokines);
  folder.Write("phenotype/immune.tsv", kImmune);
}

// `text` with its first `from`, which must be there, written as `to`.
inline std::string Changed(std::string_view text, const std::string& from, const std::string& to) {
  std::string changed(text);
  const std::size_t place = changed.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return place == std::string::npos ? changed : changed.replace(place, from.size(), to);
}

// Reads the small trial's site, each test with its own fault.
class TrialSite : public ::testing::Test {
 protected:
  TrialSite() { WriteTrialSite(folder_); }

  CohortReading Read(CohortOptions options = {}) const {
    options.all_checks = all_checks_;
    auto reading = ReadCohort(plan_, folder_.path(), options);
    EXPECT_TRUE(reading.ok()) << (reading.ok() ? "" : reading.error().message);
    return reading.ok() ? *reading : CohortReading{};
  }
  std::string ErrorOf() const {
    const auto reading = ReadCohort(plan_, folder_.path());
    EXPECT_FALSE(reading.ok());
    return reading.ok() ? "" : reading.error().message;
  }
  static std::vector<Finding> Of(const CohortReading& reading, Severity severity) {
    std::vector<Finding> found;
    for (const Finding& finding : reading.findings)
      if (finding.severity == severity) found.push_back(finding);
    return found;
  }
  // The only error of the reading.
  static Finding OnlyError(const CohortReading& reading) {
    const std::vector<Finding> errors = Of(reading, Severity::kError);
    EXPECT_EQ(errors.size(), 1u) << FindingsText(reading);
    return errors.empty() ? Finding{} : errors.front();
  }
  const Sample& SampleOf(const CohortReading& reading, std::string_view key) const {
    static const Sample none;
    for (const Sample& sample : reading.cohort.samples)
      if (sample.key == key) return sample;
    ADD_FAILURE() << "no " << key;
    return none;
  }

  Plan plan_ = TrialPlan();
  SiteFolder folder_;
  bool all_checks_ = false;
};

}  // namespace fedtrial::site
