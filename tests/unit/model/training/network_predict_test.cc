#include "model/training/network_predict.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "tests/unit/model/training/small_trial.h"

namespace fedtrial {
namespace {

constexpr double kLandmark = 56.0;

// A stirred network: every tensor, zero at the start of training or not, has a say in every answer.
class NetworkPredict : public ::testing::Test {
 protected:
  std::vector<std::vector<HeadAnswer>> Answers(std::span<const PatientInput> inputs,
                                               ScalarType type = ScalarType::kFloat32) {
    const auto predictor = NetworkPredictor::Make(shape_, type, SmallModel(shape_, type, 3, true), "");
    EXPECT_TRUE(predictor.ok()) << (predictor.ok() ? "" : predictor.error().message);
    if (!predictor.ok()) return {};
    const auto answers = predictor->Answers(inputs, {&volumes_, &tokens_});
    EXPECT_TRUE(answers.ok()) << (answers.ok() ? "" : answers.error().message);
    if (type == ScalarType::kFloat64) tokens_.clear();
    return answers.ok() ? *answers : std::vector<std::vector<HeadAnswer>>{};
  }
  std::vector<std::vector<HeadAnswer>> AnswersAt(const Cohort& cohort, double landmark_day) {
    return Answers(InputsOf(shape_, map_, cohort, landmark_day));
  }

  NetworkShape shape_ = SmallShape();
  InputMap map_ = SmallMap();
  RuleVolumes volumes_;
  VolumeTokens tokens_;
};

bool Same(const HeadAnswer& a, const HeadAnswer& b) {
  return a.logits == b.logits && a.embedding == b.embedding && a.clock == b.clock;
}

void ExpectNear(const HeadAnswer& a, const HeadAnswer& b, double tolerance) {
  ASSERT_EQ(a.logits.size(), b.logits.size());
  for (std::size_t k = 0; k < a.logits.size(); ++k) EXPECT_NEAR(a.logits[k], b.logits[k], tolerance);
  for (std::size_t k = 0; k < a.embedding.size(); ++k) EXPECT_NEAR(a.embedding[k], b.embedding[k], tolerance);
}

TEST_F(NetworkPredict, AnythingDatedAfterTheLandmarkChangesNoBit) {
  const Cohort cohort = SmallCohort(12, 1);
  const auto before = AnswersAt(cohort, kLandmark);
  Cohort changed = cohort;
  for (Sample& sample : changed.samples) {
    for (PanelVisit& visit : sample.panel_visits) {
      if (visit.day <= kLandmark) continue;
      visit.day += 17.0;
      for (PanelValue& value : visit.values) value.value = 1e6 - value.value;
    }
    sample.panel_visits.push_back({0, 300.0, {{1, -5.0, true}}});
    for (const double day : {57.0, 113.0}) sample.volumes.push_back({MriSequence::kT2, day, "later"});
    if (sample.course && sample.course->last_day > kLandmark && !sample.course->recurrence_day)
      sample.course->last_day += 100.0;
  }
  const auto after = AnswersAt(changed, kLandmark);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i)
    for (std::size_t h = 0; h < before[i].size(); ++h) EXPECT_TRUE(Same(before[i][h], after[i][h])) << i << " " << h;
  EXPECT_FALSE(tokens_.contains("later"));  // not even loaded
}

TEST_F(NetworkPredict, WhatIsDatedBeforeTheLandmarkMatters) {
  const Cohort cohort = SmallCohort(12, 1);
  const auto early = AnswersAt(cohort, 0.0), late = AnswersAt(cohort, kLandmark);
  EXPECT_FALSE(Same(early[1][kOs], late[1][kOs]));
}

TEST_F(NetworkPredict, TheMethylationHeadIsUnchangedByAnythingDerivedFromMethylation) {
  const Cohort cohort = SmallCohort(12, 2);
  const auto before = AnswersAt(cohort, kLandmark);
  const double missing = std::numeric_limits<double>::quiet_NaN();
  std::vector<Cohort> changes(3, cohort);
  for (std::size_t i = 0; i < cohort.samples.size(); ++i) {
    changes[0].samples[i].features[3] = 1.0;
    changes[0].samples[i].features[4] = 90.0;
    changes[1].samples[i].features[3] = changes[1].samples[i].features[4] = missing;
    std::erase_if(changes[1].samples[i].panel_visits, [](const PanelVisit& visit) { return visit.panel == 1; });
    for (PanelVisit& visit : changes[2].samples[i].panel_visits)
      if (visit.panel == 1) visit.values = {{0, 42.0, true}, {1, -42.0, false}};
    for (const double day : {-20.0, 0.0, 1.0, 2.0})
      changes[2].samples[i].panel_visits.push_back({1, day + 30.0, {{1, day, false}}});
  }
  for (const Cohort& changed : changes) {
    const auto after = AnswersAt(changed, kLandmark);
    std::size_t others = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_TRUE(Same(before[i][kMethyl], after[i][kMethyl])) << i;
      others += Same(before[i][kOs], after[i][kOs]) ? 0 : 1;
    }
    EXPECT_GE(others, 5u);  // it does matter to those who may see it
  }
}

TEST_F(NetworkPredict, PseudoProgressionIsUnchangedByWhatComesAfterTheSuspiciousScan) {
  Cohort cohort = SmallCohort(12, 3);
  for (Sample& sample : cohort.samples) sample.suspicion = Suspicion{20.0, std::nullopt};
  const auto before = AnswersAt(cohort, 112.0);
  for (Sample& sample : cohort.samples) {
    for (PanelVisit& visit : sample.panel_visits)
      if (visit.day > 20.0) visit.values = {{0, 9.0, false}};
    std::erase_if(sample.volumes, [](const VolumeId& volume) { return volume.day > 20.0; });
  }
  const auto after = AnswersAt(cohort, 112.0);
  std::size_t others = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(Same(before[i][kPseudo], after[i][kPseudo])) << i;
    others += Same(before[i][kOs], after[i][kOs]) ? 0 : 1;
  }
  EXPECT_GE(others, 5u);
}

TEST_F(NetworkPredict, PseudoProgressionReadsPastTheLandmarkUpToItsScanAndNoOtherHeadDoes) {
  Cohort cohort = SmallCohort(12, 3);
  const auto without = AnswersAt(cohort, 0.0);
  for (Sample& sample : cohort.samples) sample.suspicion = Suspicion{54.0, std::nullopt};
  const auto before = AnswersAt(cohort, 0.0);
  Cohort later = cohort, between = cohort;
  for (Sample& sample : later.samples) {
    for (PanelVisit& visit : sample.panel_visits)
      if (visit.day > 54.0) visit.values = {{0, 9.0, true}};
    for (const double day : {55.0, 112.0}) sample.volumes.push_back({MriSequence::kFlair, day, "later"});
    sample.time_days += 300.0;
    sample.suspicion->pseudo = true;  // what it turned out to be is no input
  }
  for (Sample& sample : between.samples) {
    for (PanelVisit& visit : sample.panel_visits)
      if (visit.day == 49.0) visit.values = {{0, 9.0, true}};
    std::erase_if(sample.volumes, [](const VolumeId& volume) { return volume.day == 53.0; });
  }
  const auto after_later = AnswersAt(later, 0.0), after_between = AnswersAt(between, 0.0);
  EXPECT_FALSE(tokens_.contains("later"));
  std::size_t moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i)
    for (std::size_t h = 0; h < before[i].size(); ++h) {
      EXPECT_TRUE(Same(before[i][h], after_later[i][h])) << i << " " << h;
      if (h == kPseudo) {
        moved += Same(before[i][h], after_between[i][h]) ? 0 : 1;
        continue;
      }
      EXPECT_TRUE(Same(before[i][h], after_between[i][h])) << i << " " << h;
      EXPECT_TRUE(Same(before[i][h], without[i][h])) << i << " " << h;
    }
  EXPECT_GE(moved, 5u);
}

TEST_F(NetworkPredict, OneHeadAloneSaysWhatItSaysAmongAll) {
  const auto inputs = InputsOf(shape_, map_, SmallCohort(9, 4), 112.0);
  const auto all = Answers(inputs);
  const auto predictor =
      NetworkPredictor::Make(shape_, ScalarType::kFloat32, SmallModel(shape_, ScalarType::kFloat32, 3, true), "");
  ASSERT_TRUE(predictor.ok()) << predictor.error().message;
  for (std::size_t only = 0; only < shape_.heads.size(); ++only) {
    const auto alone = predictor->Answers(inputs, {&volumes_, &tokens_}, only);
    ASSERT_TRUE(alone.ok()) << alone.error().message;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      for (std::size_t h = 0; h < shape_.heads.size(); ++h)
        EXPECT_TRUE(Same((*alone)[i][h], h == only ? all[i][h] : HeadAnswer{})) << i << " " << h;
  }
}

TEST_F(NetworkPredict, NeighboursAndTheirPaddingChangeNothingBeyondRounding) {
  const auto inputs = InputsOf(shape_, map_, SmallCohort(9, 4), 112.0);
  const auto together = Answers(inputs, ScalarType::kFloat64);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto alone = Answers(std::span(&inputs[i], 1), ScalarType::kFloat64);
    for (std::size_t h = 0; h < together[i].size(); ++h) ExpectNear(together[i][h], alone[0][h], 1e-11);
  }
}

TEST_F(NetworkPredict, APatientWithoutAnyModalityStillGetsAnAnswer) {
  Cohort cohort = SmallCohort(2, 5);
  for (Sample& sample : cohort.samples) {
    sample.features.assign(sample.features.size(), std::numeric_limits<double>::quiet_NaN());
    sample.panel_visits.clear();
    sample.volumes.clear();
    sample.suspicion.reset();
  }
  const auto answers = AnswersAt(cohort, 0.0);
  for (const HeadAnswer& answer : answers[0])
    for (const double logit : answer.logits) EXPECT_TRUE(std::isfinite(logit));
  for (std::size_t h = 0; h < answers[0].size(); ++h) ExpectNear(answers[0][h], answers[1][h], 1e-4);
}

TEST_F(NetworkPredict, EveryPatientsProgressionFreeSurvivalIsAtMostHisOverallSurvival) {
  for (const auto& answers : AnswersAt(SmallCohort(30, 6), kLandmark)) {
    const auto curves = CurvesOf(answers[kCourse], map_.heads[kCourse].cuts_days, kLandmark);
    ASSERT_TRUE(curves.ok());
    ASSERT_EQ(curves->overall.size(), 15u);
    for (std::size_t k = 0; k < 15; ++k) EXPECT_LE(curves->progression_free[k], curves->overall[k]);
    const std::vector<double> survival = SurvivalOf(answers[kOs]);
    for (std::size_t k = 1; k < survival.size(); ++k) EXPECT_LE(survival[k], survival[k - 1]);
    double length = 0.0;
    for (const double value : answers[kProfile].embedding) length += value * value;
    EXPECT_NEAR(length, 1.0, 1e-5);
  }
}

TEST_F(NetworkPredict, AVolumesTokenIsMadeOnceAndKept) {
  const Cohort cohort = SmallCohort(8, 7);
  const auto first = AnswersAt(cohort, kLandmark);
  const std::size_t loaded = volumes_.loaded;
  EXPECT_GT(loaded, 0u);
  const auto second = AnswersAt(cohort, kLandmark);
  EXPECT_EQ(volumes_.loaded, loaded);
  EXPECT_TRUE(Same(first[0][kOs], second[0][kOs]));
}

TEST_F(NetworkPredict, RefusesAModelThatIsNotOfTheShapeAndImagesWithoutASource) {
  auto model = SmallModel(shape_, ScalarType::kFloat32, 3, false);
  const auto predictor = NetworkPredictor::Make(shape_, ScalarType::kFloat32, model, "");
  ASSERT_TRUE(predictor.ok());
  const auto inputs = InputsOf(shape_, map_, SmallCohort(6, 7), kLandmark);
  EXPECT_EQ(predictor->Answers(inputs, {}).error().code, ErrorCode::kInvalidInput);
  EXPECT_FALSE(NetworkPredictor::Make(shape_, ScalarType::kFloat64, model, "").ok());
  EXPECT_FALSE(NetworkPredictor::Make(shape_, ScalarType::kFloat32, model, "r01k1/").ok());
  model.at("fusion/norm.bias").set(0, std::nan(""));
  const auto broken = NetworkPredictor::Make(shape_, ScalarType::kFloat32, model, "");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, ErrorCode::kIntegrity);
  EXPECT_NE(broken.error().message.find("fusion/norm.bias"), std::string::npos);
  EXPECT_FALSE(NetworkPredictor::Make(shape_, ScalarType::kFloat32, model, "", 1, "cuda:99").ok());
}

TEST_F(NetworkPredict, RefusesVolumesOfAnotherSize) {
  class Wrong : public VolumeSource {
   public:
    explicit Wrong(Volume volume) : volume_(std::move(volume)) {}
    Result<Volume> Load(const VolumeId&) const override { return volume_; }

   private:
    Volume volume_;
  };
  const auto predictor =
      NetworkPredictor::Make(shape_, ScalarType::kFloat32, SmallModel(shape_, ScalarType::kFloat32, 3, false), "");
  ASSERT_TRUE(predictor.ok());
  const auto inputs = InputsOf(shape_, map_, SmallCohort(6, 7), kLandmark);
  for (const Volume& volume : std::vector<Volume>{{{15, 16, 16}, std::vector<float>(15 * 256), {}},
                                                  {{16, 16, 16}, std::vector<float>(100), {}},
                                                  {{16, 16, 16}, std::vector<float>(4096), std::vector<float>(5)},
                                                  {{0, 16, 16}, {}, {}}}) {
    const Wrong source(volume);
    const auto answers = predictor->Answers(inputs, {&source, nullptr});
    ASSERT_FALSE(answers.ok());
    EXPECT_EQ(answers.error().code, ErrorCode::kInvalidInput) << answers.error().message;
  }
}

}  // namespace
}  // namespace fedtrial
