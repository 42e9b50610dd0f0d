#include "model/survival/recalibration.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <span>
#include <vector>

namespace fedtrial {
namespace {

double LogitOf(double probability) { return std::log(probability / (1.0 - probability)); }

// Person-periods of one bin each: how many at a logit, and how many of them with the event.
struct Cell {
  double logit;
  int patients, events;
};

RecalibrationSums SumsAt(const std::vector<Cell>& cells, const Recalibration& at) {
  RecalibrationSums sums;
  for (const Cell& cell : cells)
    for (int i = 0; i < cell.patients; ++i)
      AddPersonPeriods(std::vector<double>{cell.logit}, {1, i < cell.events}, at, 1.0, sums);
  return sums;
}

// Of one landmark.
Result<Recalibration> StepOfOne(const RecalibrationSums& sums, const Recalibration& at, double towards_one = 0.0) {
  ASSIGN_OR_RETURN(const auto next, NewtonStep(std::span(&sums, 1), std::span(&at, 1), towards_one));
  return next.front();
}

Recalibration Fitted(const std::vector<Cell>& cells, int steps) {
  Recalibration at;
  for (int step = 0; step < steps; ++step) {
    const auto next = StepOfOne(SumsAt(cells, at), at);
    EXPECT_TRUE(next.ok()) << next.error().message;
    if (next.ok()) at = *next;
  }
  return at;
}

// With two logits the likelihood is at its largest where both hazards are the shares seen: in closed form.
TEST(Recalibration, OfTwoLogitsIsTheLineThroughTheSharesSeen) {
  const std::vector<Cell> cells = {{-4.0, 200, 20}, {-1.0, 100, 35}};
  const Recalibration fitted = Fitted(cells, 8);
  const double slope = (LogitOf(0.35) - LogitOf(0.1)) / 3.0;
  EXPECT_NEAR(fitted.slope, slope, 1e-10);
  EXPECT_NEAR(fitted.intercept, LogitOf(0.35) + slope, 1e-10);
  const RecalibrationSums sums = SumsAt(cells, fitted);
  EXPECT_NEAR(sums.score[0], 0.0, 1e-9);
  EXPECT_NEAR(sums.score[1], 0.0, 1e-9);
  EXPECT_EQ(sums.events, 55.0);
}

TEST(Recalibration, TakesBackPredictionsThatAreTwiceTooSure) {
  std::vector<Cell> cells, doubled;
  for (int k = 0; k < 9; ++k) {
    const double logit = -2.0 + 0.4 * k;
    const int events = static_cast<int>(std::lround(1000.0 / (1.0 + std::exp(-logit))));
    cells.push_back({logit, 1000, events});
    doubled.push_back({2.0 * logit, 1000, events});
  }
  EXPECT_NEAR(Fitted(cells, 6).slope, 1.0, 0.005);
  EXPECT_NEAR(Fitted(doubled, 5).slope, 0.5, 0.0025) << "the default of six rounds, one for the centres, is enough";
  EXPECT_NEAR(Fitted(doubled, 5).slope, Fitted(doubled, 30).slope, 1e-9);
}

TEST(Recalibration, ThePartsOfACutCohortAddUpToItsSums) {
  const std::vector<Cell> one = {{-3.0, 7, 2}, {0.5, 5, 3}}, two = {{-1.0, 9, 4}};
  const Recalibration at{0.25, 0.75};
  const RecalibrationSums a = SumsAt(one, at), b = SumsAt(two, at),
                          whole = SumsAt({{-3.0, 7, 2}, {0.5, 5, 3}, {-1.0, 9, 4}}, at);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(a.score[i] + b.score[i], whole.score[i], 1e-12);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(a.information[i] + b.information[i], whole.information[i], 1e-12);
}

TEST(Recalibration, LeavesTheCentreOfABinButForTheIntercept) {
  const Recalibration recalibration{0.5, 0.25, {-2.0, -1.0}};
  EXPECT_EQ(recalibration.At(0, -2.0), -1.5);
  EXPECT_EQ(recalibration.At(1, -1.0), -0.5);
  EXPECT_EQ(recalibration.At(1, 3.0), 0.5);
  RecalibrationSums sums;
  AddPersonPeriods(std::vector<double>{-2.0, 3.0}, {2, true}, recalibration, 1.0, sums);
  const double hazard = 1.0 / (1.0 + std::exp(-0.5));
  EXPECT_NEAR(sums.score[1], 4.0 * (1.0 - hazard), 1e-15) << "at the centre of the first bin nothing pulls";
  EXPECT_NEAR(sums.information[2], 16.0 * hazard * (1.0 - hazard), 1e-15);
}

TEST(Recalibration, CentresAreMeansOfThoseAtRiskAndEmptyBinsTakeTheirNeighbours) {
  LogitSums sums{std::vector<double>(5), std::vector<double>(5)};
  AddLogits(std::vector<double>{9.0, 1.0, 2.0, 9.0, 9.0}, {3, true}, 1.0, sums);
  AddLogits(std::vector<double>{-9.0, 3.0, 9.0, 9.0, 9.0}, {2, false}, 0.5, sums);
  sums.at_risk[0] = sums.logits[0] = 0.0;
  const std::vector<double> centres = CentresOf(sums);
  ASSERT_EQ(centres.size(), 5u);
  EXPECT_NEAR(centres[1], 2.5 / 1.5, 1e-15);
  EXPECT_EQ(centres[0], centres[1]);
  for (const std::size_t k : {2u, 3u, 4u}) EXPECT_EQ(centres[k], 2.0);
  EXPECT_TRUE(CentresOf({{0.0, 0.0}, {0.0, 0.0}}).empty());
  EXPECT_TRUE(CentresOf({{1.0, 1.0}, {0.0, std::numeric_limits<double>::quiet_NaN()}}).empty());
}

TEST(Recalibration, OnlyBinsAtRiskCountAndTheEventIsInTheLastOfThem) {
  RecalibrationSums sums;
  AddPersonPeriods(std::vector<double>{0.0, 0.0, 99.0}, {2, true}, {}, 1.0, sums);
  EXPECT_EQ(sums.score[0], -0.5 + 0.5);
  EXPECT_EQ(sums.information[0], 0.5);
  AddPersonPeriods(std::vector<double>{5.0}, {0, false}, {}, 1.0, sums);
  EXPECT_EQ(sums.information[0], 0.5);
  EXPECT_EQ(sums.events, 1.0);
}

TEST(Recalibration, SumsThatDetermineNothingAreRefused) {
  EXPECT_FALSE(StepOfOne({}, {}).ok());
  EXPECT_FALSE(StepOfOne(SumsAt({{-1.0, 50, 10}}, {}), {}).ok()) << "all logits alike";
  RecalibrationSums broken = SumsAt({{-3.0, 7, 2}, {0.5, 5, 3}}, {});
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    RecalibrationSums sums = broken;
    sums.score[1] = value;
    EXPECT_FALSE(StepOfOne(sums, {}).ok());
    sums = broken;
    sums.information[2] = value;
    EXPECT_FALSE(StepOfOne(sums, {}).ok());
  }
}

TEST(Recalibration, APenaltyDrawsTheSlopeToOneAndLessWithMorePatients) {
  const auto slope = [](int patients) {
    const std::vector<Cell> cells = {{-2.0, patients, patients / 4}, {0.0, patients, patients / 2}};
    Recalibration at;
    for (int step = 0; step < 20; ++step) {
      const auto next = StepOfOne(SumsAt(cells, at), at, 16.0);
      EXPECT_TRUE(next.ok());
      if (next.ok()) at = *next;
    }
    const RecalibrationSums sums = SumsAt(cells, at);
    EXPECT_NEAR(sums.score[0], 0.0, 1e-8);
    EXPECT_NEAR(sums.score[1], 16.0 * (at.slope - 1.0), 1e-8);
    return at.slope;
  };
  const double alone = std::log(3.0) / 2.0;
  EXPECT_LT(alone, slope(1000));
  EXPECT_LT(slope(1000), slope(40));
  EXPECT_LT(slope(40), 1.0);
}

// Of two landmarks with two logits each: the slope of the logits is log 3 at both, whatever their baselines.
TEST(Recalibration, OfSeveralLandmarksHasOneSlopeAndAnInterceptForEach) {
  const std::vector<std::vector<Cell>> landmarks = {{{-1.0, 400, 100}, {0.0, 400, 200}},
                                                    {{-2.0, 200, 100}, {-1.0, 200, 150}}};
  std::vector<Recalibration> at(2);
  for (int step = 0; step < 12; ++step) {
    const std::vector<RecalibrationSums> sums = {SumsAt(landmarks[0], at[0]), SumsAt(landmarks[1], at[1])};
    const auto next = NewtonStep(sums, at);
    ASSERT_TRUE(next.ok()) << next.error().message;
    at = *next;
  }
  for (const Recalibration& one : at) EXPECT_NEAR(one.slope, std::log(3.0), 1e-9);
  EXPECT_NEAR(at[0].intercept, 0.0, 1e-9);
  EXPECT_NEAR(at[1].intercept, 2.0 * std::log(3.0), 1e-9);
  EXPECT_FALSE(NewtonStep({}, {}).ok());
  const std::vector<RecalibrationSums> one_empty = {SumsAt(landmarks[0], {}), {}};
  EXPECT_FALSE(NewtonStep(one_empty, std::vector<Recalibration>(2)).ok());
}

TEST(Recalibration, AStepIsBoundedAndConstantsOutOfBoundsAreNotUsed) {
  const auto step = StepOfOne(SumsAt({{-0.1, 1000, 1}, {0.1, 1000, 999}}, {}), {});
  ASSERT_TRUE(step.ok());
  EXPECT_LE(step->slope, 1.5);
  EXPECT_LE(std::abs(step->intercept), 2.0);
  EXPECT_TRUE(IsUsable({}));
  EXPECT_TRUE(IsUsable({-20.0, 0.05}));
  for (const Recalibration& bad : {Recalibration{0.0, 0.0},
                                   {0.0, -1.0},
                                   {0.0, 21.0},
                                   {21.0, 1.0},
                                   {std::numeric_limits<double>::quiet_NaN(), 1.0},
                                   {0.0, std::numeric_limits<double>::quiet_NaN()}})
    EXPECT_FALSE(IsUsable(bad)) << bad.intercept << " " << bad.slope;
}

}  // namespace
}  // namespace fedtrial
