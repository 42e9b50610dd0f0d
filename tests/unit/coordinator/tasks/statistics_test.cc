#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "coordinator/tasks/cuts.h"
#include "tests/unit/coordinator/tasks/round.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

// A site's answer to normalise, of the ages given.
Answer Ages(const std::vector<double>& ages, const std::string& prefix = "") {
  double sum = 0, squares = 0;
  for (const double age : ages) {
    const double u = 2 * age / 120 - 1;
    sum += u;
    squares += u * u;
  }
  const std::string block = prefix + "feature_age";
  return {{{block + "/count", {static_cast<double>(ages.size())}},
           {block + "/sum", {sum}},
           {block + "/square_sum", {squares}}},
          {{block, 1}}};
}

TEST(Normalise, MeanAndDeviationAreThoseOfAllPatients) {
  const std::vector<std::vector<double>> sites{
      {40, 41, 55, 62, 70, 33, 58}, {71, 50, 49, 64, 65, 66, 51}, {80, 20, 45.5, 61, 62, 63, 64}};
  RoundOf round(SmallPlan(), kNormaliseAt, {});
  double n = 0, sum = 0, squares = 0;
  for (const auto& ages : sites) {
    round.Add(Ages(ages));
    for (const double age : ages) {
      n += 1;
      sum += age;
    }
  }
  for (const auto& ages : sites)
    for (const double age : ages) squares += (age - sum / n) * (age - sum / n);
  const Outcome outcome = round.MustFinish();
  EXPECT_NEAR(Values(*outcome.next, "constants/mean")[0], sum / n, 1e-7);
  EXPECT_NEAR(Values(*outcome.next, "constants/deviation")[0], std::sqrt(squares / n), 1e-7);
  EXPECT_FALSE(outcome.again);
  const json age = Json(outcome)["features"][0];
  EXPECT_EQ(age["name"], "age");
  EXPECT_EQ(age["contributors"], 3);
  EXPECT_EQ(age["patients"], 21);
  EXPECT_EQ(age["unit_scale"], false);
}

TEST(Normalise, AFeatureOfTooFewIsScaledByThePlansRange) {
  const std::vector<double> many(30, 60.0), six(6, 50.0);
  const Outcome of_two = RoundOf(SmallPlan(), kNormaliseAt, {}).Add(Ages(many)).Add(Ages(many)).Add({}).MustFinish();
  const Outcome of_few =
      RoundOf(SmallPlan(), kNormaliseAt, {}).Add(Ages(six)).Add(Ages(six)).Add(Ages(six)).MustFinish();
  for (const Outcome& outcome : {of_two, of_few}) {
    EXPECT_EQ(Values(*outcome.next, "constants/mean"), (std::vector<double>{60, 50}));
    EXPECT_EQ(Values(*outcome.next, "constants/deviation"), (std::vector<double>{60, 50}));
    EXPECT_EQ(Json(outcome)["features"][0]["unit_scale"], true);
    EXPECT_EQ(Json(outcome)["features"][1]["patients"], 0);
  }
  const Outcome hidden =
      RoundOf(SmallPlan(), kNormaliseAt, {}).Add(Ages({50})).Add(Ages({50})).Add(Ages({50})).MustFinish();
  EXPECT_TRUE(Json(hidden)["features"][0]["patients"].is_null());  // 3 patients: below min_cell
}

TEST(Normalise, AConstantFeatureHasDeviationOne) {
  const std::vector<double> same(10, 73.0);
  const Outcome outcome =
      RoundOf(SmallPlan(), kNormaliseAt, {}).Add(Ages(same)).Add(Ages(same)).Add(Ages(same)).MustFinish();
  EXPECT_NEAR(Values(*outcome.next, "constants/mean")[0], 73.0, 1e-7);
  EXPECT_EQ(Values(*outcome.next, "constants/deviation")[0], 1.0);
}

TEST(Normalise, EachReplicaHasItsOwnConstants) {
  RoundOf round(SmallPlan(1), kNormaliseAt, {});
  for (int site = 0; site < 3; ++site) {
    Answer answer = Ages({50, 60, 70, 50, 60, 70, 50, 60, 70, 60});
    for (const Answer& more : {Ages({40, 50, 60, 40, 50, 60, 40, 60}, "r01k1/")}) {
      answer.values.insert(more.values.begin(), more.values.end());
      answer.weights.insert(more.weights.begin(), more.weights.end());
    }
    round.Add(answer);
  }
  const Outcome outcome = round.MustFinish();
  EXPECT_NEAR(Values(*outcome.next, "constants/mean")[0], 60, 1e-7);
  EXPECT_NEAR(Values(*outcome.next, "r01k1/constants/mean")[0], 50, 1e-7);
  EXPECT_EQ(Values(*outcome.next, "r01k2/constants/mean")[0], 60);  // nobody: the middle of the range
  EXPECT_EQ(Json(outcome)["features"].size(), 2u);
}

TEST(Normalise, ACountThatCountsNothingIsRefused) {
  Answer answer = Ages({50, 60});
  answer.values["feature_age/count"] = {1.5};
  ServerState server;
  EXPECT_EQ(RoundOf(SmallPlan(), kNormaliseAt, {}).Add(answer).Finish(server).error().code, ErrorCode::kIntegrity);
}

Answer Bins(const std::vector<double>& at_risk, const std::vector<double>& events, double patients,
            const std::string& prefix = "") {
  return {
      {{prefix + "grid/at_risk", at_risk}, {prefix + "grid/events", events}, {prefix + "grid/patients", {patients}}},
      {{prefix + "grid", 1}}};
}

TEST(Grid, StartsAtThePooledHazardsWithoutEffects) {
  RoundOf round(SmallPlan(), kGridAt, {});
  for (int site = 0; site < 3; ++site) round.Add(Bins({20, 12, 5}, {6, 5, 1}, 21));
  const Outcome outcome = round.MustFinish();
  const auto logit = [](double d, double n) { return std::log((d + 0.5) / (n + 1) / (1 - (d + 0.5) / (n + 1))); };
  const std::vector<double> intercept = Values(*outcome.next, "risk/intercept");
  ASSERT_EQ(intercept.size(), 3u);
  EXPECT_NEAR(intercept[0], logit(18, 60), 1e-12);
  EXPECT_NEAR(intercept[2], logit(3, 15), 1e-12);
  EXPECT_EQ(Values(*outcome.next, "risk/beta"), (std::vector<double>{0, 0}));
  EXPECT_EQ(Values(*outcome.next, "constants/patients"), (std::vector<double>{63}));
  EXPECT_EQ(Values(*outcome.next, "constants/cuts.os"), (std::vector<double>{100, 200, 300}));
  EXPECT_EQ(Json(outcome), json::parse(R"({"cuts_days": [100.0, 200.0, 300.0], "at_risk": [60, 36, 15],
    "events": [18, 15, null], "patients": 63, "not_folded": []})"));  // 3 events: below min_cell
}

TEST(Grid, AModelInFloat32StartsInFloat32) {
  Plan plan = SmallPlan();
  plan.precision = ScalarType::kFloat32;
  RoundOf round(plan, kGridAt, {});
  for (int site = 0; site < 3; ++site) round.Add(Bins({20, 12, 5}, {6, 5, 1}, 21));
  const Outcome outcome = round.MustFinish();
  EXPECT_EQ(outcome.next->tensors.at("risk/beta").type(), ScalarType::kFloat32);
  EXPECT_EQ(outcome.next->tensors.at("risk/intercept").type(), ScalarType::kFloat32);
  EXPECT_TRUE(Layout(plan, TaskAt(plan, kTrainAt, 2), outcome.next->Header(), {}).ok());
}

TEST(Grid, AReplicaOfTooFewSitesStartsAtTheFullModel) {
  RoundOf round(SmallPlan(1), kGridAt, {});
  for (int site = 0; site < 3; ++site) {
    Answer answer = Bins({20, 12, 5}, {6, 5, 1}, 21);
    for (const Answer& more : {Bins({10, 6, 2}, {3, 2, 1}, 11, "r01k1/"), Bins({9, 9, 9}, {9, 9, 9}, 9, "r01k2/")}) {
      if (site == 2 && more.weights.contains("r01k2/grid")) continue;
      answer.values.insert(more.values.begin(), more.values.end());
      answer.weights.insert(more.weights.begin(), more.weights.end());
    }
    round.Add(answer);
  }
  const Outcome outcome = round.MustFinish();
  EXPECT_EQ(Json(outcome)["not_folded"], json({"r01k2/"}));
  EXPECT_EQ(Values(*outcome.next, "r01k2/risk/intercept"), Values(*outcome.next, "risk/intercept"));
  EXPECT_NE(Values(*outcome.next, "r01k1/risk/intercept"), Values(*outcome.next, "risk/intercept"));
  EXPECT_EQ(Values(*outcome.next, "r01k1/constants/patients"), (std::vector<double>{33}));
}

TEST(Grid, OfTwoSitesOrOfMoreEventsThanPatientsIsRefused) {
  ServerState server;
  EXPECT_EQ(RoundOf(SmallPlan(), kGridAt, {})
                .Add(Bins({2, 1, 1}, {1, 0, 0}, 2))
                .Add(Bins({2, 1, 1}, {1, 0, 0}, 2))
                .Add({})
                .Finish(server)
                .error()
                .code,
            ErrorCode::kInvalidInput);
  RoundOf round(SmallPlan(), kGridAt, {});
  for (int site = 0; site < 3; ++site) round.Add(Bins({2, 1, 0}, {1, 0, 1}, 2));
  EXPECT_EQ(round.Finish(server).error().code, ErrorCode::kIntegrity);
}

TEST(Grid, WhereCutsAreOpenThePassThatFindsThemComesFirst) {
  Plan plan = SmallPlan();
  plan.endpoints[0].cuts.clear();
  plan.cohort.min_cell = 1;
  RoundOf round(plan, kGridAt, {});
  // Ten fine bins of 50 days; 9 events in all.
  const Answer answer{
      {{"fine/at_risk", {10, 9, 8, 7, 6, 5, 4, 3, 2, 1}}, {"fine/events", {1, 0, 1, 0, 0, 1, 0, 0, 0, 0}}},
      {{"fine", 1}}};
  for (int site = 0; site < 3; ++site) round.Add(answer);
  const Outcome first = round.MustFinish();
  EXPECT_TRUE(first.again);
  EXPECT_EQ(Values(*first.next, "constants/cuts.os"), (std::vector<double>{50, 150, 300}));
  EXPECT_EQ(Json(first)["cuts_days"], json({50.0, 150.0, 300.0}));
  RoundOf second(plan, NextPosition(plan, kGridAt, true), *first.next);
  for (int site = 0; site < 3; ++site) second.Add(Bins({10, 9, 6}, {1, 1, 1}, 10));
  const Outcome done = second.MustFinish();
  EXPECT_FALSE(done.again);
  EXPECT_EQ(Json(done)["cuts_days"], json({50.0, 150.0, 300.0}));
  EXPECT_EQ(Values(*done.next, "risk/intercept").size(), 3u);
}

TEST(Cuts, BinsOfTooFewEventsAreJoined) {
  const BinCounts fine{{100, 90, 80, 70, 60, 50}, {4, 1, 5, 0, 2, 0}};
  EXPECT_EQ(ChooseCuts(fine, 10, 6, 5).value(), (std::vector<double>{20, 50}));
  EXPECT_EQ(ChooseCuts(fine, 10, 1, 5).value(), (std::vector<double>{50}));
  EXPECT_EQ(ChooseCuts(fine, 10, 3, 1).value(), (std::vector<double>{10, 30, 50}));
}

TEST(Cuts, TheLastBinIsOneThatSomebodyCompleted) {
  // All who enter the last fine bin die in it: without a survivor its hazard would have no finite logit.
  EXPECT_EQ(ChooseCuts({{10, 6, 2}, {3, 2, 2}}, 28, 3, 1).value(), (std::vector<double>{28, 56}));
  EXPECT_EQ(ChooseCuts({{2, 0}, {2, 0}}, 28, 2, 1).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(ChooseCuts({{5, 4}, {0, 0}}, 28, 2, 1).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(ChooseCuts({{}, {}}, 28, 2, 1).error().code, ErrorCode::kInvalidInput);
}

RC_GTEST_PROP(Cuts, AreRisingCompletedAndOfEnoughEvents, ()) {
  BinCounts fine;
  const auto size = *rc::gen::inRange<std::size_t>(1, 60);
  double left = *rc::gen::inRange(1, 400);
  for (std::size_t k = 0; k < size; ++k) {
    fine.at_risk.push_back(left);
    fine.events.push_back(std::min<double>(left, *rc::gen::inRange(0, 12)));
    left = std::max(0.0, left - fine.events.back() - *rc::gen::inRange(0, 5));
  }
  const auto bins = *rc::gen::inRange(1u, 15u);
  const double min_events = *rc::gen::inRange(0, 8);
  const auto cuts = ChooseCuts(fine, 7, bins, min_events);
  if (!cuts.ok()) return;
  RC_ASSERT(!cuts->empty() && cuts->size() <= bins);
  std::size_t from = 0;
  for (const double cut : *cuts) {
    const auto to = static_cast<std::size_t>(cut / 7 + 0.5);
    RC_ASSERT(to > from && to <= size);
    RC_ASSERT(fine.at_risk[to - 1] > fine.events[to - 1]);
    double events = 0;
    for (; from < to; ++from) events += fine.events[from];
    RC_ASSERT(events >= 1.0);
    if (cuts->size() > 1) RC_ASSERT(events >= min_events);
  }
}

}  // namespace
}  // namespace fedtrial::coordinator
