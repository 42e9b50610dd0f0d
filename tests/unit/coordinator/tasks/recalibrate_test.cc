#include "proto/plan/recalibrate.h"

#include <gtest/gtest.h>

#include "tests/unit/coordinator/tasks/round.h"
#include "tests/unit/proto/plan/sample_plan.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

constexpr std::uint32_t kStep = 4;
constexpr StepPosition kFirst{kStep, 0, false}, kSecond{kStep, 1, false}, kThird{kStep, 2, false};

Plan RecalibratedPlan() {
  Plan plan = SmallPlan(1);
  plan.steps.push_back({"recalibrate", RecalibrateStep{"risk", "os", 3}});
  return plan;
}

// Of one site: 20 events, diagonal information.
Answer Sums(double score_a, double score_b) {
  Answer answer;
  for (const char* tensor :
       {"recalibration/sums", "recalibration/after", "r01k1/recalibration/sums", "r01k2/recalibration/sums"})
    answer.values[tensor] = {20, score_a, score_b, 8, 0, 16};
  answer.weights = {{"recalibration", 1}, {"r01k1/recalibration", 1}, {"r01k2/recalibration", 1}};
  return answer;
}

std::vector<double> ConstantsOf(const Outcome& outcome, const std::string& prefix) {
  return Values(*outcome.next, prefix + "constants/recalibration.risk");
}

// The model after the first round: centres -1, -2 and -3 in every replica.
Model Centred(std::vector<double> constants = {0.0, 1.0, -1.0, -2.0, -3.0}) {
  Model model;
  for (const Replica& replica : Replicas(RecalibratedPlan()))
    model.tensors[RecalibrationName(replica, "risk")] =
        Tensor::OfType(ScalarType::kFloat64, {1, constants.size()}, constants);
  return model;
}

TEST(Recalibrate, FindsTheCentresFirstAndChangesNothingYet) {
  RoundOf round(RecalibratedPlan(), kFirst, Centred({3.0, 5.0, 9.0, 9.0, 9.0}));
  for (int site = 0; site < 3; ++site) {
    Answer answer;
    for (const char* prefix : {"", "r01k1/", "r01k2/"}) {
      answer.values[std::string(prefix) + "recalibration/centre"] = {8, 4, 0, -8, -8, 0};
      answer.weights[std::string(prefix) + "recalibration"] = 1;
    }
    round.Add(answer);
  }
  const Outcome outcome = round.MustFinish();
  for (const char* prefix : {"", "r01k1/", "r01k2/"})
    EXPECT_EQ(ConstantsOf(outcome, prefix), (std::vector<double>{0.0, 1.0, -1.0, -2.0, -2.0})) << prefix;
  EXPECT_TRUE(Json(outcome)["slope"].is_null());
}

TEST(Recalibrate, TakesANewtonStepOfEachReplicaFromTheConstantsBefore) {
  const Plan plan = RecalibratedPlan();
  RoundOf first(plan, kSecond, Centred());
  for (int site = 0; site < 3; ++site) first.Add(Sums(2.0, -4.0));
  const Outcome one = first.MustFinish();
  ASSERT_TRUE(one.next.has_value());
  for (const char* prefix : {"", "r01k1/", "r01k2/"})
    EXPECT_EQ(ConstantsOf(one, prefix), (std::vector<double>{0.25, 0.8125, -1.0, -2.0, -3.0}))
        << prefix;  // -12 / (48 + 16)
  EXPECT_FALSE(one.again) << "the plan says how many rounds";
  json result = Json(one);
  EXPECT_EQ(result["block"], "risk");
  EXPECT_EQ(result["predictor"], "risk");
  EXPECT_EQ(result["round"], 2);
  EXPECT_EQ(result["rounds"], 3);
  EXPECT_EQ(result["events"], 60);
  EXPECT_NEAR(result["slope"].get<double>(), 0.8125, 1e-9);
  EXPECT_EQ(result["intercepts"], json::array({0.25}));
  EXPECT_NEAR(result["after"]["slope"].get<double>(), 0.75, 1e-9) << "no constants yet: what is to be taken back";
  EXPECT_TRUE(result["left"].empty());

  RoundOf second(plan, kThird, *one.next);
  for (int site = 0; site < 3; ++site) second.Add(Sums(0.0, 1.5));
  const Outcome two = second.MustFinish();
  EXPECT_EQ(ConstantsOf(two, ""), (std::vector<double>{0.25, 0.9296875, -1.0, -2.0, -3.0}));
}

TEST(Recalibrate, AFoldWithTooFewEventsStaysAsItIs) {
  RoundOf round(RecalibratedPlan(), kSecond, Centred());
  for (int site = 0; site < 3; ++site) {
    Answer answer = Sums(0.8, -4.0);
    answer.values["r01k2/recalibration/sums"] = {0, -2.0, 5.0, 8, 0, 16};
    round.Add(answer);
  }
  const Outcome outcome = round.MustFinish();
  EXPECT_EQ(ConstantsOf(outcome, "r01k2/"), (std::vector<double>{0.0, 1.0, -1.0, -2.0, -3.0}));
  EXPECT_NE(ConstantsOf(outcome, "r01k1/")[1], 1.0);
  EXPECT_EQ(Json(outcome)["left"], json::parse(R"(["r01k2/"])"));
}

// A network predicts at the plan's landmarks: here on days 0, 56 and 112.
class RecalibrateLandmarks : public ::testing::Test {
 protected:
  const Plan plan_ = MustParse(
      SmallNetwork{.endpoint = "landmarks = [0, 56, 112]\n",
                   .more = "[[step]]\ntask = \"recalibrate\"\nblock = \"fusion\"\n[folds]\nrepeats = 1\nfolds = 2\n"}
          .Toml());
  static constexpr std::uint32_t kAt = 3;

  static Model Before() {
    Model model;
    model.tensors[CutsName("os")] = Tensor::Of({100.0, 200.0});
    for (const char* prefix : {"", "r01k1/", "r01k2/"})
      model.tensors[RecalibrationName({prefix}, "survival")] =
          Tensor::OfType(ScalarType::kFloat64, {3, 4}, std::vector<double>{0, 1, -1, -2, 0, 1, -3, -4, 0, 1, -5, -6});
    return model;
  }
  static Answer Of(const std::vector<double>& sums) {
    Answer answer;
    for (const char* tensor :
         {"recalibration/sums", "recalibration/after", "r01k1/recalibration/sums", "r01k2/recalibration/sums"})
      answer.values[tensor] = sums;
    answer.weights = {{"recalibration", 1}, {"r01k1/recalibration", 1}, {"r01k2/recalibration", 1}};
    return answer;
  }
};

TEST_F(RecalibrateLandmarks, HaveCentresOfTheirOwn) {
  RoundOf round(plan_, {kAt, 0, false}, Before());
  for (int site = 0; site < 3; ++site) {
    Answer answer;
    answer.values["recalibration/centre"] = {8, 4, -8, -8, 6, 0, -12, 0, 0, 0, 0, 0};
    answer.weights["recalibration"] = 1;
    round.Add(answer);
  }
  EXPECT_EQ(Values(*round.MustFinish().next, "constants/recalibration.survival"),
            (std::vector<double>{0, 1, -1, -2, 0, 1, -2, -2, 0, 1, 0, 0}))
      << "nobody is at risk at the last: about nothing";
}

TEST_F(RecalibrateLandmarks, ShareOneSlopeAndThoseWithTooFewEventsStayAsTrained) {
  RoundOf round(plan_, {kAt, 1, false}, Before());
  for (int site = 0; site < 3; ++site) round.Add(Of({20, 2, -4, 8, 0, 16, 10, -1, 0, 8, 0, 16, 3, 1, 1, 8, 0, 16}));
  const Outcome outcome = round.MustFinish();
  const std::vector<double> values = Values(*outcome.next, "constants/recalibration.survival");
  constexpr double kSlope = 1.0 - 12.0 / (48.0 + 48.0 + 2.0 * kTowardsOne);  // the penalty once for each of the two
  ASSERT_EQ(values.size(), 12u);
  EXPECT_NEAR(values[0], 0.25, 1e-12);
  EXPECT_NEAR(values[1], kSlope, 1e-12);
  EXPECT_NEAR(values[4], -0.125, 1e-12);
  EXPECT_NEAR(values[5], kSlope, 1e-12);
  EXPECT_EQ(std::vector<double>(values.begin() + 8, values.end()), (std::vector<double>{0, 1, -5, -6}));
  const json result = Json(outcome);
  EXPECT_EQ(result["events"], 60) << "of all patients: after the first landmark";
  EXPECT_NEAR(result["slope"].get<double>(), kSlope, 1e-12);
  ASSERT_EQ(result["intercepts"].size(), 3u);
  EXPECT_TRUE(result["intercepts"][2].is_null());
  EXPECT_NEAR(result["after"]["slope"].get<double>(), 0.875, 1e-12);
  EXPECT_TRUE(result["left"].empty());
}

TEST(Recalibrate, OfTwoSitesLeavesEverythingAsItIs) {
  const Outcome outcome =
      RoundOf(RecalibratedPlan(), kSecond, Centred()).Add(Sums(0.8, -4.0)).Add(Sums(0.8, -4.0)).Add({}).MustFinish();
  for (const char* prefix : {"", "r01k1/", "r01k2/"})
    EXPECT_EQ(ConstantsOf(outcome, prefix), (std::vector<double>{0.0, 1.0, -1.0, -2.0, -3.0})) << prefix;
  EXPECT_TRUE(Json(outcome)["after"].is_null());
  EXPECT_TRUE(Json(outcome)["slope"].is_null());
  EXPECT_EQ(Json(outcome)["left"].size(), 3u);
}

TEST(Recalibrate, WithoutCentresOfThreeSitesNothingIsFitted) {
  Answer answer;
  for (const char* prefix : {"", "r01k1/", "r01k2/"}) {
    answer.values[std::string(prefix) + "recalibration/centre"] = {8, 4, 0, -8, -8, 0};
    answer.weights[std::string(prefix) + "recalibration"] = 1;
  }
  const Outcome centres = RoundOf(RecalibratedPlan(), kFirst, {}).Add(answer).Add(answer).Add({}).MustFinish();
  EXPECT_EQ(ConstantsOf(centres, ""), (std::vector<double>{0.0, 1.0, 0.0, 0.0, 0.0}));
  RoundOf next(RecalibratedPlan(), kSecond, *centres.next);
  for (int site = 0; site < 3; ++site) next.Add(Sums(2.0, -4.0));
  EXPECT_EQ(ConstantsOf(next.MustFinish(), ""), (std::vector<double>{0.0, 1.0, 0.0, 0.0, 0.0}));
}

TEST(Recalibrate, SumsThatDetermineNothingLeaveEverythingAsItIs) {
  RoundOf round(RecalibratedPlan(), kSecond, Centred());
  for (int site = 0; site < 3; ++site) {
    Answer answer = Sums(1.0, -2.0);
    answer.values["recalibration/sums"] = {20, 1.0, -2.0, 8, -16, 32};  // all logits are -2
    round.Add(answer);
  }
  EXPECT_EQ(ConstantsOf(round.MustFinish(), ""), (std::vector<double>{0.0, 1.0, -1.0, -2.0, -3.0}));
}

}  // namespace
}  // namespace fedtrial::coordinator
