#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>

#include "proto/plan/layout.h"
#include "proto/plan/network.h"
#include "security/crypto/seeded_random.h"
#include "site_node/tasks/predict.h"
#include "site_node/tasks/task.h"
#include "tests/unit/proto/plan/sample_plan.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;

const std::string kPlan =
    SmallNetwork{
        .modalities = "[[block]]\nname = \"mri\"\nkind = \"mri\"\n",
        .network = "[imaging]\nvoxels = 32\n",
        .training = "rounds = 1\nstage = \"joint\"\nlocal = { optimizer = \"adamw\", epochs = 1, batch = 0 }\n"}
        .Toml();

// Volumes from memory, counted.
class CountingSource : public VolumeSource {
 public:
  Result<Volume> Load(const VolumeId& id) const override {
    ++loads[id.key];
    if (id.key == broken) return Error{ErrorCode::kIntegrity, "the volume was changed"};
    constexpr std::size_t kSide = 32;
    Volume volume{.size = {kSide, kSide, kSide}, .image = {}, .lesion = {}};
    for (std::size_t i = 0; i < kSide * kSide * kSide; ++i)
      volume.image.push_back(static_cast<float>((i + id.key.size() * 7) % 9) / 4.0F - 1.0F);
    return volume;
  }
  mutable std::map<std::string, int> loads;
  std::string broken;
};

class VolumesInTasks : public testing::Test {
 protected:
  VolumesInTasks() {
    cohort_.feature_names = {"age"};
    for (std::size_t i = 0; i < 4; ++i) {
      Sample sample;
      sample.key = "p" + std::to_string(i);
      sample.features = {50.0 + static_cast<double>(i)};
      sample.time_days = 90.0 + 40.0 * static_cast<double>(i);
      sample.event = i % 2 == 0;
      if (i < 2) sample.volumes = {{MriSequence::kT1Contrast, -2.0, "scan" + std::string(i + 1, 'x')}};
      cohort_.samples.push_back(std::move(sample));
    }
    const NetworkShape shape = NetworkOf(plan_, {}).value();
    SeededRandom random(std::uint64_t{1});
    model_.tensors = StartTensors(shape, plan_.precision, random).value();
    model_.tensors[MeanName({})] = Tensor::Of({51.0});
    model_.tensors[DeviationName({})] = Tensor::Of({2.0});
    model_.tensors[PatientsName({})] = Tensor::Of({40.0});
    model_.tensors[LabelsName({})] = Tensor::Of({40.0});
    model_.tensors[ModalitiesName()] = Tensor::Of({1.0, 1.0});
  }

  Result<std::map<std::string, std::uint64_t>> Weights() {
    const Task task = TaskAt(plan_, {.step = 2}, 3);
    ASSIGN_OR_RETURN(const Manifest manifest, Layout(plan_, task, model_.Header(), Digest{}));
    ASSIGN_OR_RETURN(const Contribution contribution, Answer(plan_, task, manifest, cohort_, model_, context_));
    std::map<std::string, std::uint64_t> weights;
    const auto names = manifest.Blocks();
    for (std::size_t b = 0; b < names.size(); ++b) weights[names[b]] = contribution.blocks[b].weight;
    return weights;
  }

  const Plan plan_ = ParsePlan(kPlan, "plan.toml").value();
  Cohort cohort_;
  Model model_;
  CountingSource source_;
  TaskContext context_;
};

TEST_F(VolumesInTasks, TrainingReadsThemAndTheirBlockWeighsThePatientsWhoHaveThem) {
  context_.volumes = &source_;
  const auto weights = Weights();
  ASSERT_TRUE(weights.ok()) << weights.error().message;
  EXPECT_EQ(weights->at("mri"), 2u);
  EXPECT_EQ(weights->at("clinical"), 4u);
  EXPECT_EQ(source_.loads.size(), 2u);
}

TEST_F(VolumesInTasks, WithoutASourcePatientsAreTakenAsWithoutImages) {
  const auto weights = Weights();
  ASSERT_TRUE(weights.ok()) << weights.error().message;
  EXPECT_EQ(weights->at("mri"), 0u);
  EXPECT_EQ(weights->at("clinical"), 4u);
}

TEST_F(VolumesInTasks, AVolumeThatDoesNotOpenIsTheReasonOfTheTask) {
  context_.volumes = &source_;
  source_.broken = "scanx";
  const auto weights = Weights();
  ASSERT_FALSE(weights.ok());
  EXPECT_EQ(weights.error().code, ErrorCode::kIntegrity);
  EXPECT_THAT(weights.error().message, HasSubstr("the volume was changed"));
}

TEST_F(VolumesInTasks, APredictionReadsEachOnce) {
  const auto json = Predict(plan_, model_, Digest{}, cohort_, "", &source_);
  ASSERT_TRUE(json.ok()) << json.error().message;
  EXPECT_THAT(source_.loads, testing::ElementsAre(testing::Pair("scanx", 1), testing::Pair("scanxx", 1)));
  EXPECT_EQ(nlohmann::json::parse(*json)["patients"].size(), 4u);
  EXPECT_TRUE(Predict(plan_, model_, Digest{}, cohort_, "p0").ok());
}

}  // namespace
}  // namespace fedtrial::site
