#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include "proto/plan/network.h"
#include "proto/plan/recalibrate.h"
#include "security/crypto/seeded_random.h"
#include "site_node/tasks/scores.h"
#include "site_node/tasks/task.h"
#include "tests/unit/proto/plan/sample_plan.h"
#include "tests/unit/site_node/tasks/answered.h"

namespace fedtrial::site {
namespace {

constexpr std::uint32_t kStep = 3;
constexpr std::size_t kBins = 2;

// 12 patients in two folds, followed 30, 60, ... 360 days; every second dies at the end.
class RecalibratedLandmarks : public testing::Test {
 protected:
  RecalibratedLandmarks() {
    cohort_.feature_names = {"age"};
    for (std::size_t i = 0; i < 12; ++i) {
      Sample sample;
      sample.key = "p" + std::to_string(i);
      sample.features = {40.0 + 3.0 * static_cast<double>(i * 7 % 12)};
      sample.time_days = 30.0 * static_cast<double>(i + 1);
      sample.event = i % 2 == 0;
      sample.folds = {1 + static_cast<int>(i / 2 % 2)};
      cohort_.samples.push_back(std::move(sample));
    }
    SeededRandom random(std::uint64_t{1});
    const auto start = StartTensors(NetworkOf(plan_, {}).value(), plan_.precision, random).value();
    for (const Replica& replica : Replicas(plan_)) {
      for (const auto& [name, tensor] : start) {
        Tensor& own = model_.tensors[replica.prefix + name] = tensor;
        for (std::size_t k = 0; k < own.size(); ++k)
          own.set(k, own.at(k) + 0.2 * std::sin(static_cast<double>(k + name.size() + replica.fold)));
      }
      model_.tensors[MeanName(replica)] = Tensor::Of({55.0});
      model_.tensors[DeviationName(replica)] = Tensor::Of({10.0});
      model_.tensors[PatientsName(replica)] = Tensor::Of({40.0});
      model_.tensors[LabelsName(replica)] = Tensor::Of({40.0});
    }
    model_.tensors[ModalitiesName()] = Tensor::Of({1.0});
  }

  Scores Score(const Replica& replica, double landmark, bool as_trained) const {
    const ScoredInput input{plan_, cohort_, model_, landmark, as_trained};
    auto scores = ScoreBlock(input, TaskContext{}, replica, *plan_.Fusion(), "os", kBins);
    EXPECT_TRUE(scores.ok()) << scores.error().message;
    return scores.ok() ? *std::move(scores) : Scores{};
  }
  void Put(const Replica& replica, const std::vector<double>& constants) {
    model_.tensors[RecalibrationName(replica, "survival")] =
        Tensor::OfType(ScalarType::kFloat64, {2, 2 + kBins}, constants);
  }
  // Of a round of the step.
  std::map<std::string, std::vector<double>> Ask(std::uint32_t round) {
    return Answered(plan_, {kStep, round, false}, cohort_, model_);
  }

  const Plan plan_ = MustParse(
      SmallNetwork{.endpoint = "landmarks = [0, 56]\n",
                   .network = "precision = \"float64\"\n",
                   .more = "[[step]]\ntask = \"recalibrate\"\nblock = \"fusion\"\n[folds]\nrepeats = 1\nfolds = 2\n"}
          .Toml());
  Cohort cohort_;
  Model model_;
};

TEST_F(RecalibratedLandmarks, CentresAreOfThoseAtRiskAtEachByTheReplicasOwnPredictions) {
  const auto values = Ask(0);
  for (const Replica& replica : Replicas(plan_)) {
    std::vector<double> wanted;
    for (const double landmark : {0.0, 56.0}) {
      const Scores scores = Score(replica, landmark, true);
      std::vector<double> at_risk(kBins), logits(kBins);
      for (std::size_t i = 0; i < cohort_.samples.size(); ++i) {
        const double left = cohort_.samples[i].time_days - landmark;
        for (std::size_t k = 0; k < kBins; ++k) {
          const double begin = 100.0 * static_cast<double>(k), end = begin + 100.0;
          if (!(left > begin) || (left < end && !cohort_.samples[i].event)) continue;
          at_risk[k] += 1.0;
          logits[k] += scores.logits(i, k);
        }
      }
      wanted.insert(wanted.end(), at_risk.begin(), at_risk.end());
      wanted.insert(wanted.end(), logits.begin(), logits.end());
    }
    const std::vector<double>& got = values.at(replica.prefix + "recalibration/centre");
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t j = 0; j < wanted.size(); ++j) EXPECT_NEAR(got[j], wanted[j], 1e-9) << replica.prefix << j;
  }
}

TEST_F(RecalibratedLandmarks, SumsCountTheEventsAfterEachAmongTheFoldsThatAreNotTheReplicas) {
  for (const Replica& replica : Replicas(plan_)) Put(replica, {0, 1, 0, 0, 0, 1, 0, 0});
  const auto values = Ask(1);
  // Deaths up to day 200 after the landmark, of patients 0, 2, 4, 6 (days 30, 90, 150, 210) and so on.
  EXPECT_EQ(values.at("recalibration/sums")[0], 3.0);
  EXPECT_EQ(values.at("recalibration/sums")[6], 3.0) << "one less that died before, one more that died within";
  EXPECT_EQ(values.at("r01k1/recalibration/sums")[0], 1.0) << "of fold 2: day 90";
  EXPECT_EQ(values.at("r01k2/recalibration/sums")[0], 2.0) << "of fold 1: days 30 and 150";
  EXPECT_EQ(values.at("recalibration/after"), values.at("recalibration/sums")) << "nothing is recalibrated yet";
}

TEST_F(RecalibratedLandmarks, APredictionTakesTheConstantsOfTheLastLandmarkUpToItsDay) {
  Put({}, {0.5, 2.0, -1.0, -2.0, -0.25, 0.5, -3.0, 1.0});
  for (const double day : {0.0, 28.0, 56.0, 84.0}) {
    const Scores before = Score({}, day, true), after = Score({}, day, false);
    const Recalibration wanted =
        day < 56.0 ? Recalibration{0.5, 2.0, {-1.0, -2.0}} : Recalibration{-0.25, 0.5, {-3.0, 1.0}};
    for (std::size_t i = 0; i < cohort_.samples.size(); ++i)
      for (std::size_t k = 0; k < kBins; ++k) EXPECT_EQ(after.logits(i, k), wanted.At(k, before.logits(i, k))) << day;
    EXPECT_EQ(before.risk, after.risk);
  }
}

}  // namespace
}  // namespace fedtrial::site
