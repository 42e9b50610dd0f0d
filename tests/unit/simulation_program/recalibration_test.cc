// A recalibration by the tasks of site and coordinator, on predictions of which the truth is known.
#include "model/survival/recalibration.h"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "coordinator/tasks/task.h"
#include "model/params/fixed_point.h"
#include "proto/plan/recalibrate.h"
#include "site_node/tasks/scores.h"
#include "site_node/tasks/task.h"
#include "tests/simulation/hosts.h"
#include "tests/simulation/program/calibration_figures.h"

namespace fedtrial::sim {
namespace {

constexpr char kRecalibratedPlan[] = R"([trial]
id = "recalibrated"
seed = 3
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [100, 200, 300, 400, 500]
[cohort]
min_patients = 5
[[feature]]
name = "x"
from = "participants.x"
range = [-6, 6]
[[block]]
name = "risk"
kind = "linear"
features = ["x"]
[network]
precision = "float64"
[[step]]
task = "normalise"
[[step]]
task = "grid"
[[step]]
task = "train"
rounds = 1
[[step]]
task = "recalibrate"
[rules]
sites = 3
[encoding]
word_bits = 64
patient_cap = 500
[folds]
repeats = 2
folds = 3
)";
constexpr std::uint32_t kStep = 3;
constexpr double kBeta = 0.7;
const std::vector<double> kIntercepts = {-1.2, -0.9, -0.8, -0.6, -0.5};

Plan RecalibratedPlan() {
  auto plan = ParsePlan(kRecalibratedPlan, "plan.toml");
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  return plan.ok() ? std::move(*plan) : Plan{};
}

// How far the baseline of a fold's replica lies from the truth.
double ShiftOf(const Replica& replica, double apart) { return apart * (static_cast<double>(replica.fold % 3) - 1.0); }

// The true hazards, whose patients differ `factor` times as much as they do; the baselines of the replicas of folds lie
// `apart` from each other.
Model TimesTruth(const Plan& plan, double factor, double apart = 0.0) {
  Model model;
  for (const Replica& replica : Replicas(plan)) {
    std::vector<double> intercepts = kIntercepts;
    if (replica.repeat > 0)
      for (double& intercept : intercepts) intercept += ShiftOf(replica, apart);
    model.tensors[MeanName(replica)] = Tensor::Of({0.0});
    model.tensors[DeviationName(replica)] = Tensor::Of({1.0});
    model.tensors[BetaName(replica, "risk")] = Tensor::Of({factor * kBeta});
    model.tensors[InterceptName(replica, "risk")] = Tensor::Of(intercepts);
  }
  return model;
}

// Drawn from the true hazards.
Cohort Draw(std::size_t patients, std::uint64_t seed, const Plan& plan) {
  std::mt19937_64 random(seed);
  const auto uniform = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  Cohort cohort{{"x"}, {}, {}};
  for (std::size_t i = 0; i < patients; ++i) {
    Sample sample;
    sample.key = std::to_string(i);
    double x = -6.0;
    for (int j = 0; j < 12; ++j) x += uniform();
    sample.features = {x};
    sample.time_days = 501.0;
    for (std::size_t k = 0; k < kIntercepts.size() && !sample.event; ++k) {
      sample.event = uniform() < 1.0 / (1.0 + std::exp(-kIntercepts[k] - kBeta * x));
      if (sample.event) sample.time_days = 100.0 * static_cast<double>(k) + 50.0;
    }
    for (unsigned repeat = 0; repeat < plan.folds.repeats; ++repeat)
      sample.folds.push_back(1 + static_cast<int>((i / (repeat + 1)) % plan.folds.folds));
    cohort.samples.push_back(std::move(sample));
  }
  return cohort;
}

class RecalibrationTrial : public ::testing::Test {
 protected:
  // The plan's rounds of the step over these sites.
  void Run(const std::vector<Cohort>& sites, Model before) {
    model_ = std::move(before);
    for (StepPosition at{kStep, 0, false}; !IsFinished(plan_, at); at = NextPosition(plan_, at, false)) {
      const Task task = TaskAt(plan_, at, 9);
      const auto manifest = Layout(plan_, task, model_.Header(), Digest{});
      ASSERT_TRUE(manifest.ok()) << manifest.error().message;
      Words words = ZeroWords(manifest->encoding.word_bits, manifest->Words());
      for (const Cohort& cohort : sites) {
        site::TaskContext context;
        const auto answer = site::Answer(plan_, task, *manifest, cohort, model_, context);
        ASSERT_TRUE(answer.ok()) << answer.error().message;
        const auto encoded = EncodeContribution(*manifest, *answer, {});
        ASSERT_TRUE(encoded.ok()) << encoded.error().message;
        simulation::AddWords(words, encoded->words);
      }
      const auto sum = Sum::Over(*manifest, words, sites.size(), 500);
      ASSERT_TRUE(sum.ok()) << sum.error().message;
      coordinator::ServerState server;
      auto outcome = coordinator::Finish(plan_, task, *sum, model_, server);
      ASSERT_TRUE(outcome.ok()) << outcome.error().message;
      result_ = nlohmann::json::parse(outcome->result_json);
      model_ = *std::move(outcome->next);
    }
  }
  Recalibration ConstantsOf(const Replica& replica) const {
    const Tensor& constants = model_.tensors.at(RecalibrationName(replica, "risk"));
    const std::vector<double> values = constants.ToDoubles();
    return {values[0], values[1], {values.begin() + 2, values.end()}};
  }
  site::Scores Score(const Cohort& cohort, bool as_trained) const {
    site::ScoredInput input{plan_, cohort, model_};
    input.as_trained = as_trained;
    auto scores = site::ScoreBlock(input, site::TaskContext{}, Replica{}, plan_.blocks[0], "os", kIntercepts.size());
    EXPECT_TRUE(scores.ok()) << scores.error().message;
    return scores.ok() ? *scores : site::Scores{};
  }

  const Plan plan_ = RecalibratedPlan();
  const std::vector<Cohort> sites_ = {Draw(400, 1, plan_), Draw(250, 2, plan_), Draw(350, 3, plan_)};
  Model model_;
  nlohmann::json result_;
};

TEST_F(RecalibrationTrial, TakesBackPredictionsThatDifferTwiceTooMuch) {
  Run(sites_, TimesTruth(plan_, 2.0));
  EXPECT_NEAR(ConstantsOf({}).slope, 0.5, 0.05);
  EXPECT_NEAR(result_["slope"].get<double>(), ConstantsOf({}).slope, 1e-12);
  EXPECT_NEAR(result_["after"]["slope"].get<double>(), 1.0, 0.05);
  EXPECT_NEAR(result_["after"]["intercepts"][0].get<double>(), 0.0, 0.05);
  EXPECT_TRUE(result_["left"].empty());

  // And of patients whom neither model nor recalibration has seen.
  const Cohort others = Draw(2000, 4, plan_);
  std::vector<Outcome> outcomes;
  for (const Sample& sample : others.samples) outcomes.push_back({sample.time_days, sample.event});
  const std::vector<double> days = plan_.endpoints[0].cuts;
  const auto before = CalibrationOf(outcomes, Score(others, true), days, outcomes);
  const auto after = CalibrationOf(outcomes, Score(others, false), days, outcomes);
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_LT(before->slope, 0.75);
  EXPECT_NEAR(after->slope, 1.0, 0.12);
  EXPECT_LT(after->brier, before->brier);
  EXPECT_LT(after->brier, after->kaplan_meier);
}

TEST_F(RecalibrationTrial, LeavesThePredictionsOfTheTruthNearlyAsTheyAre) {
  Run(sites_, TimesTruth(plan_, 1.0));
  EXPECT_NEAR(ConstantsOf({}).slope, 1.0, 0.1);
  EXPECT_NEAR(ConstantsOf({}).intercept, 0.0, 0.1);
}

TEST_F(RecalibrationTrial, ChangesNoRiskAndSoNoConcordance) {
  Run(sites_, TimesTruth(plan_, 2.0));
  EXPECT_EQ(Score(sites_[0], true).risk, Score(sites_[0], false).risk);
  EXPECT_NE(Score(sites_[0], true).logits.values, Score(sites_[0], false).logits.values);
  EXPECT_TRUE(IsRecalibrated(model_));
  EXPECT_FALSE(IsRecalibrated(WithoutRecalibration(model_)));
  EXPECT_EQ(WithoutRecalibration(model_).tensors, TimesTruth(plan_, 2.0).tensors);
}

// What a replica's baseline has of the fold that it lacks isn't taken for a difference between patients.
TEST_F(RecalibrationTrial, BaselinesOfFoldsThatLieApartLeaveTheSlope) {
  Run(sites_, TimesTruth(plan_, 1.0));
  const double slope = ConstantsOf({}).slope;
  Run(sites_, TimesTruth(plan_, 1.0, 0.5));
  EXPECT_NEAR(ConstantsOf({}).slope, slope, 0.05) << "about a mean over all replicas it would be a quarter less";
}

// Newton's method on all patients at one place, in double: the constants of a fold come from the other folds alone.
TEST_F(RecalibrationTrial, FederatedEqualsPooledOfTheOtherFoldsToTheFixedPointsResolution) {
  constexpr double kApart = 0.3;
  Run(sites_, TimesTruth(plan_, 2.0, kApart));
  const auto grid = Grid::FromCuts(plan_.endpoints[0].cuts);
  ASSERT_TRUE(grid.ok());
  const std::vector<Replica> replicas = Replicas(plan_);
  const auto logits_of = [&](const Replica& replica, const Sample& sample) {
    std::vector<double> logits;
    for (const double intercept : kIntercepts)
      logits.push_back(intercept + (replica.repeat > 0 ? ShiftOf(replica, kApart) : 0.0) +
                       2.0 * kBeta * sample.features[0]);
    return logits;
  };
  const auto place_of = [&](const Sample& sample) { return grid->PlaceOf({sample.time_days, sample.event}); };
  std::vector<std::vector<double>> centres;
  for (const Replica& replica : replicas) {
    LogitSums sums{std::vector<double>(5), std::vector<double>(5)};
    for (const Cohort& cohort : sites_)
      for (const Sample& sample : cohort.samples) AddLogits(logits_of(replica, sample), place_of(sample), 1.0, sums);
    centres.push_back(CentresOf(sums));
  }
  for (std::size_t target = 0; target < replicas.size(); ++target) {
    std::vector<Recalibration> pooled(1);
    for (int round = 1; round < 6; ++round) {
      RecalibrationSums sums;
      for (const Cohort& cohort : sites_)
        for (const Sample& sample : cohort.samples)
          for (std::size_t unseen = 1; unseen < replicas.size(); ++unseen) {
            if (replicas[unseen].TrainsOn(sample.folds, false) || unseen == target) continue;
            if (target > 0 && replicas[unseen].repeat != replicas[target].repeat) continue;
            AddPersonPeriods(logits_of(replicas[unseen], sample), place_of(sample),
                             {pooled[0].intercept, pooled[0].slope, centres[unseen]},
                             target == 0 ? 1.0 / plan_.folds.repeats : 1.0, sums);
          }
      const auto next = NewtonStep(std::span(&sums, 1), pooled, kTowardsOne);
      ASSERT_TRUE(next.ok());
      pooled = *next;
    }
    const Recalibration constants = ConstantsOf(replicas[target]);
    EXPECT_NEAR(constants.slope, pooled[0].slope, 1e-9) << replicas[target].prefix;
    EXPECT_NEAR(constants.intercept, pooled[0].intercept, 1e-9) << replicas[target].prefix;
    for (std::size_t k = 0; k < 5; ++k) EXPECT_NEAR(constants.centre[k], centres[target][k], 1e-9);
  }
}

TEST_F(RecalibrationTrial, WhereNobodyHasTheEventEverythingStaysAsItIs) {
  std::vector<Cohort> sites = sites_;
  for (Cohort& cohort : sites)
    for (Sample& sample : cohort.samples) sample.event = false;
  Run(sites, TimesTruth(plan_, 2.0));
  for (const Replica& replica : Replicas(plan_)) EXPECT_TRUE(ConstantsOf(replica).ChangesNothing());
  EXPECT_EQ(result_["left"].size(), Replicas(plan_).size());
  EXPECT_EQ(Score(sites[0], true).logits.values, Score(sites[0], false).logits.values);
}

TEST_F(RecalibrationTrial, PublishedTestRowsAreNotReadAndASiteOfThemAloneSendsZeros) {
  std::vector<Cohort> sites = sites_;
  Cohort test_rows = Draw(50, 5, plan_);
  for (Sample& sample : test_rows.samples) {
    sample.holds_out = true;
    sites[0].samples.push_back(sample);
  }
  Run(sites, TimesTruth(plan_, 2.0));
  const Recalibration with = ConstantsOf({});
  Run(sites_, TimesTruth(plan_, 2.0));
  EXPECT_EQ(ConstantsOf({}).slope, with.slope);
  EXPECT_EQ(ConstantsOf({}).centre, with.centre);

  const Task task = TaskAt(plan_, {kStep, 1, false}, 9);
  const auto manifest = Layout(plan_, task, model_.Header(), Digest{});
  ASSERT_TRUE(manifest.ok()) << manifest.error().message;
  site::TaskContext context;
  const auto answer = site::Answer(plan_, task, *manifest, test_rows, model_, context);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  for (const Contribution::Block& block : answer->blocks) EXPECT_FALSE(block.contributes);
  for (const Tensor& tensor : answer->tensors) EXPECT_EQ(tensor.ToDoubles(), std::vector<double>(tensor.size(), 0.0));
}

TEST_F(RecalibrationTrial, AModelWithConstantsThatCannotBeIsRefused) {
  model_ = TimesTruth(plan_, 1.0);
  for (const std::vector<double>& bad :
       {std::vector<double>{0, -1, 0, 0, 0, 0, 0}, {0, std::nan(""), 0, 0, 0, 0, 0}, {0, 1}}) {
    model_.tensors[RecalibrationName({}, "risk")] = Tensor::Of(bad);
    const auto scores = site::ScoreBlock({plan_, sites_[0], model_}, site::TaskContext{}, Replica{}, plan_.blocks[0],
                                         "os", kIntercepts.size());
    ASSERT_FALSE(scores.ok());
    EXPECT_NE(scores.error().message.find("constants/recalibration.risk"), std::string::npos);
  }
}

}  // namespace
}  // namespace fedtrial::sim
