// Small cases by hand, and input that can't be used.
#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "model/survival/auc.h"
#include "model/survival/bootstrap.h"
#include "model/survival/brier.h"
#include "model/survival/calibration.h"
#include "model/survival/concordance.h"
#include "model/survival/cox.h"
#include "model/survival/discrete_hazard.h"
#include "model/survival/distributions.h"
#include "model/survival/kaplan_meier.h"
#include "model/survival/log_rank.h"
#include "model/survival/risk_groups.h"
#include "model/survival/scaling.h"

namespace fedtrial {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

const std::vector<Outcome> kThree{{10, true}, {20, false}, {30, true}};

template <typename T>
void ExpectInvalid(const Result<T>& result, std::string_view says) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidInput);
  EXPECT_NE(result.error().message.find(says), std::string::npos) << result.error().message;
}

TEST(Outcomes, NegativeInfiniteAndMissingTimesAreRefusedEverywhere) {
  for (const double time : {-1.0, kNaN, kInfinity, -kInfinity}) {
    const std::vector<Outcome> bad{{5, true}, {time, false}};
    const std::vector<double> two{0.1, 0.2};
    const std::vector<std::size_t> groups{0, 1};
    ExpectInvalid(KaplanMeier::Of(bad), "outcome 1");
    ExpectInvalid(CensoringSurvival(bad), "outcome 1");
    ExpectInvalid(LogRankOfStratum(bad, groups, 2), "outcome 1");
    ExpectInvalid(CountPairs(bad, two), "outcome 1");
    ExpectInvalid(CoxSumsAt({Matrix(2, 1), bad}, std::vector<double>{0.0}, Ties::kEfron), "outcome 1");
    ExpectInvalid(CoxBaseline(bad, two, Ties::kEfron), "outcome 1");
    ExpectInvalid(BrierSum(bad, two, 3, {}), "outcome 1");
    ExpectInvalid(CumulativeDynamicAuc(bad, two, 3, {}), "outcome 1");
    ExpectInvalid(SlopeOf(bad, two), "outcome 1");
    ExpectInvalid(CompareEvents(bad, two), "outcome 1");
    ExpectInvalid(CalibrateByGroups(bad, two, 3, 2), "outcome 1");
    ExpectInvalid(CurvesByRisk(bad, two, 2, {}), "outcome 1");
    ExpectInvalid(PairMatrix(2).AddConcordant(groups, bad, two, 1.0), "outcome 1");
  }
}

TEST(Outcomes, NobodyIsRefused) {
  ExpectInvalid(KaplanMeier::Of({}), "at least one patient");
  ExpectInvalid(CountPairs({}, {}), "at least one patient");
  ExpectInvalid(KaplanMeier::OfCounts({}), "at least one interval");
  ExpectInvalid(FitCox(std::vector<CoxStratum>{}), "no stratum");
}

TEST(Outcomes, UnequalLengthsAndValuesThatAreNoNumbersAreRefused) {
  const std::vector<double> two{1, 2};
  const std::vector<double> nan{1, kNaN, 3};
  const std::vector<std::size_t> groups{0, 1};
  ExpectInvalid(CountPairs(kThree, two), "got 2 values, wanted 3");
  ExpectInvalid(CountPairs(kThree, nan), "value 1 is not finite");
  ExpectInvalid(CountPairs(kThree, std::vector<double>{1, 2, 3}, {.weights = two}), "wanted 3");
  ExpectInvalid(CountPairs(kThree, std::vector<double>{1, 2, 3}, {.weights = std::vector<double>{1, -1, 1}}), "-1");
  ExpectInvalid(LogRankOfStratum(kThree, groups, 2), "2 groups for 3 outcomes");
  ExpectInvalid(LogRankOfStratum(kThree, std::vector<std::size_t>{0, 2, 1}, 2), "is 2, wanted less than 2");
  ExpectInvalid(BrierSum(kThree, two, 5, {}), "wanted 3");
  ExpectInvalid(CumulativeDynamicAuc(kThree, nan, 5, {}), "not finite");
  ExpectInvalid(SlopeOf(kThree, std::vector<double>{1, 2, 3}, groups), "2 strata");
  ExpectInvalid(PairMatrix(3).AddConcordant(groups, kThree, two, 1.0), "2 risks for 3");
  ExpectInvalid(PairMatrix(3).AddComparable(std::vector<std::size_t>{3}, kThree, 1.0), "no patient 3");
  ExpectInvalid(PairMatrix(3).AddConcordant(groups, kThree, nan, 1.0), "patient 1");
  ExpectInvalid(Ratios(two, std::vector<double>{1}), "wanted 1");
  ExpectInvalid(Ratios(two, std::vector<double>{0, 0}), "no resample");
  ExpectInvalid(CoxSumsAt({Matrix(2, 1), kThree}, std::vector<double>{0.0}, Ties::kEfron), "2 rows for 3");
  ExpectInvalid(CoxSumsAt({Matrix(3, 1), kThree}, std::vector<double>{0.0, 0.0}, Ties::kEfron), "1 covariates, 2");
  ExpectInvalid(CoxSumsAt({Matrix(3, 1), kThree}, std::vector<double>{kNaN}, Ties::kEfron), "not finite");
}

TEST(KaplanMeier, CountsThatCannotBeAreRefused) {
  ExpectInvalid(KaplanMeier::OfCounts(std::vector<RiskCounts>{{10, 5, 6, 0}}), "events <= at risk");
  ExpectInvalid(KaplanMeier::OfCounts(std::vector<RiskCounts>{{10, 5, -1, 0}}), "counts 0");
  ExpectInvalid(KaplanMeier::OfCounts(std::vector<RiskCounts>{{10, 5, 1, 0}, {10, 4, 1, 0}}), "ascending");
  ExpectInvalid(KaplanMeier::OfCounts(std::vector<RiskCounts>{{10, kNaN, 0, 0}}), "finite");
  for (const double tau : {0.0, -1.0, kNaN, kInfinity})
    ExpectInvalid(KaplanMeier::Of(kThree)->RestrictedMeanTo(tau), "tau");
}

TEST(KaplanMeier, AnIntervalWithNobodyAtRiskLeavesTheCurveWhereItWas) {
  const auto km = KaplanMeier::OfCounts(std::vector<RiskCounts>{{10, 4, 1, 3}, {20, 0, 0, 0}});
  ASSERT_TRUE(km.ok());
  EXPECT_DOUBLE_EQ(km->curve().At(25), 0.75);
  EXPECT_DOUBLE_EQ(km->RestrictedMeanTo(20)->mean, 10 + 7.5);
  EXPECT_DOUBLE_EQ(km->LimitsAt(5, LimitKind::kLog).lower, 1.0);
}

TEST(LogRank, OneGroupCannotBeTestedAndContributesNothing) {
  const auto sums = LogRankOfStratum(kThree, std::vector<std::size_t>{1, 1, 1}, 2);
  ASSERT_TRUE(sums.ok());
  EXPECT_EQ(sums->variance(1, 1), 0.0);
  ExpectInvalid(TestLogRank(*sums), "1 groups");
}

TEST(ChiSquare, TailsAreThoseOfClosedForms) {
  for (const double x : {0.01, 0.5, 1.0, 3.841458820694124, 10.0, 50.0, 400.0}) {
    EXPECT_NEAR(ChiSquareUpperTail(x, 1) / std::erfc(std::sqrt(x / 2)), 1.0, 1e-12) << x;
    EXPECT_NEAR(ChiSquareUpperTail(x, 2) / std::exp(-x / 2), 1.0, 1e-12) << x;
    EXPECT_NEAR(ChiSquareUpperTail(x, 4) / (std::exp(-x / 2) * (1 + x / 2)), 1.0, 1e-12) << x;
  }
  EXPECT_EQ(ChiSquareUpperTail(0, 3), 1.0);
  EXPECT_EQ(ChiSquareUpperTail(kInfinity, 3), 0.0);
}

TEST(Cox, WhatHasNoFiniteMaximumIsRefused) {
  CoxStratum stratum{Matrix(6, 1), {{1, true}, {2, true}, {3, true}, {4, true}, {5, true}, {6, true}}};
  ExpectInvalid(FitCox(std::vector{stratum}), "no event in any stratum with two different patients");
  for (std::size_t i = 0; i < 6; ++i) stratum.x(i, 0) = -static_cast<double>(i);  // orders the events perfectly
  ExpectInvalid(FitCox(std::vector{stratum}), "no finite maximum");
  EXPECT_TRUE(FitCox(std::vector{stratum}, {.ridge = 0.1}).ok());
  ExpectInvalid(FitCox(std::vector{stratum}, {.ridge = -1}), "ridge");
  ExpectInvalid(FitCox(std::vector{stratum}, {.ridge = kNaN}), "ridge");
  for (Outcome& outcome : stratum.outcomes) outcome.event = false;
  ExpectInvalid(FitCox(std::vector{stratum}, {.ridge = 1.0}), "no event");
}

TEST(Cox, ACopyOfACovariateIsRefusedWithoutARidge) {
  CoxStratum stratum{Matrix(6, 2), {{1, true}, {2, true}, {3, false}, {4, true}, {5, true}, {6, true}}};
  for (std::size_t i = 0; i < 6; ++i) stratum.x(i, 0) = stratum.x(i, 1) = static_cast<double>(i * i % 5);
  ExpectInvalid(FitCox(std::vector{stratum}), "copy");
  const auto fit = FitCox(std::vector{stratum}, {.ridge = 1.0});
  ASSERT_TRUE(fit.ok());
  EXPECT_NEAR(fit->beta[0], fit->beta[1], 1e-12);
}

TEST(Cox, HugeLinearPredictorsDoNotOverflow) {
  CoxStratum stratum{Matrix(3, 1), kThree};
  stratum.x.values = {1e6, 0, -1e6};
  const auto sums = CoxSumsAt(stratum, std::vector<double>{1.0}, Ties::kEfron);
  ASSERT_TRUE(sums.ok());
  EXPECT_NEAR(sums->log_likelihood, 0.0, 1e-9);
}

TEST(Cox, StepsOfTheSummedSitesReachTheSameFit) {
  CoxStratum one{Matrix(6, 1), {{1, true}, {2, true}, {2, false}, {4, true}, {5, true}, {6, true}}};
  one.x.values = {1, 0, 1, 1, 0, 1};
  CoxStratum other = one;
  other.x.values = {0, 1, 1, 0, 0, 1};
  std::vector<double> beta{0.0};
  for (int round = 0; round < 8; ++round) {
    CoxSums total = *CoxSumsAt(one, beta, Ties::kEfron);
    total += *CoxSumsAt(other, beta, Ties::kEfron);
    beta = *CoxNewtonStep(total, beta, 0.5);
  }
  EXPECT_NEAR(beta[0], FitCox(std::vector{one, other}, {.ridge = 0.5})->beta[0], 1e-12);
  ExpectInvalid(CoxNewtonStep(CoxSums(2), beta, 0.5), "2 covariates, 1 coefficients");
}

TEST(Grid, PlacesFollowTheConventions) {
  const Grid grid = *Grid::FromCuts({10, 20});
  EXPECT_EQ(grid.PlaceOf({0, true}), (GridPlace{1, true}));
  EXPECT_EQ(grid.PlaceOf({10, true}), (GridPlace{1, true}));  // bins end at their cut
  EXPECT_EQ(grid.PlaceOf({10.5, true}), (GridPlace{2, true}));
  EXPECT_EQ(grid.PlaceOf({20.5, true}), (GridPlace{2, false}));  // survives all bins
  EXPECT_EQ(grid.PlaceOf({9.5, false}), (GridPlace{0, false}));
  EXPECT_EQ(grid.PlaceOf({10, false}), (GridPlace{1, false}));  // completed the first
  EXPECT_EQ(grid.PlaceOf({99, false}), (GridPlace{2, false}));
}

TEST(Grid, CutsThatDoNotAscendAreRefused) {
  ExpectInvalid(Grid::FromCuts({}), "at least one");
  ExpectInvalid(Grid::FromCuts({0, 10}), "cut 0 is 0 days");
  ExpectInvalid(Grid::FromCuts({10, 10}), "cut 1 is 10 days, wanted a finite value above 10");
  ExpectInvalid(Grid::FromCuts({10, kNaN}), "cut 1");
  ExpectInvalid(Grid::FromCuts({10, kInfinity}), "cut 1");
}

TEST(Hazards, DataThatDoNotFitTheModelAreRefused) {
  const HazardModel model{{0, 0}, {0}};
  ExpectInvalid(CheckHazardData({}, model), "no patient");
  ExpectInvalid(CheckHazardData({Matrix(1, 1), {{1, true}, {0, false}}}, model), "1 rows for 2");
  ExpectInvalid(CheckHazardData({Matrix(1, 2), {{1, true}}}, model), "2 covariates, 1 coefficients");
  ExpectInvalid(CheckHazardData({Matrix(1, 1), {{3, false}}}, model), "2 bins");
  ExpectInvalid(CheckHazardData({Matrix(1, 1), {{0, true}}}, model), "2 bins");
  HazardData data{Matrix(1, 1), {{1, true}}};
  data.x(0, 0) = kNaN;
  ExpectInvalid(CheckHazardData(data, model), "not finite");
  data.x(0, 0) = 1.0;
  ExpectInvalid(FitHazards(data, model, -1.0), "ridge");
}

TEST(Hazards, ASiteWithoutAnEventAndABinWithNobodyAtRiskStillGiveAModel) {
  const HazardData data{Matrix(2, 1), {{1, false}, {1, false}}};
  const HazardModel start{StartIntercepts(CountBins(data.places, 2)), {0}};
  EXPECT_EQ(start.intercepts[1], 0.0);
  const auto model = FitHazards(data, start, 1.0);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_NEAR(model->intercepts[1], 0.0, 1e-12);
  EXPECT_LT(model->intercepts[0], -8.0);  // no event: nearly no hazard, kept finite by the small ridge
  const HazardModel step = GradientSteps(data, start, {.rate = 0.1, .l2 = 0.0, .steps = 3});
  EXPECT_EQ(step.intercepts[1], 0.0);
}

TEST(Concordance, ACensoringSurvivalOfZeroAndNoPairAreRefused) {
  const StepFunction zero{.start = 1.0, .times = {5}, .values = {0}};
  ExpectInvalid(CountPairs(kThree, std::vector<double>{1, 2, 3}, {.censoring = &zero}), "earlier tau");
  EXPECT_TRUE(CountPairs(kThree, std::vector<double>{1, 2, 3}, {.tau = 5, .censoring = &zero}).ok());
  const std::vector<Outcome> censored{{1, false}, {2, false}};
  ExpectInvalid(ConcordanceOf(*CountPairs(censored, std::vector<double>{1, 2})), "no pair");
}

TEST(Brier, TimesAndWeightsThatCannotBeUsedAreRefused) {
  const StepFunction zero{.start = 1.0, .times = {5}, .values = {0}};
  const std::vector<double> half{0.5, 0.5, 0.5};
  ExpectInvalid(BrierSum(kThree, half, 15, zero), "censoring survival is 0");
  for (const double time : {-1.0, kNaN, kInfinity}) ExpectInvalid(BrierSum(kThree, half, time, {}), "time");
  EXPECT_DOUBLE_EQ(*BrierScore(kThree, half, 15, {}), 0.25);
  ExpectInvalid(IntegratedBrier(kThree, [](std::size_t, double) { return 0.5; }, 0.0, {}), "tau");
  ExpectInvalid(IntegratedTrapezoid(std::vector<double>{1}, std::vector<double>{1}), "two times");
  ExpectInvalid(IntegratedTrapezoid(std::vector<double>{2, 1}, std::vector<double>{1, 1}), "time 1");
}

TEST(Auc, WithoutACaseOrAControlIsRefused) {
  const std::vector<double> risk{3, 2, 1};
  ExpectInvalid(CumulativeDynamicAuc(kThree, risk, 5, {}), "no case or no control");
  ExpectInvalid(CumulativeDynamicAuc(kThree, risk, 30, {}), "no case or no control");
  EXPECT_DOUBLE_EQ(*CumulativeDynamicAuc(kThree, risk, 15, {}), 1.0);
}

TEST(RiskGroups, TertilesHaveTheirCurvesAndNumbersAtRisk) {
  std::vector<Outcome> outcomes;
  std::vector<double> risk;
  for (int i = 0; i < 9; ++i) {
    outcomes.push_back({90.0 - 10.0 * i, i % 2 == 0});
    risk.push_back(i);
  }
  const std::vector<double> times{0, 40, 70};
  const auto groups = CurvesByRisk(outcomes, risk, 3, times);
  ASSERT_TRUE(groups.ok());
  ASSERT_EQ(groups->size(), 3u);
  EXPECT_EQ((*groups)[0].at_risk, (std::vector<std::size_t>{3, 3, 3}));  // lowest risk: 90, 80, 70 days
  EXPECT_EQ((*groups)[1].at_risk, (std::vector<std::size_t>{3, 3, 0}));
  EXPECT_EQ((*groups)[2].at_risk, (std::vector<std::size_t>{3, 0, 0}));
  EXPECT_EQ((*groups)[0].events + (*groups)[1].events + (*groups)[2].events, 5u);
  EXPECT_DOUBLE_EQ((*groups)[2].curve.curve().At(10), 2.0 / 3.0);
}

TEST(RiskGroups, EqualRisksStayTogetherAndAGroupMayBeEmpty) {
  const auto groups = CurvesByRisk(kThree, std::vector<double>{1, 1, 1}, 3, std::vector<double>{0});
  ASSERT_TRUE(groups.ok());
  EXPECT_EQ((*groups)[0].patients, 3u);
  EXPECT_EQ((*groups)[1].patients, 0u);
  EXPECT_TRUE((*groups)[2].curve.steps().empty());
  ExpectInvalid(GroupByQuantiles(std::vector<double>{1, 2}, 0), "0 groups");
  ExpectInvalid(GroupByQuantiles({}, 3), "0 values");
}

TEST(Calibration, GroupsCompareMeanPredictionWithKaplanMeier) {
  std::vector<Outcome> outcomes;
  std::vector<double> survival;
  for (int i = 0; i < 10; ++i) {
    outcomes.push_back({i < 5 ? 10.0 + i : 50.0, i < 4});
    survival.push_back(i < 5 ? 0.2 : 0.9);
  }
  const auto groups = CalibrateByGroups(outcomes, survival, 30, 2);
  ASSERT_TRUE(groups.ok());
  ASSERT_EQ(groups->size(), 2u);
  EXPECT_EQ((*groups)[0].patients, 5u);
  EXPECT_EQ((*groups)[0].events, 4u);
  EXPECT_NEAR((*groups)[0].mean_predicted, 0.2, 1e-12);
  EXPECT_NEAR((*groups)[0].observed, 0.2, 1e-12);
  EXPECT_LT((*groups)[0].limits.lower, 0.2);
  EXPECT_EQ((*groups)[1].observed, 1.0);
  EXPECT_EQ((*groups)[1].limits.lower, 1.0);
}

TEST(Bootstrap, QuantilesInterpolateAsNumpyDoes) {
  EXPECT_DOUBLE_EQ(Quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(Quantile({4, 1, 3, 2}, 0.025), 1.075);
  EXPECT_DOUBLE_EQ(Quantile({4, 1, 3, 2}, 1.0), 4);
  EXPECT_DOUBLE_EQ(Quantile({7}, 0.3), 7);
}

TEST(Bootstrap, TheSameSeedGivesTheSameDraws) {
  const std::vector<std::size_t> stratum{0, 0, 0, 1, 1, 2};
  const Resamples one = Resamples::Draw(stratum, 9, 5);
  const Resamples same = Resamples::Draw(stratum, 9, 5);
  const Resamples other = Resamples::Draw(stratum, 9, 6);
  bool differs = false;
  for (std::size_t b = 0; b < 9; ++b)
    for (std::size_t i = 0; i < stratum.size(); ++i) {
      EXPECT_EQ(one.weight(b, i), same.weight(b, i));
      differs = differs || one.weight(b, i) != other.weight(b, i);
    }
  EXPECT_TRUE(differs);
  EXPECT_EQ(one.weight(3, 5), 1.0);  // alone in his stratum
}

TEST(Bootstrap, PairsAreFoundInEitherOrder) {
  PairMatrix pairs(3);
  EXPECT_TRUE(pairs.AddConcordant(std::vector<std::size_t>{2, 0, 1}, kThree, std::vector<double>{2, 2, 1}, 0.5).ok());
  EXPECT_EQ(pairs.At(0, 1), 0.25);  // tied risks count half
  EXPECT_EQ(pairs.At(2, 0), 0.5);
  EXPECT_EQ(pairs.At(1, 2), 0.0);  // the earlier was censored
  EXPECT_EQ(pairs.At(1, 1), 0.0);
  EXPECT_EQ(pairs.Sum(), 0.75);
  EXPECT_EQ(PairMatrix(0).Sum(), 0.0);
}

TEST(Scaling, ConstantAbsentAndMissingValuesAreHandled) {
  Matrix raw(3, 3);
  raw.values = {5, kNaN, 1, 5, kNaN, kNaN, 5, kNaN, 3};
  const auto scaling = FitScaling(raw, std::vector<std::size_t>{0, 1, 2});
  ASSERT_TRUE(scaling.ok());
  EXPECT_EQ(scaling->mean, (std::vector<double>{5, 0, 2}));
  EXPECT_EQ(scaling->deviation, (std::vector<double>{1, 1, 1}));
  const auto scaled = Scaled(raw, *scaling);
  EXPECT_EQ(scaled->values, (std::vector<double>{0, 0, -1, 0, 0, 0, 0, 0, 1}));
}

TEST(Scaling, WhatCannotBeScaledIsRefused) {
  Matrix raw(1, 1);
  raw(0, 0) = kInfinity;
  ExpectInvalid(FitScaling(raw, std::vector<std::size_t>{0}), "infinite");
  ExpectInvalid(FitScaling(raw, std::vector<std::size_t>{1}), "row 1");
  ExpectInvalid(Scaled(raw, {}), "0 means");
  ExpectInvalid(ScaleFromSums({1, 0, 0}, 2, 2), "low < high");
  ExpectInvalid(ScaleFromSums({1, kNaN, 0}, 0, 2), "finite");
  EXPECT_EQ(ScaleFromSums({}, 0, 2)->deviation, 1.0);
  EXPECT_EQ(ScaleFromSums({4, 2, 1.0 + 1e-12}, 0, 2)->deviation, 1.0);  // constant but for the rounding of the sum
  EXPECT_DOUBLE_EQ(ScaleFromSums({4, 2, 1.0}, 0, 2)->mean, 1.5);
}

}  // namespace
}  // namespace fedtrial
