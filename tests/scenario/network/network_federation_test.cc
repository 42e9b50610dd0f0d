#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "federation_of_hospitals.h"
#include "model/params/network_shape.h"
#include "model/survival/recalibration.h"
#include "proto/plan/network.h"
#include "proto/plan/recalibrate.h"
#include "site_node/cohort/cohort.h"

namespace fedtrial {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;

std::vector<std::string> TensorsOf(const Manifest& manifest, const std::string& block) {
  std::vector<std::string> names;
  for (const TensorSpec& spec : manifest.tensors)
    if (spec.block() == block) names.push_back(spec.name);
  EXPECT_FALSE(names.empty()) << block;
  return names;
}

// The trial is run once for all tests that only look at it.
class NetworkFederation : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    trial_ = new FederationOfHospitals;
    trial_->Run();
  }
  static void TearDownTestSuite() {
    delete trial_;
    trial_ = nullptr;
  }
  static void ExpectMeanOf(const std::set<std::uint32_t>& sites, const std::string& block) {
    bool moved = false;
    for (const std::string& name : TensorsOf(trial_->manifest(), block)) {
      const std::vector<double> mean = trial_->WeightedMean(sites, name);
      for (std::size_t i = 0; i < mean.size(); ++i) {
        const double delta = trial_->after().tensors.at(name).at(i) - trial_->before().tensors.at(name).at(i);
        ASSERT_NEAR(delta, mean[i], 1e-6) << name << " " << i;
        moved = moved || std::abs(delta) > 1e-4;
      }
    }
    EXPECT_TRUE(moved) << block << " wasn't trained";
  }
  static FederationOfHospitals* trial_;
};
FederationOfHospitals* NetworkFederation::trial_ = nullptr;

TEST_F(NetworkFederation, AModalityOfThreeSitesGetsExactlyTheirWeightedMean) {
  ExpectMeanOf({1, 2, 3}, "cytokines");
  ExpectMeanOf({1, 2, 3, 4, 5}, "mgmt");
  ExpectMeanOf({1, 2, 3, 4, 5, 6}, "fusion");
  ExpectMeanOf({1, 2, 3, 4, 5, 6}, "survival");
  ExpectMeanOf({1, 2, 3, 4, 5, 6}, LinearBlock("survival", "clinical"));
}

TEST_F(NetworkFederation, AModalityOfTwoSitesStaysAtItsStartAndIsReported) {
  for (const std::string& name : TensorsOf(trial_->manifest(), "labs"))
    EXPECT_EQ(trial_->after().tensors.at(name).ToDoubles(), trial_->before().tensors.at(name).ToDoubles()) << name;
  EXPECT_THAT(json::parse(trial_->last("grid").result)["frozen"].get<std::vector<std::string>>(), ElementsAre("labs"));
  EXPECT_THAT(json::parse(trial_->last("train").result)["kept"].get<std::vector<std::string>>(),
              Contains(TensorsOf(trial_->manifest(), "labs").front()));
}

TEST_F(NetworkFederation, TheGridKeepsTheShareOfPatientsWhoHaveEachModality) {
  const auto modalities = trial_->plan().Modalities();
  const std::vector<double> shares = trial_->before().tensors.at(ModalitiesName()).ToDoubles();
  ASSERT_EQ(shares.size(), modalities.size());
  double all = 0.0;
  for (const auto& [site, answer] : trial_->answers()) all += static_cast<double>(trial_->cohort(site).samples.size());
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    double have = 0.0;
    for (const auto& [site, answer] : trial_->answers())
      have += static_cast<double>(std::ranges::count_if(trial_->cohort(site).samples, [&](const Sample& sample) {
        return site::Fills(trial_->plan(), *modalities[m], sample);
      }));
    EXPECT_DOUBLE_EQ(shares[m], modalities[m]->name == "labs" ? 0.0 : have / all) << modalities[m]->name;
  }
}

TEST_F(NetworkFederation, ASiteWithoutAModalitySendsExactZerosForItAndHasNoWeightInIt) {
  const std::map<std::string, std::vector<std::uint32_t>> lacking = {
      {"cytokines", {4, 5, 6}}, {"mgmt", {6}}, {"methylation", {6}}, {LinearBlock("survival", "mgmt"), {6}}};
  for (const auto& [block, sites] : lacking) {
    const std::size_t b = trial_->BlockIndex(block);
    for (const std::uint32_t site : sites) {
      const Contribution& answer = trial_->answers().at(site);
      EXPECT_FALSE(answer.blocks.at(b).contributes) << block;
      EXPECT_EQ(answer.blocks.at(b).weight, 0u) << block;
      for (std::size_t t = 0; t < answer.tensors.size(); ++t) {
        if (trial_->manifest().tensors[t].block() != block) continue;
        for (const double value : answer.tensors[t].ToDoubles()) ASSERT_EQ(value, 0.0) << block;
      }
    }
  }
}

TEST_F(NetworkFederation, EveryWeightCountsTheSitesOwnPatients) {
  const std::size_t survival = trial_->BlockIndex("survival"), cytokines = trial_->BlockIndex("cytokines");
  for (const auto& [site, answer] : trial_->answers()) {
    const auto patients = trial_->cohort(site).samples.size();
    EXPECT_EQ(answer.blocks.at(survival).weight, patients) << site;
    EXPECT_EQ(answer.blocks.at(cytokines).weight, site <= 3 ? (patients + 1) / 2 : 0u) << site;
  }
}

TEST_F(NetworkFederation, TheCentreOfLesionsIsTheMeanOfTheVolumesThatTrain) {
  for (const Replica& replica : Replicas(trial_->plan(), *trial_->plan().Fusion())) {
    std::vector<double> mean(3);
    double volumes = 0.0;
    for (std::uint32_t site = 1; site <= 4; ++site)
      for (const Sample& sample : trial_->cohort(site).samples) {
        ASSERT_EQ(sample.volumes.size(), 2u) << "as many of each, as sites count by their patients";
        if (!replica.TrainsOn(sample.folds, sample.holds_out)) continue;
        for (const VolumeId& id : sample.volumes) {
          const LesionFigures figures = FiguresOf(*VolumesInMemory().Load(id)).value();
          mean[0] += figures.size;
          mean[1] += figures.mean;
          mean[2] += figures.deviation;
          volumes += 1.0;
        }
      }
    ASSERT_GT(volumes, 10.0);
    const Tensor& centre = trial_->after().tensors.at(replica.prefix + "mri/" + kLesionCentre);
    const std::size_t place = 1 + 2 * static_cast<std::size_t>(MriSequence::kT1Contrast);  // after the size
    EXPECT_NEAR(centre.at(0), mean[0] / volumes, 1e-5) << replica.prefix;
    EXPECT_NEAR(centre.at(place), mean[1] / volumes, 1e-5) << replica.prefix;
    EXPECT_NEAR(centre.at(place + 1), mean[2] / volumes, 1e-5) << replica.prefix;
    EXPECT_EQ(centre.at(place + 2), 0.0) << "nobody has a T2";
  }
}

TEST_F(NetworkFederation, ARecalibrationFitsAllLandmarksBySumsOfAllSites) {
  const std::vector<double> landmarks = {0.0, 60.0};
  const auto& round = trial_->last("recalibrate");
  const auto found = std::ranges::find(round.manifest.tensors, "recalibration/sums", &TensorSpec::name);
  ASSERT_NE(found, round.manifest.tensors.end());
  const auto t = static_cast<std::size_t>(found - round.manifest.tensors.begin());
  const std::string name = RecalibrationName({}, "survival");
  const auto at = RecalibrationsFrom(round.before.tensors.at(name).ToDoubles(), landmarks.size());
  double of_slope = 0.0;
  for (std::size_t l = 0; l < landmarks.size(); ++l) {
    double events = 0.0, seen = 0.0, of_intercept = 0.0;
    for (const auto& [site, answer] : round.answers) {
      seen += answer.tensors.at(t).at(l * kRecalibrationSums + kEventSum);
      of_intercept += answer.tensors.at(t).at(l * kRecalibrationSums + kScoreSum);
      of_slope += answer.tensors.at(t).at(l * kRecalibrationSums + kScoreSum + 1);
      for (const Sample& sample : trial_->cohort(site).samples)
        events += sample.event && sample.time_days > landmarks[l] && sample.time_days <= landmarks[l] + 730.0;
    }
    EXPECT_EQ(seen, events) << landmarks[l];
    EXPECT_NEAR(of_intercept, 0.0, 1e-3) << "as many events as the hazards add up to, landmark " << landmarks[l];
    EXPECT_EQ(at[l].slope, at[0].slope);
    EXPECT_NE(at[l].slope, 1.0);
    EXPECT_EQ(at[l].centre.size(), 4u);
  }
  EXPECT_NEAR(of_slope, kTowardsOne * 2.0 * (at[0].slope - 1.0), 1e-3) << "the likelihood's slope is its penalty's";
  EXPECT_NE(at[0].intercept, at[1].intercept);
  const auto result = json::parse(round.result);
  ASSERT_EQ(result["intercepts"].size(), 2u);
  EXPECT_NEAR(result["slope"].get<double>(), at[0].slope, 1e-4) << "the last step found nothing more";
}

TEST_F(NetworkFederation, TheSameTrialGivesTheSameBits) {
  FederationOfHospitals again;
  again.Run();
  EXPECT_EQ(EncodeModel(again.last("recalibrate").after).value(),
            EncodeModel(trial_->last("recalibrate").after).value());
  FederationOfHospitals other(2);
  other.Run();
  EXPECT_NE(EncodeModel(other.after()).value(), EncodeModel(trial_->after()).value());
}

}  // namespace
}  // namespace fedtrial
