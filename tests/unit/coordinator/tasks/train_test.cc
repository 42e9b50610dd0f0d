#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <optional>
#include <rapidcheck/gtest.h>

#include "coordinator/tasks/server_optimizer.h"
#include "tests/unit/coordinator/tasks/round.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

Model Start(const Plan& plan) {
  Model model;
  model.tensors["constants/cuts.os"] = Tensor::Of({100, 200, 300});
  for (const Replica& replica : Replicas(plan)) {
    model.tensors[BetaName(replica, "risk")] = Tensor::OfType(plan.precision, {2}, {0.5, -0.25});
    model.tensors[InterceptName(replica, "risk")] = Tensor::OfType(plan.precision, {3}, {-1, -2, -3});
  }
  return model;
}

Answer Delta(std::uint64_t weight, std::vector<double> beta, std::vector<double> intercept, double loss,
             const std::string& prefix = "") {
  return {{{prefix + "risk/beta", std::move(beta)},
           {prefix + "risk/intercept", std::move(intercept)},
           {"loss/risk", {loss}}},
          {{prefix + "risk", weight}, {"loss", weight}}};
}

std::vector<Answer> ThreeSites() {
  return {Delta(10, {0.1, 0.2}, {0.3, -0.1, 0.05}, 2.0), Delta(30, {-0.2, 0.05}, {0.1, 0.1, 0.0}, 3.0),
          Delta(60, {0.025, -0.3}, {-0.2, 0.4, 0.7}, 2.5)};
}

TEST(Train, MovesByTheWeightedMean) {
  RoundOf round(SmallPlan(), kTrainAt, Start(SmallPlan()));
  for (const Answer& answer : ThreeSites()) round.Add(answer);
  const Outcome outcome = round.MustFinish();
  const std::vector<double> beta = Values(*outcome.next, "risk/beta"),
                            intercept = Values(*outcome.next, "risk/intercept");
  EXPECT_NEAR(beta[0], 0.5 + (0.1 * 10 - 0.2 * 30 + 0.025 * 60) / 100, 1e-10);
  EXPECT_NEAR(beta[1], -0.25 + (0.2 * 10 + 0.05 * 30 - 0.3 * 60) / 100, 1e-10);
  EXPECT_NEAR(intercept[2], -3 + (0.05 * 10 + 0.7 * 60) / 100, 1e-10);
  EXPECT_EQ(Json(outcome)["contributors"], 3);
  EXPECT_EQ(Json(outcome)["patients"], 100);
  EXPECT_NEAR(Json(outcome)["loss"].get<double>(), 2.6, 1e-9);
  EXPECT_EQ(Json(outcome)["kept"], json::array());
  EXPECT_EQ(Values(*outcome.next, "constants/cuts.os"), (std::vector<double>{100, 200, 300}));
}

TEST(Train, AggregateIsTheSameInAnyOrder) {
  std::vector<Answer> answers = ThreeSites();
  std::vector<std::size_t> order{0, 1, 2};
  std::optional<Bytes> first;
  do {
    Plan plan = SmallPlan();
    plan.precision = ScalarType::kFloat32;
    plan.encoding.train_word_bits = 32;
    RoundOf round(plan, kTrainAt, Start(plan));
    for (const std::size_t i : order) round.Add(answers[i]);
    const Bytes model = EncodeModel(*round.MustFinish().next).value();
    if (!first) first = model;
    EXPECT_EQ(model, *first);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Train, ABlockOfTwoSitesStays) {
  const Plan plan = SmallPlan(1);
  RoundOf round(plan, kTrainAt, Start(plan));
  std::vector<Answer> answers = ThreeSites();
  for (std::size_t i = 0; i < 3; ++i) {
    for (const std::string prefix : {"r01k1/", "r01k2/"}) {
      if (i == 2 && prefix == "r01k1/") continue;
      const Answer more = Delta(5, {1, 1}, {1, 1, 1}, 0, prefix);
      answers[i].values.insert(more.values.begin(), more.values.end());
      answers[i].weights.insert(more.weights.begin(), more.weights.end());
    }
    round.Add(answers[i]);
  }
  const Outcome outcome = round.MustFinish();
  EXPECT_EQ(Values(*outcome.next, "r01k1/risk/beta"), (std::vector<double>{0.5, -0.25}));
  EXPECT_NEAR(Values(*outcome.next, "r01k2/risk/beta")[0], 1.5, 1e-9);
  EXPECT_EQ(Json(outcome)["kept"], json({"r01k1/risk/beta", "r01k1/risk/intercept"}));
}

TEST(Train, NobodyGivesNoLossAndTheSameModel) {
  const Outcome outcome = RoundOf(SmallPlan(), kTrainAt, Start(SmallPlan())).Add({}).Add({}).Add({}).MustFinish();
  EXPECT_EQ(outcome.next->tensors, Start(SmallPlan()).tensors);
  EXPECT_TRUE(Json(outcome)["loss"].is_null());
}

TEST(Train, AModelWithoutTheTensorIsRefused) {
  const Plan plan = SmallPlan();
  const Model before = Start(plan);
  const Task task = TaskAt(plan, kTrainAt, 1);
  const Manifest manifest = Layout(plan, task, before.Header(), {}).value();
  const Words words = ZeroWords(64, manifest.Words());
  const Sum sum = Sum::Over(manifest, words, 3, 100).value();
  Model other = before;
  other.tensors.erase("risk/beta");
  ServerState server;
  EXPECT_EQ(Finish(plan, task, sum, other, server).error().code, ErrorCode::kIntegrity);
  other.tensors["risk/beta"] = Tensor::Of({1, 2, 3});
  EXPECT_EQ(Finish(plan, task, sum, other, server).error().code, ErrorCode::kIntegrity);
}

TEST(Train, AModelThatWouldNotBeFiniteIsRefusedAndTheServerStaysAsItWas) {
  Plan plan = SmallPlan();
  std::get<TrainStep>(plan.steps[2].settings).server.optimizer = ServerOptimizer::kFedAvgM;
  Model before = Start(plan);
  before.tensors["risk/intercept"] = Tensor::Of({std::numeric_limits<double>::infinity(), 0, 0});
  RoundOf round(plan, kTrainAt, before);
  for (const Answer& answer : ThreeSites()) round.Add(answer);
  ServerState server;
  EXPECT_EQ(round.Finish(server).error().code, ErrorCode::kInvalidInput);
  EXPECT_TRUE(server.moments.empty());
}

// Three rounds of one change, by the formulas of Reddi 2021 in the plainest words.
std::vector<double> Plain(const ServerSettings& s, double w, const std::vector<double>& changes) {
  double m = 0, v = s.tau * s.tau;
  std::vector<double> path;
  for (const double d : changes) {
    switch (s.optimizer) {
      case ServerOptimizer::kFedAvg:
        w += s.rate * d;
        break;
      case ServerOptimizer::kFedAvgM:
        m = s.momentum * m + d;
        w += s.rate * m;
        break;
      case ServerOptimizer::kFedAdam:
        m = s.momentum * m + (1 - s.momentum) * d;
        v = s.beta2 * v + (1 - s.beta2) * d * d;
        w += s.rate * m / (std::sqrt(v) + s.tau);
        break;
      case ServerOptimizer::kFedYogi: {
        m = s.momentum * m + (1 - s.momentum) * d;
        const double sign = v > d * d ? 1 : v < d * d ? -1 : 0;
        v = v - (1 - s.beta2) * d * d * sign;
        w += s.rate * m / (std::sqrt(v) + s.tau);
        break;
      }
    }
    path.push_back(w);
  }
  return path;
}

TEST(ServerOptimizers, FollowTheirFormulasRoundByRound) {
  const std::vector<double> changes{0.5, -0.25, 0.125};
  for (const auto optimizer :
       {ServerOptimizer::kFedAvg, ServerOptimizer::kFedAvgM, ServerOptimizer::kFedAdam, ServerOptimizer::kFedYogi}) {
    Plan plan = SmallPlan();
    auto& step = std::get<TrainStep>(plan.steps[2].settings);
    step.server = {optimizer, 0.5, 0.8, 0.9, 0.01};
    Model model = Start(plan);
    ServerState server;
    const std::vector<double> wanted = Plain(step.server, 0.5, changes);
    for (std::uint32_t r = 0; r < 3; ++r) {
      RoundOf round(plan, {2, r, false}, model);
      for (int site = 0; site < 3; ++site) round.Add(Delta(8, {changes[r], 0}, {0, 0, 0}, 1));
      server = ServerState::Decode(server.Encode().value()).value();  // as it lies on disk between rounds
      model = *round.Finish(server)->next;
      EXPECT_NEAR(Values(model, "risk/beta")[0], wanted[r], 1e-9) << static_cast<int>(optimizer) << " round " << r;
      EXPECT_EQ(server.moments.empty(), optimizer == ServerOptimizer::kFedAvg);
    }
    // The first round of a step forgets the moments of another one.
    RoundOf again(plan, kTrainAt, Start(plan));
    for (int site = 0; site < 3; ++site) again.Add(Delta(8, {changes[0], 0}, {0, 0, 0}, 1));
    EXPECT_NEAR(Values(*again.Finish(server)->next, "risk/beta")[0], wanted[0], 1e-9);
  }
}

// Longer than one chunk, and in float32: every element is moved, by its own mean.
TEST(Train, ATensorOfManyChunksIsMovedWhole) {
  Plan plan = SmallPlan();
  plan.precision = ScalarType::kFloat32;
  plan.features.assign(5001, plan.features[0]);
  plan.blocks[0].features.resize(5001);
  auto& step = std::get<TrainStep>(plan.steps[2].settings);
  for (const auto optimizer : {ServerOptimizer::kFedAvg, ServerOptimizer::kFedAdam}) {
    step.server = {optimizer, 1.0, 0.9, 0.99, 1e-3};
    Model model = Start(plan);
    std::vector<double> change(5001);
    for (std::size_t i = 0; i < change.size(); ++i) change[i] = static_cast<double>(i % 97) / 97 - 0.5;
    model.tensors["risk/beta"] = Tensor::Zeros({"", {5001}, ScalarType::kFloat32});
    RoundOf round(plan, kTrainAt, model);
    for (int site = 0; site < 3; ++site) round.Add(Delta(8, change, {0, 0, 0}, 1));
    const std::vector<double> beta = Values(*round.MustFinish().next, "risk/beta");
    ASSERT_EQ(beta.size(), 5001u);
    for (std::size_t i = 0; i < beta.size(); ++i)
      EXPECT_NEAR(beta[i], Plain(step.server, 0, {change[i]})[0], 1e-5) << i;
  }
}

RC_GTEST_PROP(Train, TheMeanIsWithinTheResolutionOfThePlainOne, ()) {
  Plan plan = SmallPlan();
  plan.encoding.train_word_bits = *rc::gen::element(32u, 64u);
  RoundOf round(plan, kTrainAt, Start(plan));
  const auto sites = *rc::gen::inRange<std::size_t>(3, 10);
  double total = 0, sum = 0;
  for (std::size_t s = 0; s < sites; ++s) {
    const auto weight = *rc::gen::inRange<std::uint64_t>(1, 101);
    const double change = std::ldexp(*rc::gen::inRange(-(1 << 30), 1 << 30), -28);
    round.Add(Delta(weight, {change, 0}, {0, 0, 0}, 1));
    total += static_cast<double>(weight);
    sum += static_cast<double>(weight) * change;
  }
  const double f = round.manifest().encoding.fraction_bits;
  RC_ASSERT(std::abs(Values(*round.MustFinish().next, "risk/beta")[0] - 0.5 - sum / total) <=
            static_cast<double>(sites) * std::exp2(-f - 1) / total + 1e-14);
}

TEST(Model, SaysWhatItIs) {
  Model model;
  Identify(model, {"small", Digest{1}, 7, Digest{2}, Digest{3}});
  EXPECT_EQ(model.metadata.at("trial"), "small");
  EXPECT_EQ(model.metadata.at("round"), "7");
  EXPECT_EQ(model.metadata.at("plan"), ToHex(Digest{1}));
  EXPECT_EQ(model.metadata.at("before"), ToHex(Digest{2}));
  EXPECT_EQ(model.metadata.at("included"), ToHex(Digest{3}));
  EXPECT_EQ(model.metadata.size(), 5u);
}

TEST(Finish, OfATaskThatIsNotInThePlanIsOurFault) {
  const Plan plan = SmallPlan();
  const Manifest manifest = Layout(plan, TaskAt(plan, kNormaliseAt, 0), {}, {}).value();
  const Words words = ZeroWords(64, manifest.Words());
  const Sum sum = Sum::Over(manifest, words, 3, 100).value();
  ServerState server;
  Task task = TaskAt(plan, kNormaliseAt, 0);
  task.kind = "cox";
  EXPECT_EQ(Finish(plan, task, sum, {}, server).error().code, ErrorCode::kInternal);
  task = TaskAt(plan, {4, 0, false}, 0);
  EXPECT_EQ(Finish(plan, task, sum, {}, server).error().code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace fedtrial::coordinator
