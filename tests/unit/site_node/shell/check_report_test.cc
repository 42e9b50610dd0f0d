#include "site_node/shell/check_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "proto/plan/layout.h"
#include "site_node/shell/check_page.h"
#include "site_node/shell/what_leaves.h"
#include "tests/support/text_files.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Plan PlanOf(const std::string& file) {
  auto plan = ParsePlan(ReadText(std::filesystem::path(FEDTRIAL_SOURCE_DIR) / "deploy/config" / file), file);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  return plan.ok() ? *plan : Plan{};
}

// Two patients of a site without images.
CohortReading ReadingOf(const Plan& plan) {
  CohortReading reading;
  for (const Feature& feature : plan.features) reading.summary.patients_per_block["feature_" + feature.name] = 2;
  for (const Block& block : plan.blocks) reading.summary.patients_per_block[block.name] = 2;
  reading.summary.patients_per_block["mri"] = 0;
  reading.summary.patients = reading.rows = 2;
  for (const char* key : {"p1", "p2"}) {
    Sample sample;
    sample.key = key;
    sample.features.assign(plan.features.size(), 1.0);
    reading.cohort.samples.push_back(sample);
  }
  reading.columns = {{"participants.kps", "participants.Karnofsky"}, {"participants.sex", "participants.sex"}};
  reading.findings = {{Severity::kWarning, "", 0, 0, "", "", "a warning", ""},
                      {Severity::kError, "participants.tsv", 3, 2, "age_y", "<img src=x onerror=alert(1)>",
                       "not a number", "a \"number\" & no text"}};
  reading.has_errors = true;
  reading.left_out_of["mri"] = 1;
  return reading;
}

TEST(CheckReport, SaysFindingsTasksModalitiesAndTheMapping) {
  const Plan plan = PlanOf("glioma_mri_plan.toml");
  const std::string text = CheckText(plan, ReadingOf(plan));
  EXPECT_THAT(text, HasSubstr("participants.tsv:3:2: age_y: not a number"));
  EXPECT_LT(text.find("(error)"), text.find("(warning)"));
  EXPECT_THAT(text, HasSubstr("1 patients of the cohort are left out of mri"));
  EXPECT_THAT(text, HasSubstr("participants.kps             participants.Karnofsky"));
  EXPECT_THAT(text, Not(HasSubstr("participants.sex  ")));
  EXPECT_THAT(text, HasSubstr("cytokines (panel)                             2        0         <5"));
  EXPECT_THAT(text, HasSubstr("This site has 2 patients, the plan asks for at least 5: it declines every round."));
}

TEST(CheckReport, IsJsonForPrograms) {
  const Plan plan = PlanOf("glioma_mri_plan.toml");
  const auto json = nlohmann::json::parse(CheckJson(plan, ReadingOf(plan)));
  EXPECT_EQ(json.at("findings").size(), 2u);
  EXPECT_EQ(json.at("left_out_of").at("mri"), 1);
  EXPECT_EQ(json.at("columns").at("participants.kps"), "participants.Karnofsky");
  EXPECT_EQ(json.at("modalities").size(), json.at("modality_patterns").at(0).at("has").size());
  EXPECT_FALSE(json.at("contributes").get<bool>());
}

TEST(CheckPage, IsOnePageWithoutScriptsOrResourcesAndEscapesEveryValue) {
  const Plan plan = PlanOf("glioma_mri_plan.toml");
  const std::string page = CheckPage(plan, "a<b", ReadingOf(plan));
  EXPECT_THAT(page, HasSubstr("&lt;img src=x onerror=alert(1)&gt;"));
  EXPECT_THAT(page, HasSubstr("a &quot;number&quot; &amp; no text"));
  EXPECT_THAT(page, HasSubstr("Data folder of a&lt;b"));
  for (const char* never : {"<img", "<script", "http:", "https:", "src=\"", "href"})
    EXPECT_THAT(page, Not(HasSubstr(never)));
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_TRUE(page.ends_with("</body></html>\n"));
}

TEST(WhatLeaves, IsWhatLayoutSaysOfEachRound) {
  const Plan plan = PlanOf("plan.toml");
  const auto vectors = WhatLeaves(plan, ReadingOf(plan));
  ASSERT_TRUE(vectors.ok()) << vectors.error().message;
  ASSERT_EQ(vectors->size(), 6u) << "normalise, grid, and of network and linear block training and evaluation";
  EXPECT_EQ((*vectors)[0].task, "normalise");
  EXPECT_EQ((*vectors)[4].task, "train");
  EXPECT_EQ((*vectors)[4].rounds, 30u);
  EXPECT_EQ((*vectors)[5].task, "evaluate");
  EXPECT_EQ((*vectors)[5].rounds, 3u);
  std::uint64_t rounds = 0;
  for (const LeavingVector& vector : *vectors) rounds += vector.rounds;
  EXPECT_EQ(rounds, PlannedRounds(plan));
  const std::string text = WhatLeavesText(plan, ReadingOf(plan), *vectors);
  EXPECT_THAT(text, HasSubstr("risk/beta [11]"));
  EXPECT_THAT(text, HasSubstr("risk/intercept [11]"));
  EXPECT_THAT(text, HasSubstr("once more for each of 50 replicas"));
  EXPECT_THAT(text, HasSubstr("once more for each of 5 replicas")) << "of the network";
  EXPECT_THAT(text, Not(HasSubstr("r01k1/")));
}

TEST(WhatLeaves, OfARecalibrationIsItsCentresAndThenSixSumsARound) {
  Plan plan = PlanOf("plan.toml");
  plan.steps.push_back({"recalibrate", RecalibrateStep{"risk", "os", 4}});
  const auto vectors = WhatLeaves(plan, ReadingOf(plan));
  ASSERT_TRUE(vectors.ok()) << vectors.error().message;
  const LeavingVector& centres = (*vectors)[vectors->size() - 2];
  EXPECT_EQ(centres.rounds, 1u);
  EXPECT_EQ(centres.manifest.tensors.front().shape, (std::vector<std::uint64_t>{1, 2, 11}));
  EXPECT_EQ(vectors->back().rounds, 3u);
  EXPECT_EQ(vectors->back().manifest.tensors.size(), 1u + 51u);
  for (const TensorSpec& spec : vectors->back().manifest.tensors) EXPECT_EQ(spec.elements(), 6u) << spec.name;
  const std::string text = WhatLeavesText(plan, ReadingOf(plan), *vectors);
  EXPECT_THAT(text, HasSubstr("recalibrate: events, score and information of two constants a landmark"));
  EXPECT_THAT(text, HasSubstr("recalibration: filled by this site"));
}

TEST(WhatLeaves, CountsBothPassesOfAGridThatFindsItsCuts) {
  const Plan plan = PlanOf("brca_plan.toml");
  const auto vectors = WhatLeaves(plan, ReadingOf(plan));
  ASSERT_TRUE(vectors.ok()) << vectors.error().message;
  EXPECT_EQ((*vectors)[1].manifest.tensors.front().name, "fine/at_risk");
  EXPECT_EQ((*vectors)[2].manifest.tensors.front().name, "grid/at_risk");
  std::uint64_t rounds = 0;
  for (const LeavingVector& vector : *vectors) rounds += vector.rounds;
  EXPECT_EQ(rounds, PlannedRounds(plan));
}

TEST(WhatLeaves, ShowsANetworkBlockByBlock) {
  const Plan plan = PlanOf("glioma_mri_plan.toml");
  const auto vectors = WhatLeaves(plan, ReadingOf(plan));
  ASSERT_TRUE(vectors.ok()) << vectors.error().message;
  const std::string text = WhatLeavesText(plan, ReadingOf(plan), *vectors);
  EXPECT_THAT(text, HasSubstr("  cytokines: filled by this site"));
  EXPECT_THAT(text, HasSubstr("  mri: not filled by this site: zeros"));
  const auto json = nlohmann::json::parse(WhatLeavesJson(plan, *vectors));
  std::vector<nlohmann::json> trained;  // in the plan's order: the encoder's stage, the heads', the linear model
  for (const auto& vector : json.at("vectors"))
    if (vector.at("task") == "train") trained.push_back(vector);
  ASSERT_EQ(trained.size(), 3u);
  const auto& encoder = trained[0];
  const auto& heads = trained[1];
  EXPECT_TRUE(heads.at("blocks_filled").at("cytokines").get<bool>());
  EXPECT_FALSE(heads.at("blocks_filled").contains("mri")) << "trained in its own stage";
  EXPECT_FALSE(encoder.at("blocks_filled").at("mri").get<bool>());
  EXPECT_GT(heads.at("words").get<std::uint64_t>(), 100'000u);
}

}  // namespace
}  // namespace fedtrial::site
