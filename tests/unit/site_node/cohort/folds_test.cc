#include "site_node/cohort/folds.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <string>

namespace fedtrial::site {
namespace {

Cohort CohortOf(std::size_t patients, std::size_t events) {
  Cohort cohort;
  for (std::size_t i = 0; i < patients; ++i) {
    Sample sample;
    sample.key = "patient-" + std::to_string(i);
    sample.event = i < events;
    cohort.samples.push_back(sample);
  }
  return cohort;
}

RC_GTEST_PROP(Folds, DifferByOneAtMostInPatientsAndInEvents, ()) {
  const auto patients = *rc::gen::inRange<std::size_t>(0, 60);
  const auto events = *rc::gen::inRange<std::size_t>(0, patients + 1);
  const Folds folds{.repeats = 3, .folds = *rc::gen::inRange<unsigned>(2, 7), .column = ""};
  Cohort cohort = CohortOf(patients, events);
  DealFolds(folds, *rc::gen::arbitrary<std::uint64_t>(), cohort);
  for (unsigned repeat = 0; repeat < folds.repeats; ++repeat) {
    std::vector<int> all(folds.folds), with_event(folds.folds);
    for (const Sample& sample : cohort.samples) {
      const int fold = sample.folds.at(repeat);
      RC_ASSERT(fold >= 1 && fold <= static_cast<int>(folds.folds));
      ++all[static_cast<std::size_t>(fold - 1)];
      with_event[static_cast<std::size_t>(fold - 1)] += sample.event;
    }
    RC_ASSERT(*std::ranges::max_element(all) - *std::ranges::min_element(all) <= 1);
    RC_ASSERT(*std::ranges::max_element(with_event) - *std::ranges::min_element(with_event) <= 1);
  }
}

TEST(Folds, DoNotDependOnTheOrderOfTheTables) {
  const Folds folds{.repeats = 4, .folds = 5, .column = ""};
  Cohort cohort = CohortOf(30, 12);
  Cohort reversed = cohort;
  std::ranges::reverse(reversed.samples);
  DealFolds(folds, 1, cohort);
  DealFolds(folds, 1, reversed);
  std::ranges::reverse(reversed.samples);
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(cohort.samples[i].folds, reversed.samples[i].folds);
}

TEST(Folds, DifferBetweenSeedsAndRepeats) {
  const Folds folds{.repeats = 2, .folds = 5, .column = ""};
  Cohort one = CohortOf(30, 12);
  Cohort other = one;
  DealFolds(folds, 1, one);
  DealFolds(folds, 2, other);
  bool seeds_differ = false;
  bool repeats_differ = false;
  for (std::size_t i = 0; i < 30; ++i) {
    seeds_differ = seeds_differ || one.samples[i].folds != other.samples[i].folds;
    repeats_differ = repeats_differ || one.samples[i].folds[0] != one.samples[i].folds[1];
  }
  EXPECT_TRUE(seeds_differ);
  EXPECT_TRUE(repeats_differ);
}

TEST(Folds, LeaveTestRowsOut) {
  Cohort cohort = CohortOf(3, 1);
  cohort.samples[1].holds_out = true;
  DealFolds({.repeats = 2, .folds = 2, .column = ""}, 3, cohort);
  EXPECT_TRUE(cohort.samples[1].folds.empty());
  EXPECT_EQ(cohort.samples[0].folds.size(), 2u);
}

}  // namespace
}  // namespace fedtrial::site
