#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "proto/plan/layout.h"
#include "proto/plan/network.h"
#include "security/crypto/seeded_random.h"
#include "site_node/tasks/predict.h"
#include "site_node/tasks/task.h"
#include "tests/unit/proto/plan/sample_plan.h"
#include "tests/unit/site_node/tasks/answered.h"

namespace fedtrial::site {
namespace {

using Json = nlohmann::json;

const std::string kPlan =
    SmallNetwork{.endpoint = "landmarks = [0, 56]\n",
                 .features = R"([[feature]]
name = "methylated"
from = "mgmt.mgmt_call"
range = [0, 1]
[[feature]]
name = "il6"
from = "cytokine[IL-6]"
unit = "pg/mL"
range = [0, 100]
)",
                 .modalities = "[[block]]\nname = \"cytokines\"\nkind = \"panel\"\nfeatures = [\"il6\"]\n",
                 .heads = R"([[block]]
name = "methylation"
kind = "head"
target = "feature.methylated"
[[block]]
name = "pseudo"
kind = "head"
target = "pseudo-progression"
)",
                 .network = "precision = \"float64\"\n",
                 .training =
                     "rounds = 1\nlocal = { optimizer = \"adamw\", epochs = 1, batch = 0, dropout = 0, "
                     "modality_dropout = 0, visit_dropout = 0 }\n",
                 .more = R"([[step]]
task = "evaluate"
block = "pseudo"
bootstrap = 5
[[step]]
task = "evaluate"
block = "methylation"
bootstrap = 5
)"}
        .Toml();
constexpr std::uint32_t kGridStep = 1, kTrainStep = 2, kPseudoStep = 3, kMethylationStep = 4;

// 12 patients: of every third nobody suspected anything, of one the suspicion isn't settled.
class Labels : public testing::Test {
 protected:
  Labels() {
    cohort_.feature_names = {"age", "methylated", "il6"};
    cohort_.panels = {{"cytokines", {"il6"}}};
    for (std::size_t i = 0; i < 12; ++i) {
      Sample sample;
      sample.key = "p" + std::to_string(i);
      const auto rank = static_cast<double>(i * 7 % 12);
      sample.features = {40.0 + 3.0 * rank, i < 5 ? static_cast<double>(i % 2) : std::nan(""), std::nan("")};
      sample.time_days = 70.0 + 12.0 * static_cast<double>(i);
      sample.event = i % 2 == 0;
      for (const double day : {0.0, 50.0, 100.0})
        sample.panel_visits.push_back({0, day, {{0, rank + day / 10, false}}});
      if (i % 3 != 0) sample.suspicion = Suspicion{60.0, i % 2 == 0};
      cohort_.samples.push_back(std::move(sample));
    }
    cohort_.samples[1].suspicion->pseudo.reset();
    SeededRandom random(std::uint64_t{1});
    model_.tensors = StartTensors(NetworkOf(plan_, {}).value(), plan_.precision, random).value();
    for (auto& [name, tensor] : model_.tensors)
      for (std::size_t k = 0; k < tensor.size(); ++k)
        tensor.set(k, tensor.at(k) + 0.2 * std::sin(static_cast<double>(k + name.size())));
    model_.tensors[MeanName({})] = Tensor::Of({55.0, 0.5, 8.0});
    model_.tensors[DeviationName({})] = Tensor::Of({10.0, 0.5, 4.0});
    model_.tensors[PatientsName({})] = Tensor::Of({40.0});
    model_.tensors[LabelsName({})] = Tensor::Of({40.0, 20.0, 20.0});
    model_.tensors[ModalitiesName()] = Tensor::Of({1.0, 1.0});
  }

  std::map<std::string, std::vector<double>> Ask(std::uint32_t step) {
    return Answered(plan_, {.step = step}, cohort_, model_);
  }
  Json Predictions() {
    const auto json = Predict(plan_, model_, Digest{}, cohort_, "");
    EXPECT_TRUE(json.ok()) << json.error().message;
    return Json::parse(json.value())["patients"];
  }

  const Plan plan_ = ParsePlan(kPlan, "plan.toml").value();
  Cohort cohort_;
  Model model_;
};

TEST_F(Labels, AreCountedByGridWhereTheyAreKnown) {
  EXPECT_EQ(Ask(kGridStep).at("grid/labels"), (std::vector<double>{12.0, 5.0, 7.0}));
}

TEST_F(Labels, TrainTheirOwnHeadAndNothingAfterTheSuspiciousScanIsRead) {
  const auto before = Ask(kTrainStep);
  double moved = 0.0;
  for (const double delta : before.at("pseudo/out.weight")) moved += std::abs(delta);
  EXPECT_GT(moved, 0.0);
  const auto head = before.at("pseudo.cytokines/beta");
  for (Sample& sample : cohort_.samples)
    for (PanelVisit& visit : sample.panel_visits)
      if (visit.day > 60.0) visit = {0, visit.day + 5.0, {{0, 99.0, true}}};
  EXPECT_EQ(Ask(kTrainStep), before);
  for (Sample& sample : cohort_.samples) sample.panel_visits[1].values[0].value += 1.0;
  EXPECT_NE(Ask(kTrainStep).at("pseudo.cytokines/beta"), head);
}

TEST_F(Labels, APredictionIsMadeOfWhoeverHasASuspicionAndOfNobodyElse) {
  const Json patients = Predictions();
  for (std::size_t i = 0; i < patients.size(); ++i) {
    const Json& probabilities = patients[i]["probabilities"];
    EXPECT_EQ(probabilities["pseudo"].is_null(), i % 3 == 0) << i;
    const double methylated = probabilities["methylation"].get<double>();
    EXPECT_TRUE(methylated > 0.0 && methylated < 1.0);
  }
  for (Sample& sample : cohort_.samples) {
    sample.panel_visits.back() = {0, 61.0, {{0, 77.0, false}}};
    if (sample.suspicion) sample.suspicion->pseudo.reset();
    sample.time_days += 100.0;
  }
  EXPECT_EQ(Predictions(), patients) << "dated after the scan";
  for (Sample& sample : cohort_.samples) sample.panel_visits[1].values[0].value += 1.0;
  EXPECT_NE(Predictions()[1]["probabilities"]["pseudo"], patients[1]["probabilities"]["pseudo"]);
  EXPECT_EQ(Predictions()[1]["survival"], patients[1]["survival"]) << "of the landmark, day 0";
}

TEST_F(Labels, TheirEvaluationIsTheAreaUnderTheCurveAndTheLogarithmicLoss) {
  const Json patients = Predictions();
  for (const auto& [step, head] : {std::pair{kPseudoStep, "pseudo"}, std::pair{kMethylationStep, "methylation"}}) {
    std::vector<std::pair<bool, double>> rows;
    for (std::size_t i = 0; i < cohort_.samples.size(); ++i) {
      const Sample& sample = cohort_.samples[i];
      const double probability =
          patients[i]["probabilities"][head].is_null() ? 0.0 : patients[i]["probabilities"][head].get<double>();
      if (step == kPseudoStep && sample.suspicion && sample.suspicion->pseudo)
        rows.emplace_back(*sample.suspicion->pseudo, probability);
      if (step == kMethylationStep && !std::isnan(sample.features[1]))
        rows.emplace_back(sample.features[1] == 1.0, probability);
    }
    double concordant = 0.0, pairs = 0.0, loss = 0.0, expected = 0.0, positive = 0.0;
    for (const auto& [label, probability] : rows) {
      loss -= std::log(label ? probability : 1.0 - probability);
      expected += probability;
      positive += label;
      for (const auto& [other, its] : rows) {
        if (!label || other) continue;
        pairs += 1.0;
        concordant += probability > its;
      }
    }
    const auto answer = Ask(step);
    EXPECT_EQ(answer.at("concordance/counts"), (std::vector<double>{concordant, 0.0, pairs})) << head;
    EXPECT_NEAR(answer.at("loss/sum")[0], loss, 1e-9) << head;
    EXPECT_EQ(answer.at("loss/sum")[1], static_cast<double>(rows.size())) << head;
    EXPECT_EQ(answer.at("loss/sum")[2], positive) << head;
    ASSERT_EQ(answer.at("calibration/expected").size(), 1u) << head;
    EXPECT_NEAR(answer.at("calibration/expected")[0], expected, 1e-9) << head;
    EXPECT_EQ(answer.at("calibration/observed")[0], positive) << head;
    EXPECT_GT(pairs, 3.0) << head;
  }
}

}  // namespace
}  // namespace fedtrial::site
