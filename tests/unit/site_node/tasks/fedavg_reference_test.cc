#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "coordinator.h"
#include "hospitals.h"
#include "model/survival/concordance.h"
#include "site_node/tasks/predict.h"

namespace fedtrial::site {
namespace {

using nlohmann::json;

json ReferenceFigures() {
  std::ifstream in(FEDTRIAL_SOURCE_DIR "/deploy/data/glioma_hospitals/reference.json");
  return json::parse(in);
}

void ExpectClose(const Model& model, const std::string& tensor, const json& wanted, double tolerance) {
  const Tensor& values = model.tensors.at(tensor);
  ASSERT_EQ(values.size(), wanted.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values.at(i), wanted[i].get<double>(), tolerance * std::max(1.0, std::abs(wanted[i].get<double>())))
        << tensor << "[" << i << "]";
}

// Pairs of patients in the same test fold, both scored by the replica that hasn't seen them; mean over the repeats.
double CrossValidated(const Plan& plan, const Model& model, const std::map<std::string, Cohort>& hospitals) {
  double sum = 0.0;
  for (const Replica& replica : Replicas(plan)) {
    if (replica.fold != 1) continue;
    PairCounts pairs;
    for (int fold = 1; fold <= static_cast<int>(plan.folds.folds); ++fold) {
      const std::string prefix = "r" + std::string(replica.repeat < 10 ? "0" : "") + std::to_string(replica.repeat) +
                                 "k" + std::to_string(fold) + "/";
      const Replica one{prefix, replica.repeat, static_cast<unsigned>(fold)};
      std::vector<Outcome> outcomes;
      std::vector<double> risk;
      for (const auto& [name, cohort] : hospitals) {
        for (const Sample& sample : cohort.samples) {
          if (sample.folds[replica.repeat - 1] != fold) continue;
          outcomes.push_back({sample.time_days, sample.event});
          double& score = risk.emplace_back(0.0);
          for (std::size_t j = 0; j < sample.features.size(); ++j) {
            if (std::isnan(sample.features[j])) continue;
            score += model.tensors.at(BetaName(one, "risk")).at(j) *
                     (sample.features[j] - model.tensors.at(MeanName(one)).at(j)) /
                     model.tensors.at(DeviationName(one)).at(j);
          }
        }
      }
      pairs += CountPairs(outcomes, risk).value();
    }
    sum += (pairs.concordant + 0.5 * pairs.tied_risk) / pairs.comparable();
  }
  return sum / plan.folds.repeats;
}

double WithinHospitals(const PlainCoordinator& coordinator, unsigned repeats) {
  double sum = 0.0;
  for (std::size_t r = 0; r < repeats; ++r) {
    const auto at = [&](std::size_t column) { return coordinator.sum("concordance/counts", 3 * r + column); };
    sum += (at(0) + 0.5 * at(1)) / at(2);
  }
  return sum / repeats;
}

class Federation : public ::testing::Test {
 protected:
  explicit Federation(ScalarType precision) : plan_(GliomaPlan(precision)), hospitals_(GliomaHospitals(plan_)) {}

  void Run(PlainCoordinator& coordinator) {
    StepPosition position;
    while (!IsFinished(plan_, position)) {
      coordinator.Round(position);
      ASSERT_FALSE(HasFatalFailure());
      position = NextPosition(plan_, position, false);
    }
  }

  const Plan plan_;
  const std::map<std::string, Cohort> hospitals_;
  const json reference_ = ReferenceFigures();
};

class DoubleFederation : public Federation {
 protected:
  DoubleFederation() : Federation(ScalarType::kFloat64) {}
};
class FloatFederation : public Federation {
 protected:
  FloatFederation() : Federation(ScalarType::kFloat32) {}
};

TEST_F(DoubleFederation, ReachesTheReferenceModelAndItsConcordance) {
  ASSERT_EQ(hospitals_.size(), 11u);
  PlainCoordinator coordinator(plan_, hospitals_);
  Run(coordinator);
  const json& wanted = reference_["models"]["fedavg"];
  const Replica full;
  ExpectClose(coordinator.model(), MeanName(full), wanted["mean"], 1e-10);
  ExpectClose(coordinator.model(), DeviationName(full), wanted["sd"], 1e-10);
  ExpectClose(coordinator.model(), BetaName(full, "risk"), wanted["beta"], 1e-8);
  ExpectClose(coordinator.model(), InterceptName(full, "risk"), wanted["intercepts"], 1e-8);

  const json& cross_validated = reference_["cross_validated"]["fedavg"];
  EXPECT_NEAR(CrossValidated(plan_, coordinator.model(), hospitals_),
              cross_validated["across_sites"]["mean"].get<double>(), 1e-4);
  // The last round was an evaluation: pairs within the hospitals, counted by the sites themselves.
  EXPECT_NEAR(WithinHospitals(coordinator, plan_.folds.repeats), cross_validated["within_sites"]["mean"].get<double>(),
              1e-4);
  EXPECT_EQ(coordinator.sum("loss/sum", 1), 411.0);
  EXPECT_EQ(coordinator.sum("loss/sum", 2), 315.0);
}

TEST_F(DoubleFederation, CountsTheReferencesBins) {
  PlainCoordinator coordinator(plan_, hospitals_);
  coordinator.Round({.step = 0});
  coordinator.Round({.step = 1});
  ASSERT_FALSE(HasFatalFailure());
  for (std::size_t k = 0; k < plan_.endpoints[0].cuts.size(); ++k) {
    EXPECT_EQ(coordinator.sum("grid/at_risk", k), reference_["bins"]["at_risk"][k].get<double>());
    EXPECT_EQ(coordinator.sum("grid/events", k), reference_["bins"]["events"][k].get<double>());
  }
  EXPECT_EQ(coordinator.sum("grid/patients"), 411.0);
}

TEST_F(FloatFederation, StaysCloseToTheReferenceInSinglePrecision) {
  PlainCoordinator coordinator(plan_, hospitals_);
  Run(coordinator);
  const json& wanted = reference_["models"]["fedavg"];
  ExpectClose(coordinator.model(), BetaName({}, "risk"), wanted["beta"], 1e-5);
  ExpectClose(coordinator.model(), InterceptName({}, "risk"), wanted["intercepts"], 1e-5);
}

}  // namespace
}  // namespace fedtrial::site
