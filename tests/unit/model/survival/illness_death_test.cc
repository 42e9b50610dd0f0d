#include "model/survival/illness_death.h"

#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <rapidcheck/gtest.h>

#include "model/survival/matrix.h"

namespace fedtrial {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using First = CoursePlace::First;

StepGrid GridOfWeeks(const std::vector<double>& weeks) {
  std::vector<double> days;
  for (const double week : weeks) days.push_back(7.0 * week);
  return *StepGrid::FromCuts(days);
}

double Sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }

CoursePlace Placed(const StepGrid& grid, const ObservedCourse& course, std::size_t landmark = 0) {
  const auto place = PlaceCourse(grid, course, landmark);
  EXPECT_TRUE(place.ok() && place->has_value());
  return place.ok() && place->has_value() ? **place : CoursePlace{};
}

TEST(StepGrid, GivesEachStepItsCoarseBin) {
  const StepGrid grid = GridOfWeeks({8, 12, 24});
  EXPECT_EQ(grid.bins(), 3u);
  EXPECT_EQ(grid.steps(), 6u);
  EXPECT_THAT(grid.bin_of_step(), ElementsAre(0, 0, 1, 2, 2, 2));
}

TEST(StepGrid, RefusesCutsThatAreNoRisingMultiplesOfFourWeeks) {
  for (const std::vector<double>& cuts : std::vector<std::vector<double>>{
           {}, {0.0}, {-28.0}, {29.0}, {56.0, 56.0}, {56.0, 28.0}, {std::nan("")}, {INFINITY}, {28.0e6}}) {
    const auto grid = StepGrid::FromCuts(cuts);
    ASSERT_FALSE(grid.ok());
    EXPECT_EQ(grid.error().code, ErrorCode::kInvalidInput);
  }
  EXPECT_THAT(StepGrid::FromCuts(std::vector<double>{28.0, 60.0}).error().message, HasSubstr("cut 1 is 60"));
}

TEST(Course, EventsAreRoundedUpAndSurvivalDown) {
  const StepGrid grid = GridOfWeeks({208});
  // Alive without recurrence on day 60: two whole steps.
  EXPECT_EQ(Placed(grid, {56.0, {}, 60.0, false}), (CoursePlace{First::kNone, 2, 0, 0, 0, 0, false}));
  // Dead on day 60 without a recorded scan: in step 3. On day 56 exactly: in step 2.
  EXPECT_EQ(Placed(grid, {0.0, {}, 60.0, true}), (CoursePlace{First::kDeath, 2, 3, 0, 0, 0, false}));
  EXPECT_EQ(Placed(grid, {0.0, {}, 56.0, true}), (CoursePlace{First::kDeath, 1, 2, 0, 0, 0, false}));
  // Clear on day 56, recurred on the scan of day 112: in step 3 or 4; dead on day 150, step 6: step 2 of the clock.
  EXPECT_EQ(Placed(grid, {56.0, 112.0, 150.0, true}), (CoursePlace{First::kRecurrence, 2, 4, 4, 0, 1, true}));
  // Censored on day 150: step 5 is whole.
  EXPECT_EQ(Placed(grid, {56.0, 112.0, 150.0, false}), (CoursePlace{First::kRecurrence, 2, 4, 4, 0, 1, false}));
  // A scan in the middle of a step doesn't complete it.
  EXPECT_EQ(Placed(grid, {60.0, 70.0, 71.0, false}), (CoursePlace{First::kRecurrence, 2, 3, 3, 0, 0, false}));
}

TEST(Course, ADeathInTheStepOfTheRecurrenceCountsInTheNext) {
  const StepGrid grid = GridOfWeeks({208});
  const CoursePlace same = Placed(grid, {28.0, 40.0, 50.0, true});
  const CoursePlace next = Placed(grid, {28.0, 40.0, 70.0, true});
  EXPECT_EQ(same, (CoursePlace{First::kRecurrence, 1, 2, 2, 0, 0, true}));
  EXPECT_EQ(same, next);
}

TEST(Course, ALandmarkLeavesThoseAtRiskAndShiftsTheirClock) {
  const StepGrid grid = GridOfWeeks({52});
  EXPECT_FALSE(PlaceCourse(grid, {0.0, {}, 56.0, true}, 2)->has_value());
  EXPECT_FALSE(PlaceCourse(grid, {0.0, 20.0, 50.0, true}, 2)->has_value());
  EXPECT_EQ(Placed(grid, {56.0, {}, 140.0, true}, 2), (CoursePlace{First::kDeath, 2, 3, 0, 0, 0, false}));
  // Recurred on day 40 (step 2), at the landmark of step 4 two steps on; dead on day 170, step 7: the clock's fifth.
  EXPECT_EQ(Placed(grid, {28.0, 40.0, 170.0, true}, 4), (CoursePlace{First::kBeforeLandmark, 0, 0, 2, 2, 4, true}));
  // Recurrence after the landmark keeps its step from the first fraction.
  EXPECT_EQ(Placed(grid, {112.0, 130.0, 130.0, false}, 4), (CoursePlace{First::kRecurrence, 0, 1, 5, 0, 0, false}));
}

TEST(Course, WhatHappensAfterTheHorizonIsSurvivalOfIt) {
  const StepGrid grid = GridOfWeeks({8});
  EXPECT_EQ(Placed(grid, {0.0, {}, 1000.0, true}), (CoursePlace{First::kNone, 2, 0, 0, 0, 0, false}));
  EXPECT_EQ(Placed(grid, {28.0, 300.0, 1000.0, true}), (CoursePlace{First::kNone, 1, 0, 0, 0, 0, false}));
  EXPECT_EQ(Placed(grid, {28.0, 56.0, 1000.0, true}), (CoursePlace{First::kRecurrence, 1, 2, 2, 0, 2, false}));
}

TEST(Course, RefusesWhatContradictsItself) {
  const StepGrid grid = GridOfWeeks({52});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const ObservedCourse& course : std::vector<ObservedCourse>{{-1.0, {}, 10.0, false},
                                                                  {0.0, {}, -10.0, false},
                                                                  {30.0, 30.0, 40.0, false},
                                                                  {0.0, 50.0, 40.0, true},
                                                                  {nan, {}, 40.0, true},
                                                                  {0.0, nan, 40.0, true},
                                                                  {0.0, {}, INFINITY, true},
                                                                  {0.0, {}, 1e9, true}}) {
    const auto place = PlaceCourse(grid, course, 0);
    ASSERT_FALSE(place.ok());
    EXPECT_EQ(place.error().code, ErrorCode::kInvalidInput);
  }
}

TEST(IllnessDeath, CurvesAreThoseOfTwoStepsByHand) {
  const StepGrid grid = GridOfWeeks({4, 8});
  const TransitionLogits logits{{std::log(0.2 / 0.7), std::log(0.3 / 0.6)},
                                {std::log(0.1 / 0.7), std::log(0.1 / 0.6)},
                                {std::log(0.4 / 0.6), std::log(0.5 / 0.5)},
                                0.0};
  const IllnessDeathCurves curves = CurvesOf(grid, logits, 0);
  EXPECT_NEAR(curves.progression_free[0], 0.7, 1e-15);
  EXPECT_NEAR(curves.progression_free[1], 0.7 * 0.6, 1e-15);
  EXPECT_NEAR(curves.recurrence[0], 0.2, 1e-15);
  EXPECT_NEAR(curves.recurrence[1], 0.2 + 0.7 * 0.3, 1e-15);
  EXPECT_NEAR(curves.overall[0], 0.7 + 0.2, 1e-15);
  EXPECT_NEAR(curves.overall[1], 0.42 + 0.2 * 0.6 + 0.21, 1e-15);
}

RC_GTEST_PROP(IllnessDeath, ProgressionFreeNeverExceedsOverallSurvivalAndBothFall, ()) {
  const StepGrid grid = GridOfWeeks({8, 16, 40, 104});
  const auto logit = rc::gen::map(rc::gen::inRange(-120, 60), [](int tenths) { return tenths / 10.0; });
  const auto bins = rc::gen::container<std::vector<double>>(4, logit);
  const TransitionLogits logits{*bins, *bins, *bins, *rc::gen::inRange(-10, 11) / 10.0};
  const IllnessDeathCurves curves = CurvesOf(grid, logits, *rc::gen::inRange<std::size_t>(0, 7));
  for (std::size_t k = 0; k < grid.steps(); ++k) {
    RC_ASSERT(curves.progression_free[k] >= 0.0 && curves.overall[k] <= 1.0 + 1e-12);
    RC_ASSERT(curves.progression_free[k] <= curves.overall[k]);
    if (k > 0) {  // RC_ASSERT takes an expression apart: its || reads both sides
      RC_ASSERT(curves.progression_free[k] <= curves.progression_free[k - 1]);
      RC_ASSERT(curves.overall[k] <= curves.overall[k - 1] + 1e-12);
      RC_ASSERT(curves.recurrence[k] >= curves.recurrence[k - 1]);
    }
    RC_ASSERT(curves.progression_free[k] + curves.recurrence[k] <= 1.0 + 1e-12);
  }
}

TEST(IllnessDeath, ProbabilitiesOfAllCoursesAddUpToOne) {
  const StepGrid grid = GridOfWeeks({4, 12});
  const TransitionLogits logits{{-1.0, -0.5}, {-2.0, -1.5}, {-0.7, 0.3}, 0.2};
  const std::size_t steps = grid.steps();
  double total = 0.0;
  const auto add = [&](const CoursePlace& place) {
    const CourseLoss loss = LossOf(grid, logits, place);
    total += std::exp(-loss.first - loss.after);
  };
  add({First::kNone, steps, 0, 0, 0, 0, false});
  for (std::size_t k = 1; k <= steps; ++k) {
    add({First::kDeath, k - 1, k, 0, 0, 0, false});
    add({First::kRecurrence, k - 1, k, k, 0, steps, false});
    for (std::size_t u = 1; u <= steps; ++u) add({First::kRecurrence, k - 1, k, k, 0, u - 1, true});
  }
  EXPECT_NEAR(total, 1.0, 1e-12);
}

TEST(IllnessDeath, AnIntervalIsTheSumOverItsSteps) {
  const StepGrid grid = GridOfWeeks({4, 12});
  const TransitionLogits logits{{-1.0, -0.5}, {-2.0, -1.5}, {-0.7, 0.3}, 0.2};
  double sum = 0.0;
  for (std::size_t k = 2; k <= 3; ++k)
    sum += std::exp(-LossOf(grid, logits, {First::kRecurrence, k - 1, k, 3, 0, 0, false}).first);
  EXPECT_NEAR(LossOf(grid, logits, {First::kRecurrence, 1, 3, 3, 0, 0, false}).first, -std::log(sum), 1e-13);
}

// --- recovery of simulated hazards ----------------------------------------------------------------------------------

using Logits = std::vector<double>;  // recurrence, death, after by bin, then the clock

TransitionLogits Unpacked(const Logits& all) {
  const auto part = [&](std::ptrdiff_t k) { return Logits(all.begin() + 3 * k, all.begin() + 3 * (k + 1)); };
  return {part(0), part(1), part(2), all[9]};
}

// One patient by the hazards themselves, seen on scans every `every` steps; without death in the first step after it a
// recurrence is always seen before a death.
ObservedCourse Simulated(const StepGrid& grid, const TransitionLogits& truth, std::size_t every, std::mt19937_64& rng) {
  std::uniform_real_distribution<double> uniform;
  const double last_contact = 2.0 * kStepDays * (2.0 + std::floor(uniform(rng) * 5.0));  // on the day of a scan
  for (std::size_t k = 1; kStepDays * static_cast<double>(k) <= last_contact; ++k) {
    const std::size_t bin = grid.bin_of_step()[k - 1];
    const double a = std::exp(truth.recurrence[bin]), b = std::exp(truth.death[bin]);
    const double draw = uniform(rng) * (1.0 + a + b);
    const double day = kStepDays * (static_cast<double>(k) - uniform(rng) * 0.9);
    if (draw < b) return {0.0, {}, day, true};
    if (draw >= a + b) continue;
    const std::size_t seen = (k + every - 1) / every * every;
    const double scan = kStepDays * static_cast<double>(seen);
    const double before = kStepDays * static_cast<double>(seen - every);
    for (std::size_t u = 1;; ++u) {
      const double end = scan + kStepDays * static_cast<double>(u);
      if (end > last_contact || u > grid.steps()) return {before, scan, std::max(scan, last_contact), false};
      const double logit = truth.after[grid.bin_of_step()[u - 1]] + truth.clock * std::log1p(static_cast<double>(seen));
      if (uniform(rng) < Sigmoid(logit)) return {before, scan, end - 1.0, true};
    }
  }
  return {0.0, {}, last_contact, false};
}

// Newton on the sum of the losses, derivatives by central differences. Gives the estimate and its standard errors.
struct FittedLogits {
  Logits estimate, error;
};

FittedLogits FitLogits(const std::function<double(const Logits&)>& loss, Logits at) {
  constexpr double kStep = 1e-3;
  const std::size_t size = at.size();
  const auto shifted = [&](std::size_t i, double a, std::size_t j, double b) {
    Logits moved = at;
    moved[i] += a;
    moved[j] += b;
    return loss(moved);
  };
  Matrix hessian(size, size);
  for (int round = 0; round < 5; ++round) {
    Logits gradient(size);
    for (std::size_t i = 0; i < size; ++i) {
      gradient[i] = (shifted(i, kStep, i, 0.0) - shifted(i, -kStep, i, 0.0)) / (2.0 * kStep);
      for (std::size_t j = 0; j <= i; ++j)
        hessian(i, j) = (shifted(i, kStep, j, kStep) - shifted(i, kStep, j, -kStep) - shifted(i, -kStep, j, kStep) +
                         shifted(i, -kStep, j, -kStep)) /
                        (4.0 * kStep * kStep);
    }
    const Logits step = Cholesky::Of(hessian)->Solve(gradient);
    for (std::size_t i = 0; i < size; ++i) at[i] -= step[i];
  }
  const Matrix covariance = Cholesky::Of(hessian)->Inverse();
  Logits errors;
  for (std::size_t i = 0; i < size; ++i) errors.push_back(std::sqrt(covariance(i, i)));
  return {at, errors};
}

// Equal courses are counted, not repeated.
std::vector<std::pair<CoursePlace, double>> Counted(const StepGrid& grid, const TransitionLogits& truth,
                                                    std::size_t every, std::size_t patients, std::uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<std::pair<CoursePlace, double>> counted;
  for (std::size_t i = 0; i < patients; ++i) {
    const auto place = PlaceCourse(grid, Simulated(grid, truth, every, rng), 0);
    if (!place.ok() || !place->has_value()) continue;
    const auto same = std::ranges::find(counted, **place, &std::pair<CoursePlace, double>::first);
    if (same == counted.end())
      counted.emplace_back(**place, 1.0);
    else
      same->second += 1.0;
  }
  return counted;
}

// Share of the ten logits that lie within two standard errors of the truth, over 20 cohorts.
double ShareRecovered(std::size_t every) {
  const StepGrid grid = GridOfWeeks({16, 32, 52});
  const Logits truth = {-1.5, -1.8, -2.0, -3.0, -2.8, -2.6, -2.2, -1.6, -1.5, 0.4};
  std::size_t within = 0, all = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto counted = Counted(grid, Unpacked(truth), every, 4000, seed);
    const auto loss = [&](const Logits& logits) {
      const TransitionLogits unpacked = Unpacked(logits);
      double sum = 0.0;
      for (const auto& [place, count] : counted) {
        const CourseLoss each = LossOf(grid, unpacked, place);
        sum += count * (each.first + each.after);
      }
      return sum;
    };
    const FittedLogits fit = FitLogits(loss, truth);
    for (std::size_t i = 0; i < truth.size(); ++i, ++all)
      within += std::abs(fit.estimate[i] - truth[i]) <= 2.0 * fit.error[i] ? 1 : 0;
  }
  return static_cast<double>(within) / static_cast<double>(all);
}

TEST(IllnessDeath, SimulatedHazardsAreRecoveredWithinTwoStandardErrors) {
  const double share = ShareRecovered(1);
  std::printf("hazards within two standard errors: %.3f of 200 (0.954 expected)\n", share);
  EXPECT_GE(share, 0.91);
}

TEST(IllnessDeath, HazardsAreRecoveredWhenScansSeeARecurrenceOneStepLate) {
  const double share = ShareRecovered(2);
  std::printf("hazards within two standard errors, scans every two steps: %.3f of 200\n", share);
  EXPECT_GE(share, 0.91);
}

}  // namespace
}  // namespace fedtrial
