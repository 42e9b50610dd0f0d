#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "coordinator.h"
#include "hospitals.h"
#include "model/survival/discrete_hazard.h"
#include "proto/plan/evaluate.h"
#include "site_node/tasks/predict.h"

namespace fedtrial::site {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr StepPosition kNormaliseAt{.step = 0};
constexpr StepPosition kGridAt{.step = 1};
constexpr StepPosition kTrainAt{.step = 2};
constexpr StepPosition kEvaluateAt{.step = 2, .round_in_step = 1, .evaluating = true};

// One site's answer, with its values by tensor and its blocks by name.
struct Answered {
  std::map<std::string, std::vector<double>> values;
  std::map<std::string, Contribution::Block> blocks;
  Digest cohort{};
};

class TasksTest : public ::testing::Test {
 protected:
  Result<Contribution> Try(const StepPosition& position, const Cohort& cohort, const Model& before = {}) {
    const Task task = TaskAt(plan_, position, 1);
    auto manifest = Layout(plan_, task, layout_of_.Header(), Digest{});
    EXPECT_TRUE(manifest.ok()) << (manifest.ok() ? "" : manifest.error().message);
    manifest_ = *manifest;
    return Answer(plan_, task, manifest_, cohort, before, context_);
  }
  Answered Ask(const StepPosition& position, const Cohort& cohort) {
    const auto contribution = Try(position, cohort, layout_of_);
    EXPECT_TRUE(contribution.ok()) << (contribution.ok() ? "" : contribution.error().message);
    Answered answered;
    if (!contribution.ok()) return answered;
    for (std::size_t t = 0; t < manifest_.tensors.size(); ++t)
      answered.values[manifest_.tensors[t].name] = contribution->tensors[t].ToDoubles();
    const auto names = manifest_.Blocks();
    for (std::size_t b = 0; b < names.size(); ++b) answered.blocks[names[b]] = contribution->blocks[b];
    answered.cohort = contribution->cohort;
    return answered;
  }
  // The model after normalise and grid over these sites.
  void Prepare(std::map<std::string, Cohort> sites) {
    PlainCoordinator coordinator(plan_, std::move(sites));
    coordinator.Round(kNormaliseAt);
    coordinator.Round(kGridAt);
    layout_of_ = coordinator.model();
  }
  std::string ErrorOf(const StepPosition& position, const Cohort& cohort, const Model& before) {
    const auto contribution = Try(position, cohort, before);
    EXPECT_FALSE(contribution.ok());
    return contribution.ok() ? "" : contribution.error().message;
  }

  Plan plan_ = TinyPlan();
  Model layout_of_;  // what the manifest is made from
  Manifest manifest_;
  TaskContext context_;
};

TEST_F(TasksTest, NormaliseSumsValuesMappedFromTheirRangeToMinusOneAndOne) {
  Cohort cohort = TinyCohort(3);
  cohort.samples[0].features = {-10.0, kMissing};
  cohort.samples[1].features = {10.0, 1.0};
  cohort.samples[2].features = {5.0, 4.0};
  context_.cohort[0] = 7;
  const Answered answered = Ask(kNormaliseAt, cohort);
  EXPECT_THAT(answered.values.at("feature_a/count"), ElementsAre(3.0));
  EXPECT_THAT(answered.values.at("feature_a/sum"), ElementsAre(0.5));
  EXPECT_THAT(answered.values.at("feature_a/square_sum"), ElementsAre(2.25));
  EXPECT_THAT(answered.values.at("feature_b/count"), ElementsAre(2.0));
  EXPECT_THAT(answered.values.at("feature_b/sum"), ElementsAre(0.5));
  EXPECT_EQ(answered.blocks.at("feature_b").weight, 1u);
  EXPECT_EQ(answered.cohort[0], 7);
}

TEST_F(TasksTest, AFeatureThatNobodyHasContributesNothing) {
  Cohort cohort = TinyCohort(4);
  for (Sample& sample : cohort.samples) sample.features[1] = kMissing;
  const Answered answered = Ask(kNormaliseAt, cohort);
  EXPECT_TRUE(answered.blocks.at("feature_a").contributes);
  EXPECT_FALSE(answered.blocks.at("feature_b").contributes);
  EXPECT_EQ(answered.blocks.at("feature_b").weight, 0u);
  EXPECT_THAT(answered.values.at("feature_b/sum"), ElementsAre(0.0));
}

TEST_F(TasksTest, AReplicaLeavesOutThePatientsOfItsFold) {
  plan_ = TinyPlan(2);
  const Answered answered = Ask(kNormaliseAt, TinyCohort(7, 2));  // folds 1,2,1,2,1,2,1 in the first repeat
  const auto count = [&](const std::string& prefix) { return answered.values.at(prefix + "feature_a/count").front(); };
  const std::vector<Replica> replicas = Replicas(plan_);
  ASSERT_EQ(replicas.size(), 5u);
  EXPECT_EQ(count(replicas[0].prefix), 7.0);
  EXPECT_EQ(count(replicas[1].prefix), 3.0);
  EXPECT_EQ(count(replicas[2].prefix), 4.0);
  EXPECT_EQ(count(replicas[3].prefix), 4.0);
}

TEST_F(TasksTest, ABlockThatTheCohortFillsIsFilledInEveryReplica) {
  plan_ = TinyPlan(1);
  Cohort cohort = TinyCohort(4, 1);
  for (Sample& sample : cohort.samples)
    if (sample.folds[0] == 1) sample.features[1] = kMissing;  // the replica without fold 2 has no value of b
  const Answered answered = Ask(kNormaliseAt, cohort);
  const std::string prefix = Replicas(plan_)[2].prefix;
  EXPECT_TRUE(answered.blocks.at(prefix + "feature_b").contributes);
  EXPECT_THAT(answered.values.at(prefix + "feature_b/count"), ElementsAre(0.0));
}

TEST_F(TasksTest, GridCountsPatientsAtRiskAndEventsInThePlansBins) {
  Cohort cohort = TinyCohort(4);
  const std::vector<std::pair<double, bool>> outcomes = {{10.0, true}, {10.0, false}, {25.0, true}, {99.0, true}};
  for (std::size_t i = 0; i < 4; ++i) {
    cohort.samples[i].time_days = outcomes[i].first;
    cohort.samples[i].event = outcomes[i].second;
  }
  const Answered answered = Ask(kGridAt, cohort);
  EXPECT_THAT(answered.values.at("grid/at_risk"), ElementsAre(4.0, 2.0, 2.0));
  EXPECT_THAT(answered.values.at("grid/events"), ElementsAre(1.0, 0.0, 1.0));
  EXPECT_THAT(answered.values.at("grid/patients"), ElementsAre(4.0));
}

TEST_F(TasksTest, GridCountsFineBinsWhileTheCutsAreOpenAndTheModelsBinsAfterwards) {
  plan_.endpoints[0].cuts.clear();
  Cohort cohort = TinyCohort(2);
  cohort.samples[0].time_days = 20.0;  // event: in (10, 20]
  cohort.samples[1].time_days = 50.0;  // censored: five bins of ten days
  const Answered fine = Ask(kGridAt, cohort);
  EXPECT_THAT(fine.values.at("fine/at_risk"), ElementsAre(2.0, 2.0, 1.0, 1.0, 1.0));
  EXPECT_THAT(fine.values.at("fine/events"), ElementsAre(0.0, 1.0, 0.0, 0.0, 0.0));
  layout_of_.tensors[CutsName("os")] = Tensor::Of({15.0, 30.0});
  const Answered bins = Ask(kGridAt, cohort);
  EXPECT_THAT(bins.values.at("grid/at_risk"), ElementsAre(2.0, 2.0));
  EXPECT_THAT(bins.values.at("grid/events"), ElementsAre(0.0, 1.0));
}

TEST_F(TasksTest, TrainWeighsWithItsPatientsAtMostThePlansCap) {
  Prepare({{"one", TinyCohort(9)}, {"two", TinyCohort(12)}});
  EXPECT_EQ(Ask(kTrainAt, TinyCohort(9)).blocks.at("risk").weight, 9u);
  EXPECT_EQ(Ask(kTrainAt, TinyCohort(9)).blocks.at("loss").weight, 9u);
  plan_.encoding.patient_cap = 8;
  EXPECT_EQ(Ask(kTrainAt, TinyCohort(9)).blocks.at("risk").weight, 8u);
}

TEST_F(TasksTest, ASiteWithoutAnyFeatureOfTheBlockHasNoWeightInIt) {
  Prepare({{"one", TinyCohort(9)}});
  Cohort bare = TinyCohort(5);
  for (Sample& sample : bare.samples) sample.features = {kMissing, kMissing};
  const Answered answered = Ask(kTrainAt, bare);
  EXPECT_FALSE(answered.blocks.at("risk").contributes);
  EXPECT_THAT(answered.values.at("risk/intercept"), ElementsAre(0.0, 0.0, 0.0));
  EXPECT_EQ(answered.blocks.at("loss").weight, 5u);
}

TEST_F(TasksTest, ASiteWithoutPatientsSendsZerosInEveryTask) {
  Prepare({{"one", TinyCohort(9)}});
  for (const StepPosition& position : {kNormaliseAt, kGridAt, kTrainAt, kEvaluateAt}) {
    const Answered answered = Ask(position, Cohort{{"a", "b"}, {}, {}});
    for (const auto& [name, block] : answered.blocks) {
      EXPECT_FALSE(block.contributes) << name;
      EXPECT_EQ(block.weight, 0u);
    }
    for (const auto& [name, values] : answered.values)
      for (const double value : values) EXPECT_EQ(value, 0.0) << name;
  }
}

TEST_F(TasksTest, TestRowsAreNeverTrainedOn) {
  plan_.split_column = "split.part";
  Prepare({{"one", TinyCohort(9)}});
  Cohort with_test_rows = TinyCohort(14);
  for (std::size_t i = 9; i < 14; ++i) with_test_rows.samples[i].holds_out = true;
  EXPECT_EQ(Ask(kTrainAt, with_test_rows).values, Ask(kTrainAt, TinyCohort(9)).values);
  EXPECT_EQ(Ask(kNormaliseAt, with_test_rows).values, Ask(kNormaliseAt, TinyCohort(9)).values);
  const Answered evaluated = Ask(kEvaluateAt, with_test_rows);
  EXPECT_TRUE(evaluated.blocks.at("test").contributes);
  EXPECT_EQ(evaluated.values.at("test/counts")[kTestEvents], 2.0);
  EXPECT_EQ(evaluated.values.at("loss/sum")[kLossPatients], 9.0);
  EXPECT_FALSE(Ask(kEvaluateAt, TinyCohort(9)).blocks.at("test").contributes);
}

// Everything of an evaluation once more, in the plainest way.
TEST_F(TasksTest, EvaluateCountsPairsLossAndCalibrationOutOfFold) {
  plan_ = TinyPlan(2);
  const Cohort cohort = TinyCohort(13, 2);
  Prepare({{"one", cohort}});
  const std::vector<Replica> replicas = Replicas(plan_);
  for (std::size_t r = 0; r < replicas.size(); ++r)  // each replica its own coefficients
    layout_of_.tensors[BetaName(replicas[r], "risk")] = Tensor::Of({0.3 + 0.1 * static_cast<double>(r), -0.2});
  const Answered answered = Ask(kEvaluateAt, cohort);

  const auto risk = [&](std::size_t i, std::size_t r) {
    double sum = 0.0;
    for (std::size_t j = 0; j < 2; ++j) {
      const double value = cohort.samples[i].features[j];
      if (std::isnan(value)) continue;
      sum += layout_of_.tensors.at(BetaName(replicas[r], "risk")).at(j) *
             (value - layout_of_.tensors.at(MeanName(replicas[r])).at(j)) /
             layout_of_.tensors.at(DeviationName(replicas[r])).at(j);
    }
    return sum;
  };
  for (std::size_t repeat = 0; repeat < 2; ++repeat) {
    const auto unseen = [&](std::size_t i) {
      return 1 + 2 * repeat + static_cast<std::size_t>(cohort.samples[i].folds[repeat]) - 1;
    };
    double concordant = 0.0, tied = 0.0, comparable = 0.0;
    for (std::size_t i = 0; i < 13; ++i) {
      for (std::size_t j = 0; j < 13; ++j) {
        const Sample& a = cohort.samples[i];
        const Sample& b = cohort.samples[j];
        if (!a.event || !(a.time_days < b.time_days || (a.time_days == b.time_days && !b.event))) continue;
        comparable += 1.0;
        concordant += risk(i, unseen(i)) > risk(j, unseen(j));
        tied += risk(i, unseen(i)) == risk(j, unseen(j));
      }
    }
    const auto& counts = answered.values.at("concordance/counts");
    EXPECT_EQ(counts[3 * repeat + kConcordant], concordant);
    EXPECT_EQ(counts[3 * repeat + kTied], tied);
    EXPECT_EQ(counts[3 * repeat + kComparable], comparable);
  }

  double loss = 0.0, events = 0.0;
  std::vector<double> expected(3, 0.0), observed(3, 0.0);
  const Grid grid = Grid::FromCuts({10.0, 20.0, 30.0}).value();
  for (std::size_t i = 0; i < 13; ++i) {
    const Sample& sample = cohort.samples[i];
    events += sample.event;
    const GridPlace place = grid.PlaceOf({sample.time_days, sample.event});
    const std::size_t unseen = static_cast<std::size_t>(sample.folds[0]);
    for (std::size_t k = 0; k < place.at_risk; ++k) {
      const double happened = place.event && k + 1 == place.at_risk ? 1.0 : 0.0;
      const double z = layout_of_.tensors.at(InterceptName(replicas[0], "risk")).at(k) + risk(i, 0);
      loss += std::log1p(std::exp(z)) - happened * z;
      const double own = layout_of_.tensors.at(InterceptName(replicas[unseen], "risk")).at(k) + risk(i, unseen);
      expected[k] += 1.0 / (1.0 + std::exp(-own));
      observed[k] += happened;
    }
  }
  EXPECT_NEAR(answered.values.at("loss/sum")[kLossSum], loss, 1e-12);
  EXPECT_EQ(answered.values.at("loss/sum")[kLossPatients], 13.0);
  EXPECT_EQ(answered.values.at("loss/sum")[kLossEvents], events);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(answered.values.at("calibration/expected")[k], expected[k], 1e-12);
    EXPECT_EQ(answered.values.at("calibration/observed")[k], observed[k]);
  }
}

TEST_F(TasksTest, BootstrapReplicatesScatterAroundTheCountsAndComeFromTheCohortsOwnStream) {
  const Cohort cohort = TinyCohort(40);
  Prepare({{"one", cohort}});
  layout_of_.tensors[BetaName({}, "risk")] = Tensor::Of({0.5, 0.3});
  const Answered answered = Ask(kEvaluateAt, cohort);
  const auto& counts = answered.values.at("concordance/counts");
  const auto& sums = answered.values.at("concordance/bootstrap");
  ASSERT_EQ(sums.size(), 2u * kDefaultBootstrap);
  double numerator = 0.0, denominator = 0.0;
  for (std::size_t b = 0; b < kDefaultBootstrap; ++b) {
    EXPECT_EQ(sums[2 * b + kDenominator], std::floor(sums[2 * b + kDenominator]));  // products of counts
    EXPECT_LE(sums[2 * b + kNumerator], sums[2 * b + kDenominator]);
    numerator += sums[2 * b + kNumerator] / kDefaultBootstrap;
    denominator += sums[2 * b + kDenominator] / kDefaultBootstrap;
  }
  // E[w_i w_j] = 1; five standard errors of the mean of 200 replicates.
  EXPECT_NEAR(denominator / counts[kComparable], 1.0, 0.15);
  EXPECT_NEAR(numerator / denominator, (counts[kConcordant] + 0.5 * counts[kTied]) / counts[kComparable], 0.03);

  EXPECT_EQ(Ask(kEvaluateAt, cohort).values.at("concordance/bootstrap"), sums);
  context_.cohort[5] = 1;
  EXPECT_NE(Ask(kEvaluateAt, cohort).values.at("concordance/bootstrap"), sums);
}

TEST_F(TasksTest, RefusesAModelThatLacksATensorOrHoldsNaN) {
  Prepare({{"one", TinyCohort(9)}});
  for (const std::string& name : {MeanName({}), PatientsName({}), BetaName({}, "risk")}) {
    Model broken = layout_of_;
    broken.tensors.erase(name);
    EXPECT_THAT(ErrorOf(kTrainAt, TinyCohort(9), broken), HasSubstr(name));
    broken = layout_of_;
    broken.tensors[name].set(0, kMissing);
    EXPECT_THAT(ErrorOf(kTrainAt, TinyCohort(9), broken), HasSubstr(name));
    broken.tensors[name] = Tensor::Of({1.0, 2.0, 3.0, 4.0, 5.0});
    EXPECT_THAT(ErrorOf(kTrainAt, TinyCohort(9), broken), HasSubstr(name));
  }
  Model flat = layout_of_;
  flat.tensors[DeviationName({})].set(1, 0.0);
  EXPECT_THAT(ErrorOf(kEvaluateAt, TinyCohort(9), flat), HasSubstr("deviation of b is 0"));
}

TEST_F(TasksTest, RefusesACohortThatDoesNotFitThePlan) {
  const auto refused = [&](auto&& change, const char* why) {
    Cohort cohort = TinyCohort(3);
    change(cohort.samples[1]);
    EXPECT_THAT(ErrorOf(kNormaliseAt, cohort, {}), HasSubstr(why));
  };
  refused([](Sample& sample) { sample.features.pop_back(); }, "patient 1 has 1 features");
  refused([](Sample& sample) { sample.features[0] = std::numeric_limits<double>::infinity(); }, "infinite");
  refused([](Sample& sample) { sample.time_days = kMissing; }, "time of patient 1");
  refused([](Sample& sample) { sample.time_days = -1.0; }, "time of patient 1");
  refused([](Sample& sample) { sample.folds = {1}; }, "folds of 1 repeats");
  plan_ = TinyPlan(1);
  Cohort cohort = TinyCohort(3, 1);
  cohort.samples[0].folds = {3};
  EXPECT_THAT(ErrorOf(kNormaliseAt, cohort, {}), HasSubstr("patient 0 is in fold 3"));
}

TEST_F(TasksTest, RefusesATaskThatIsNotTheManifests) {
  const Task task = TaskAt(plan_, kNormaliseAt, 1);
  const auto manifest = Layout(plan_, TaskAt(plan_, kGridAt, 1), {}, {});
  ASSERT_TRUE(manifest.ok());
  EXPECT_FALSE(Answer(plan_, task, *manifest, TinyCohort(3), {}, context_).ok());
}

TEST_F(TasksTest, ACancelledTaskGivesNothing) {
  Prepare({{"one", TinyCohort(9)}});
  const std::atomic<bool> cancel = true;
  context_.cancel = &cancel;
  EXPECT_THAT(ErrorOf(kTrainAt, TinyCohort(9), layout_of_), HasSubstr("cancelled"));
  EXPECT_THAT(ErrorOf(kEvaluateAt, TinyCohort(9), layout_of_), HasSubstr("cancelled"));
}

TEST_F(TasksTest, PredictGivesTheCurveOfOnePatientOrOfAll) {
  Prepare({{"one", TinyCohort(9)}});
  layout_of_.tensors[BetaName({}, "risk")] = Tensor::Of({1.0, 0.0});
  Digest digest{};
  digest[0] = 0xab;
  const auto one = Predict(plan_, layout_of_, digest, TinyCohort(9), "p3");
  ASSERT_TRUE(one.ok()) << one.error().message;
  const auto json = nlohmann::json::parse(*one);
  EXPECT_EQ(json["model"].get<std::string>().substr(0, 4), "ab00");
  EXPECT_EQ(json["times_days"], nlohmann::json({0.0, 10.0, 20.0, 30.0}));
  ASSERT_EQ(json["patients"].size(), 1u);
  const auto& patient = json["patients"][0];
  EXPECT_EQ(patient["patient"], "p3");
  EXPECT_EQ(patient["missing"], nlohmann::json({"b"}));
  ASSERT_EQ(patient["survival"].size(), 4u);
  EXPECT_EQ(patient["survival"][0], 1.0);
  for (std::size_t k = 1; k < 4; ++k) EXPECT_LT(patient["survival"][k], patient["survival"][k - 1]);
  const double mean = layout_of_.tensors.at(MeanName({})).at(0);
  const double deviation = layout_of_.tensors.at(DeviationName({})).at(0);
  EXPECT_NEAR(patient["risk"].get<double>(), (1.0 - mean) / deviation, 1e-12);

  const auto all = Predict(plan_, layout_of_, digest, TinyCohort(9), "");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(nlohmann::json::parse(*all)["patients"].size(), 9u);
}

TEST_F(TasksTest, PredictRefusesAnUnknownPatientWithoutNamingHimAndAModelBeforeTraining) {
  Prepare({{"one", TinyCohort(9)}});
  const auto unknown = Predict(plan_, layout_of_, {}, TinyCohort(9), "somebody");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().message.find("somebody"), std::string::npos);
  EXPECT_FALSE(Predict(plan_, {}, {}, TinyCohort(9), "p1").ok());
  EXPECT_FALSE(Predict(plan_, layout_of_, {}, Cohort{}, "").ok());
}

}  // namespace
}  // namespace fedtrial::site
