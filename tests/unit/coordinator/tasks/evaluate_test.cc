#include <gtest/gtest.h>

#include "tests/unit/coordinator/tasks/round.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

Model Trained(const Plan& plan) {
  Model model;
  model.tensors["constants/cuts.os"] = Tensor::Of({100, 200, 300});
  for (const Replica& replica : Replicas(plan)) {
    model.tensors[BetaName(replica, "risk")] = Tensor::OfType(plan.precision, {2}, {0.5, -0.25});
    model.tensors[InterceptName(replica, "risk")] = Tensor::OfType(plan.precision, {3}, {-1, -2, -3});
  }
  return model;
}

// Two repeats, four replicates.
Answer Counts() {
  return {{{"concordance/counts", {60, 4, 100, 66, 0, 100}},
           {"concordance/bootstrap", {60, 100, 62, 100, 64, 100, 0, 0}},
           {"test/counts", {7, 2, 10, 3}},
           {"loss/sum", {25.5, 10, 6}},
           {"calibration/expected", {3.5, 2.25, 1.0}},
           {"calibration/observed", {3, 2, 1}}},
          {{"concordance", 1}, {"test", 1}, {"loss", 1}, {"calibration", 1}}};
}

TEST(Evaluate, AddsPairsWithinHospitalsAndTakesTheMeanOverRepeats) {
  Plan plan = SmallPlan(2);
  plan.split_column = "split.split";
  RoundOf round(plan, kEvaluateAt, Trained(plan));
  for (int site = 0; site < 3; ++site) round.Add(Counts());
  const Outcome outcome = round.MustFinish();
  EXPECT_FALSE(outcome.next.has_value());
  const json result = Json(outcome);
  const json concordance = result["concordance"];
  EXPECT_NEAR(concordance["value"].get<double>(), (0.62 + 0.66) / 2, 1e-12);
  EXPECT_NEAR(concordance["repeats"][0].get<double>(), 0.62, 1e-12);
  EXPECT_NEAR(concordance["repeats"][1].get<double>(), 0.66, 1e-12);
  EXPECT_EQ(concordance["pairs"], 300);
  EXPECT_EQ(concordance["events"], 18);
  // Of 0.60, 0.62 and 0.64: a replicate without a pair is left out.
  EXPECT_NEAR(concordance["low"].get<double>(), 0.601, 1e-9);
  EXPECT_NEAR(concordance["high"].get<double>(), 0.639, 1e-9);
  EXPECT_NEAR(result["loss"].get<double>(), 2.55, 1e-12);
  EXPECT_EQ(result["patients"], 30);
  EXPECT_EQ(result["test"], json::parse(R"({"value": 0.8, "pairs": 30, "events": 9})"));
  EXPECT_EQ(result["calibration"], json::parse(R"({"expected": [10.5, 6.75, 3.0], "observed": [9, 6, null]})"));
}

TEST(Evaluate, BetweenTheRoundsOfATrainStepReadsTheSame) {
  const Plan plan = SmallPlan();
  RoundOf round(plan, {2, 2, true}, Trained(plan));
  EXPECT_EQ(round.manifest().task, "evaluate");
  Answer answer = Counts();
  answer.values.erase("test/counts");
  answer.values["concordance/counts"] = {6, 0, 10};
  answer.values.erase("concordance/bootstrap");
  for (int site = 0; site < 3; ++site) round.Add(answer);
  const json result = Json(round.MustFinish());
  EXPECT_NEAR(result["concordance"]["value"].get<double>(), 0.6, 1e-12);
  EXPECT_TRUE(result["concordance"]["low"].is_null());  // no replicate has a pair
  EXPECT_FALSE(result.contains("test"));
}

TEST(Evaluate, WithoutAPairThereIsNoFigure) {
  const Plan plan = SmallPlan();
  RoundOf round(plan, kEvaluateAt, Trained(plan));
  Answer answer = Counts();
  answer.values["concordance/counts"] = {0, 0, 0};
  for (int site = 0; site < 3; ++site) round.Add(answer);
  EXPECT_TRUE(Json(round.MustFinish())["concordance"]["value"].is_null());
}

TEST(Evaluate, OfTwoSitesGivesNoFigure) {
  const Plan plan = SmallPlan();
  Answer answer = Counts();
  answer.values["concordance/counts"] = {6, 0, 10};
  const json result = Json(RoundOf(plan, kEvaluateAt, Trained(plan)).Add(answer).Add(answer).Add({}).MustFinish());
  EXPECT_TRUE(result["concordance"].is_null());
  EXPECT_TRUE(result["loss"].is_null());
  EXPECT_FALSE(result.contains("calibration"));
}

}  // namespace
}  // namespace fedtrial::coordinator
