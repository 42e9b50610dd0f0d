#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "federation_of_hospitals.h"
#include "model/params/network_shape.h"
#include "proto/plan/network.h"

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
  EXPECT_THAT(json::parse(trial_->grid_result())["frozen"].get<std::vector<std::string>>(), ElementsAre("labs"));
  EXPECT_THAT(json::parse(trial_->train_result())["kept"].get<std::vector<std::string>>(),
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
      have += static_cast<double>(answer.blocks.at(trial_->BlockIndex(modalities[m]->name)).weight);
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

TEST_F(NetworkFederation, TheSameTrialGivesTheSameBits) {
  FederationOfHospitals again;
  again.Run();
  EXPECT_EQ(EncodeModel(again.after()).value(), EncodeModel(trial_->after()).value());
  FederationOfHospitals other(2);
  other.Run();
  EXPECT_NE(EncodeModel(other.after()).value(), EncodeModel(trial_->after()).value());
}

}  // namespace
}  // namespace fedtrial
