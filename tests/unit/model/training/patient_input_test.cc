#include "model/training/patient_input.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "security/crypto/seeded_random.h"
#include "tests/unit/model/training/small_trial.h"

namespace fedtrial {
namespace {

using ::testing::HasSubstr;

// A patient with everything, by hand.
Sample FullPatient() {
  Sample sample;
  sample.features = {1.6, std::numeric_limits<double>::quiet_NaN(), 0.1, 1.0, 99.9, 0.0};
  sample.time_days = 200.0;
  sample.event = true;
  sample.panel_visits = {
      {0, -7.0, {{0, 1.6, false}}}, {0, 49.0, {{0, 3.1, false}, {2, 0.1, true}}}, {1, 0.0, {{1, 0.1, false}}}};
  sample.volumes = {{MriSequence::kT1, -3.0, "a"}, {MriSequence::kT1, 53.0, "b"}};
  sample.course = Course{56.0, 112.0, 200.0, true};
  return sample;
}

PatientInput InputAt(double landmark_day) {
  const auto input = InputOf(SmallShape(), SmallMap(), FullPatient(), landmark_day);
  EXPECT_TRUE(input.ok()) << (input.ok() ? "" : input.error().message);
  return input.ok() ? *input : PatientInput{};
}

TEST(PatientInput, ScalesValuesAndKeepsWhatIsMissing) {
  const PatientInput input = InputAt(0.0);
  EXPECT_NEAR(input.statics[0].values[0], 1.0, 1e-15);
  EXPECT_EQ(input.statics[0].values[1], 0.0);
  EXPECT_EQ(input.statics[0].measured, (std::vector<bool>{true, false, true}));
  EXPECT_TRUE(input.statics[0].present());
}

TEST(PatientInput, ChangesAreSinceThePatientsFirstOfThatAnalyte) {
  const PatientInput input = InputAt(56.0);
  ASSERT_EQ(input.panels[0].size(), 2u);
  EXPECT_EQ(input.panels[0][0].values[0].change, 0.0);
  EXPECT_NEAR(input.panels[0][1].values[0].change, 1.0, 1e-15);
  EXPECT_EQ(input.panels[0][1].values[1].change, 0.0);  // its first
  EXPECT_TRUE(input.panels[0][1].values[1].below_detection);
}

TEST(PatientInput, NothingDatedAfterTheLandmarkGetsIn) {
  const PatientInput input = InputAt(0.0);
  EXPECT_EQ(input.panels[0].size(), 1u);
  EXPECT_EQ(input.panels[1].size(), 1u);  // on the day itself
  ASSERT_EQ(input.volumes.size(), 1u);
  EXPECT_EQ(input.volumes[0].key, "a");
}

TEST(PatientInput, TargetsCountFromTheLandmark) {
  EXPECT_EQ(std::get<GridPlace>(InputAt(0.0).heads[kOs].target), (GridPlace{3, true}));
  EXPECT_EQ(std::get<GridPlace>(InputAt(140.0).heads[kOs].target), (GridPlace{1, true}));
  EXPECT_FALSE(InputAt(224.0).heads[kOs].labelled());  // dead by then: not at risk
  EXPECT_FALSE(InputAt(224.0).heads[kCourse].labelled());
  EXPECT_EQ(std::get<CoursePlace>(InputAt(112.0).heads[kCourse].target).first, CoursePlace::First::kBeforeLandmark);
  const auto& label = std::get<BinaryTarget>(InputAt(0.0).heads[kMethyl].target);
  EXPECT_EQ(label.label, 1.0);
  EXPECT_NEAR(*label.logit, std::log(0.995 / 0.005), 1e-12);  // kept finite
}

TEST(PatientInput, WhatAHeadMayNotSeeIsAsIfItHadNeverBeenMeasured) {
  const NetworkShape shape = SmallShape();
  const PatientInput methylation = SeenBy(shape, kMethyl, InputAt(56.0));
  EXPECT_FALSE(methylation.statics[1].present());
  EXPECT_TRUE(methylation.panels[1].empty());
  EXPECT_EQ(methylation.panels[0].size(), 2u);
  PatientInput early = InputAt(56.0);
  early.heads[kPseudo].last_day = 50.0;
  const PatientInput pseudo = SeenBy(shape, kPseudo, early);
  EXPECT_EQ(pseudo.volumes.size(), 1u);
  EXPECT_EQ(pseudo.panels[0].size(), 2u);
}

TEST(PatientInput, PseudoProgressionHasADayOfItsOwn) {
  const NetworkShape shape = SmallShape();
  Sample sample = FullPatient();
  sample.suspicion = Suspicion{53.0, true};
  const auto early = InputOf(shape, SmallMap(), sample, 0.0), late = InputOf(shape, SmallMap(), sample, 112.0);
  ASSERT_TRUE(early.ok() && late.ok());
  EXPECT_EQ(early->heads[kPseudo].last_day, 53.0);
  EXPECT_EQ(std::get<BinaryTarget>(early->heads[kPseudo].target).label, 1.0);
  EXPECT_EQ(SeenBy(shape, kPseudo, *early).panels[0].size(), 2u);
  EXPECT_EQ(SeenBy(shape, kPseudo, *early).volumes.size(), 2u);  // the scan itself
  for (const std::size_t head : {kOs, kCourse, kMethyl, kProfile}) {
    EXPECT_EQ(early->heads[head].last_day, 0.0) << head;
    EXPECT_EQ(SeenBy(shape, head, *early).panels[0].size(), 1u) << head;
    EXPECT_EQ(SeenBy(shape, head, *early).volumes.size(), 1u) << head;
    EXPECT_FALSE(late->heads[head].last_day.has_value()) << head;
  }
  EXPECT_EQ(late->heads[kPseudo].last_day, 53.0);
  sample.suspicion->pseudo.reset();  // not settled: to be predicted, nothing to learn from
  const auto open = InputOf(shape, SmallMap(), sample, 0.0);
  ASSERT_TRUE(open.ok());
  EXPECT_FALSE(open->heads[kPseudo].labelled());
  EXPECT_EQ(open->heads[kPseudo].last_day, 53.0);
  EXPECT_FALSE(InputAt(0.0).heads[kPseudo].labelled());
}

TEST(PatientInput, AModalityCountsWhereAHeadThatIsTaughtMaySeeIt) {
  const NetworkShape shape = SmallShape();
  Sample sample = FullPatient();
  sample.suspicion = Suspicion{53.0, false};
  std::erase_if(sample.volumes, [](const VolumeId& volume) { return volume.day < 0.0; });
  std::erase_if(sample.panel_visits, [](const PanelVisit& visit) { return visit.panel == 0 && visit.day < 0.0; });
  const auto count = [&] {
    const auto input = InputOf(shape, SmallMap(), sample, 0.0);
    EXPECT_TRUE(input.ok());
    return PatientsPerBlock(shape, std::span(&*input, 1), false);
  };
  auto patients = count();
  EXPECT_EQ(patients.at("mri"), 1u);
  EXPECT_EQ(patients.at("pseudo"), 1u);
  EXPECT_EQ(patients.at("pseudo.cytokine"), 1u);
  EXPECT_EQ(patients.at("os.cytokine"), 0u) << "its only visit is after the landmark";
  sample.suspicion->pseudo.reset();
  patients = count();
  EXPECT_EQ(patients.at("mri"), 0u);
  EXPECT_EQ(patients.at("mri.missing"), 1u);
  EXPECT_EQ(patients.at("pseudo"), 0u);
}

TEST(PatientInput, BlocksCountTheirOwnPatients) {
  const NetworkShape shape = SmallShape();
  std::vector<PatientInput> inputs(3, InputAt(56.0));
  inputs[1].volumes.clear();
  inputs[1].statics[1] = {{0.0, 0.0}, {false, false}};
  inputs[2].heads[kMethyl].target = std::monostate{};
  auto patients = PatientsPerBlock(shape, inputs, false);
  EXPECT_EQ(patients.at("fusion"), 3u);
  EXPECT_EQ(patients.at("mri"), 2u);
  EXPECT_EQ(patients.at("mri.sequences"), 2u);
  EXPECT_EQ(patients.at("mri.missing"), 1u);
  EXPECT_EQ(patients.at("clinical.missing"), 0u);
  EXPECT_EQ(patients.at("mgmt"), 2u);
  EXPECT_EQ(patients.at("os.mgmt"), 2u);
  EXPECT_EQ(patients.at("methylation"), 2u);
  EXPECT_EQ(patients.at("methylation.clinical"), 2u);
  EXPECT_EQ(patients.size(), NetworkBlocks(shape).size());
  EXPECT_EQ(PatientsPerBlock(shape, inputs, true).at("clinical.missing"), 3u);
  for (PatientInput& input : inputs)
    for (auto& head : input.heads) head.target = std::monostate{};
  for (const auto& [block, count] : PatientsPerBlock(shape, inputs, true)) EXPECT_EQ(count, 0u) << block;
}

TEST(InputDropout, RepeatsWithItsSeedKeepsAModalityAndTheArm) {
  const NetworkShape shape = SmallShape();
  const PatientInput full = InputAt(56.0);
  SeededRandom random(1), again(1);
  std::size_t clinical = 0, visits = 0, kept_visits = 0;
  constexpr std::size_t kDraws = 2000;
  for (std::size_t i = 0; i < kDraws; ++i) {
    const PatientInput dropped = WithDropout(shape, full, {0.3, 0.2}, random);
    const PatientInput same = WithDropout(shape, full, {0.3, 0.2}, again);
    EXPECT_EQ(dropped.statics[0].measured, same.statics[0].measured);
    EXPECT_EQ(dropped.volumes.size(), same.volumes.size());
    EXPECT_TRUE(dropped.statics[2].present());
    clinical += dropped.statics[0].present() ? 0 : 1;
    if (!dropped.panels[0].empty()) {
      visits += 2;
      kept_visits += dropped.panels[0].size();
    }
  }
  EXPECT_NEAR(static_cast<double>(clinical) / kDraws, 0.3, 0.04);
  SeededRandom all(2);
  for (int i = 0; i < 50; ++i) {
    const PatientInput dropped = WithDropout(shape, full, {1.0, 0.0}, all);
    const std::size_t left = (dropped.statics[0].present() ? 1u : 0u) + (dropped.statics[1].present() ? 1u : 0u) +
                             (dropped.panels[0].empty() ? 0u : 1u) + (dropped.panels[1].empty() ? 0u : 1u) +
                             (dropped.volumes.empty() ? 0u : 1u);
    EXPECT_EQ(left, 1u);
  }
  EXPECT_LT(kept_visits, visits);
}

TEST(PatientInput, RefusesWhatIsNotFiniteOrNoLabel) {
  const NetworkShape shape = SmallShape();
  const InputMap map = SmallMap();
  const auto fails = [&](auto&& change, double landmark = 0.0) {
    Sample sample = FullPatient();
    change(sample);
    const auto input = InputOf(shape, map, sample, landmark);
    EXPECT_FALSE(input.ok());
    EXPECT_EQ(input.ok() ? ErrorCode::kInternal : input.error().code, ErrorCode::kInvalidInput);
  };
  fails([](Sample& s) { s.features[0] = INFINITY; });
  fails([](Sample& s) { s.features[3] = 0.5; });
  fails([](Sample& s) { s.features[4] = 100.5; });
  fails([](Sample& s) { s.panel_visits[0].values[0].value = NAN; });
  fails([](Sample& s) { s.panel_visits[0].values[0].analyte = 3; });
  fails([](Sample& s) { s.course->recurrence_day = 10.0; });
  fails([](Sample& s) { s.suspicion = Suspicion{0.0, true}; });
  fails([](Sample& s) { s.suspicion = Suspicion{NAN, true}; });
  fails([](Sample& s) { s.suspicion = Suspicion{INFINITY, true}; });
  fails([](Sample&) {}, -1.0);
  fails([](Sample&) {}, NAN);
  fails([](Sample&) {}, 10.0);  // the course wants whole steps
}

TEST(InputMap, RefusesALabelThatItsHeadSees) {
  const Cohort cohort = SmallCohort(1, 1);
  NetworkShape shape = SmallShape();
  EXPECT_TRUE(CheckInputMap(shape, SmallMap(), cohort).ok());
  shape.heads[kMethyl].hidden = {"methylome"};
  const Status seen = CheckInputMap(shape, SmallMap(), cohort);
  ASSERT_FALSE(seen.ok());
  EXPECT_THAT(seen.error().message, HasSubstr("head \"methylation\" sees its own label in \"mgmt\""));
}

TEST(InputMap, RefusesWhatDoesNotFitTheNetwork) {
  const Cohort cohort = SmallCohort(1, 1);
  const auto fails = [&](auto&& change) {
    InputMap map = SmallMap();
    change(map);
    EXPECT_FALSE(CheckInputMap(SmallShape(), map, cohort).ok());
  };
  fails([](InputMap& m) { m.statics.pop_back(); });
  fails([](InputMap& m) { m.statics[0].features.pop_back(); });
  fails([](InputMap& m) { m.statics[0].features[0] = 8; });
  fails([](InputMap& m) { m.statics[0].scaling.deviation[1] = 0.0; });
  fails([](InputMap& m) { m.statics[0].scaling.mean.push_back(0.0); });
  fails([](InputMap& m) { m.panels[1].index = 2; });
  fails([](InputMap& m) { m.panels[1].scaling.mean[0] = NAN; });
  fails([](InputMap& m) { m.heads[kOs].cuts_days.pop_back(); });
  fails([](InputMap& m) { m.heads[kOs].cuts_days[1] = 1.0; });
  fails([](InputMap& m) { m.heads[kCourse].cuts_days[1] = 141.0; });
  fails([](InputMap& m) { m.heads[kMethyl].label = 8; });
  fails([](InputMap& m) { m.heads[kPseudo].label = 3; });
  fails([](InputMap& m) { m.heads[kOs].suspicion = true; });
}

}  // namespace
}  // namespace fedtrial
