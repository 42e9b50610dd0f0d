#include "tests/simulation/program/plain_trial.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string>

#include "model/survival/scaling.h"
#include "proto/plan/layout.h"
#include "proto/plan/recalibrate.h"
#include "site_node/cohort/folds.h"
#include "tests/simulation/program/experiment_summary.h"
#include "tests/simulation/program/patient_scores.h"
#include "tests/simulation/program/play.h"

namespace fedtrial::sim {
namespace {

constexpr char kPlan[] = R"([trial]
id = "plain"
seed = 3
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [100, 200, 400]
[cohort]
min_patients = 5
[[feature]]
name = "age"
from = "participants.age"
range = [0, 100]
[[feature]]
name = "kps"
from = "participants.kps"
range = [0, 100]
[[block]]
name = "risk"
kind = "linear"
features = ["age", "kps"]
[network]
precision = "float64"
[[step]]
task = "normalise"
[[step]]
task = "grid"
[[step]]
task = "train"
rounds = 4
local = { steps = 2, rate = 0.2, ridge = 2 }
[rules]
sites = 3
min_sites = 3
threshold = 3
[encoding]
word_bits = 64
clip = 8.0
patient_cap = 20
)";

Plan ThePlan() {
  auto plan = ParsePlan(kPlan, "plan.toml");
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  return plan.ok() ? std::move(*plan) : Plan{};
}

SiteCohort Site(const std::string& name, std::size_t patients, double shift) {
  SiteCohort site{name, {{"age", "kps"}, {}, {}}, {}};
  for (std::size_t i = 0; i < patients; ++i) {
    Sample sample;
    sample.key = name + std::to_string(i);
    sample.features = {50.0 + shift + 3.0 * static_cast<double>(i % 7), 60.0 + 5.0 * static_cast<double>((i * 5) % 8)};
    sample.time_days = 60.0 + 40.0 * static_cast<double>((i * 3) % 11);
    sample.event = i % 4 != 0;
    site.cohort.samples.push_back(std::move(sample));
  }
  site.summary.patients = patients;
  for (const char* block : {"risk", "feature_age", "feature_kps"}) site.summary.patients_per_block[block] = patients;
  site.summary.digest[0] = static_cast<std::uint8_t>(patients);
  return site;
}

TEST(PlainTrial, WithTheFederationsRuleGivesTheModelOfTheMaskedFederation) {
  const Plan plan = ThePlan();
  const std::vector<SiteCohort> sites = {Site("a", 12, 0.0), Site("b", 9, 4.0), Site("c", 15, -6.0)};
  const auto played = Play(kPlan, plan, sites, {});
  ASSERT_TRUE(played.ok()) << played.error().message;
  PlainOptions options;
  options.fewest_sites = true;
  const auto plain =
      TrainPlainly(plan, plan.blocks[0], {&sites[0].cohort, &sites[1].cohort, &sites[2].cohort}, options);
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  for (const std::string& name : {BetaName({}, "risk"), InterceptName({}, "risk"), MeanName({}), DeviationName({})})
    for (std::size_t i = 0; i < plain->tensors.at(name).size(); ++i)
      EXPECT_NEAR(plain->tensors.at(name).at(i), played->model.tensors.at(name).at(i), 1e-9) << name;
  EXPECT_NE(plain->tensors.at(BetaName({}, "risk")).at(0), 0.0);
}

TEST(PlainTrial, RecalibratesAsTheMaskedFederation) {
  std::string toml = kPlan;
  toml.replace(toml.find("[rules]"), 7, "[[step]]\ntask = \"recalibrate\"\nrounds = 3\n[rules]");
  toml += "[folds]\nrepeats = 1\nfolds = 2\n";
  const auto plan = ParsePlan(toml, "plan.toml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  std::vector<SiteCohort> sites = {Site("a", 12, 0.0), Site("b", 9, 4.0), Site("c", 15, -6.0)};
  for (SiteCohort& site : sites) site::DealFolds(plan->folds, plan->seed, site.cohort);
  const auto played = Play(toml, *plan, sites, {});
  ASSERT_TRUE(played.ok()) << played.error().message;
  const auto plain = TrainPlainly(*plan, plan->blocks[0], {&sites[0].cohort, &sites[1].cohort, &sites[2].cohort},
                                  {.fewest_sites = true});
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  EXPECT_EQ(played->rounds.size(), 9u) << "normalise, grid, four of training, three of recalibration";
  EXPECT_EQ(played->rounds.back()["task"], "recalibrate");
  for (const Replica& replica : Replicas(*plan)) {
    const std::string name = RecalibrationName(replica, "risk");
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_NEAR(plain->tensors.at(name).at(i), played->model.tensors.at(name).at(i), 1e-8) << name;
  }
}

TEST(PlainTrial, StopsBeforeTheNextRound) {
  const Plan plan = ThePlan();
  const SiteCohort site = Site("a", 12, 0.0);
  std::size_t rounds = 0;
  PlainOptions options;
  options.progress = [&rounds](std::size_t done, std::size_t) { rounds = done; };
  options.stopped = [&rounds] { return rounds == 2; };
  const auto stopped = TrainPlainly(plan, plan.blocks[0], {&site.cohort}, options);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(rounds, 2u);
}

TEST(PlainTrial, OfOneCohortAloneIsScaledByItsOwnValues) {
  const Plan plan = ThePlan();
  const SiteCohort site = Site("a", 12, 0.0);
  EXPECT_FALSE(TrainPlainly(plan, plan.blocks[0], {&site.cohort}, {.fewest_sites = true}).ok())
      << "one site is too few";
  const auto alone = TrainPlainly(plan, plan.blocks[0], {&site.cohort}, {});
  ASSERT_TRUE(alone.ok()) << alone.error().message;
  Matrix raw(12, 2);
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < 12; ++i) {
    raw(i, 0) = site.cohort.samples[i].features[0];
    raw(i, 1) = site.cohort.samples[i].features[1];
    rows.push_back(i);
  }
  const auto scaling = FitScaling(raw, rows);
  ASSERT_TRUE(scaling.ok());
  for (std::size_t j = 0; j < 2; ++j) {
    EXPECT_NEAR(alone->tensors.at(MeanName({})).at(j), scaling->mean[j], 1e-8);
    EXPECT_NEAR(alone->tensors.at(DeviationName({})).at(j), scaling->deviation[j], 1e-8);
  }
}

TEST(PatientScorer, GivesTheRowsOfAllSitesInTheirOrder) {
  const Plan plan = ThePlan();
  const std::vector<SiteCohort> sites = {Site("a", 12, 0.0), Site("b", 9, 4.0)};
  const auto model = TrainPlainly(plan, plan.blocks[0], {&sites[0].cohort, &sites[1].cohort}, {});
  ASSERT_TRUE(model.ok()) << model.error().message;
  PatientScorer scorer(plan);
  const auto scores = scorer.Score(*model, sites, {}, plan.blocks[0], "os");
  ASSERT_TRUE(scores.ok()) << scores.error().message;
  ASSERT_EQ(scores->risk.size(), 21u);
  EXPECT_EQ(scores->logits.rows, 21u);
  const auto second = scorer.Score(*model, {sites[1]}, {}, plan.blocks[0], "os");
  ASSERT_TRUE(second.ok());
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(scores->risk[12 + i], second->risk[i]);
}

nlohmann::json Record(const char* signal, double federated, double linear) {
  return {{"seed", 1},
          {"signal", signal},
          {"landmark_days", 0.0},
          {"calibration_slope", {{"as_trained", 0.6}, {"recalibrated", 0.9}}},
          {"brier", {{"federated", 0.18}, {"recalibrated", 0.17}, {"kaplan_meier", 0.19}}},
          {"seconds", 2.0},
          {"concordance",
           {{"truth", 0.75},
            {"federated", federated},
            {"pooled", 0.65},
            {"local_mean", 0.55},
            {"linear", linear},
            {"without", {{"clinical", federated - 0.05}}}}}};
}

TEST(ExperimentSummary, HasMeansIntervalsAndWhetherTheGoalsAreMet) {
  const auto summary = SummariseExperiments(
      {Record("linear", 0.64, 0.65), Record("linear", 0.66, 0.65), Record("interaction", 0.62, 0.61)});
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  const auto& linear = (*summary)["signals"]["linear"];
  EXPECT_NEAR(linear["concordance"]["federated"]["mean"].get<double>(), 0.65, 1e-12);
  EXPECT_NEAR(linear["concordance"]["federated"]["sd"].get<double>(), std::sqrt(2.0) * 0.01, 1e-12);
  EXPECT_NEAR(linear["federated_minus"]["pooled"]["low"].get<double>(), -1.96 * 0.01, 1e-12);
  EXPECT_NEAR(linear["without"]["clinical"].get<double>(), 0.05, 1e-12);
  EXPECT_EQ(linear["brier_below_kaplan_meier"]["recalibrated"].get<double>(), 1.0);
  EXPECT_NEAR(linear["calibration_slope"]["as_trained"]["mean"].get<double>(), 0.6, 1e-12);
  std::map<std::string, bool> met;
  for (const auto& goal : (*summary)["goals"]) met[goal["goal"].get<std::string>()] = goal["met"].get<bool>();
  EXPECT_TRUE(met.at("linear: calibration slope, recalibrated"));
  EXPECT_TRUE(met.at("linear: Brier score, recalibrated"));
  EXPECT_TRUE(met.at("linear: federated minus the linear model"));
  EXPECT_FALSE(met.at("interaction: federated minus the linear model")) << "0.01 of the 0.03 wanted";
  EXPECT_NE(SummaryText(*summary).find("NOT  interaction: federated minus the linear model"), std::string::npos);
  EXPECT_NE(SummaryPage(*summary).find("\"interaction\""), std::string::npos);
}

TEST(ExperimentSummary, RefusesARecordOfSomethingElse) {
  const auto summary = SummariseExperiments({nlohmann::json{{"signal", "linear"}}});
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.error().code, ErrorCode::kInvalidInput);
}

}  // namespace
}  // namespace fedtrial::sim
