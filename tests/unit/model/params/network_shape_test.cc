#include "model/params/network_shape.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "security/crypto/seeded_random.h"

namespace fedtrial {
namespace {

using ::testing::HasSubstr;

// Six static blocks of 69 features, four panels of 100 analytes, images and four heads: what MODEL.md counts.
NetworkShape ReferenceShape(NetworkSizes sizes, std::size_t bins) {
  NetworkShape shape;
  shape.sizes = std::move(sizes);
  shape.statics = {{"clinical", 20}, {"radiotherapy", 8}, {"genetics", 30}, {"pdl1", 5}, {"mgmt", 5}, {"arm", 1, true}};
  shape.panels = {{"cytokine", 40}, {"immune", 30}, {"exosome", 10}, {"labs", 20}};
  shape.mri = "mri";
  shape.heads = {{"survival", HeadKind::kIllnessDeath, bins, {}},
                 {"methylation", HeadKind::kMethylation, 0, {"mgmt"}},
                 {"pseudo", HeadKind::kBinary, 0, {}},
                 {"profile", HeadKind::kEmbedding, bins, {}}};
  return shape;
}

std::uint64_t CountParameters(const NetworkShape& shape) {
  const auto tensors = NetworkTensors(shape, ScalarType::kFloat32);
  std::uint64_t count = 0;
  if (tensors.ok())
    for (const NetworkTensor& tensor : *tensors) count += tensor.spec.elements();
  return count;
}

TEST(NetworkShape, PresetsHaveTheParameterCountsOfTheDesign) {
  const std::tuple<const char*, NetworkSizes, std::size_t, double> presets[] = {
      {"tiny", NetworkSizes::Tiny(), 16, 345'274},
      {"small", NetworkSizes::Small(), 16, 899'554},
      {"base", NetworkSizes::Base(), 20, 15'677'950}};
  for (const auto& [name, sizes, bins, wanted] : presets) {
    const auto count = static_cast<double>(CountParameters(ReferenceShape(sizes, bins)));
    std::printf("preset %s: %.0f parameters, the design has %.0f\n", name, count, wanted);
    EXPECT_NEAR(count / wanted, 1.0, 0.03) << name;
  }
}

TEST(NetworkShape, EveryTensorLiesInABlockAndHasAnOwnName) {
  const NetworkShape shape = ReferenceShape(NetworkSizes::Tiny(), 10);
  const auto tensors = NetworkTensors(shape, ScalarType::kFloat64);
  ASSERT_TRUE(tensors.ok());
  std::set<std::string> names, blocks;
  for (const NetworkTensor& tensor : *tensors) {
    EXPECT_TRUE(names.insert(tensor.spec.name).second) << tensor.spec.name;
    EXPECT_TRUE(CheckSpec(tensor.spec, 1u << 30).ok()) << tensor.spec.name;
    EXPECT_EQ(tensor.spec.type, ScalarType::kFloat64);
    blocks.emplace(tensor.spec.block());
  }
  const std::vector<std::string> listed = NetworkBlocks(shape);
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), blocks);
  EXPECT_EQ(listed.size(), blocks.size());  // the tensors of a block stand together
  for (const char* block : {"clinical", "clinical.missing", "cytokine", "mri", "mri.sequences", "mri.missing", "fusion",
                            "survival", "survival.arm", "methylation.arm"})
    EXPECT_TRUE(blocks.contains(block)) << block;
  EXPECT_FALSE(blocks.contains("methylation.mgmt"));  // hidden from it
  EXPECT_FALSE(blocks.contains("profile.arm"));
}

TEST(NetworkShape, SaysEveryProblemOfAShapeAtOnce) {
  NetworkShape shape = ReferenceShape(NetworkSizes::Tiny(), 10);
  shape.sizes.width = 66;
  shape.sizes.channels = {8, 12};
  shape.statics[0].name = "Clinical";
  shape.statics[1].features = 0;
  shape.panels[1].name = "mgmt";
  shape.panels[2].analytes = 0;
  shape.heads[0].bins = 0;
  shape.heads[1].hidden = {"nowhere"};
  const auto tensors = NetworkTensors(shape, ScalarType::kFloat32);
  ASSERT_FALSE(tensors.ok());
  EXPECT_EQ(tensors.error().code, ErrorCode::kInvalidInput);
  for (const char* part :
       {"66", "12 channels", "\"Clinical\"", "\"radiotherapy\" has no feature", "\"mgmt\" is there twice",
        "\"exosome\" has no analyte", "\"survival\" has 0 bins", "\"nowhere\""})
    EXPECT_THAT(tensors.error().message, HasSubstr(part));
  shape = ReferenceShape(NetworkSizes::Tiny(), 10);
  shape.heads.clear();
  EXPECT_FALSE(NetworkTensors(shape, ScalarType::kFloat32).ok());
}

TEST(StartTensors, FollowTheSeedAndTheListedDeviations) {
  const NetworkShape shape = ReferenceShape(NetworkSizes::Tiny(), 10);
  SeededRandom first(7), again(7), other(8);
  const auto tensors = StartTensors(shape, ScalarType::kFloat32, first);
  ASSERT_TRUE(tensors.ok());
  EXPECT_EQ(*tensors, *StartTensors(shape, ScalarType::kFloat32, again));
  EXPECT_NE(*tensors, *StartTensors(shape, ScalarType::kFloat32, other));
  const auto listed = NetworkTensors(shape, ScalarType::kFloat32);
  EXPECT_EQ(tensors->size(), listed->size());
  for (const NetworkTensor& wanted : *listed) {
    const Tensor& tensor = tensors->at(wanted.spec.name);
    ASSERT_EQ(tensor.shape, wanted.spec.shape) << wanted.spec.name;
    double squares = 0.0;
    for (const double value : tensor.ToDoubles()) {
      ASSERT_TRUE(wanted.deviation > 0.0 || value == static_cast<float>(wanted.constant)) << wanted.spec.name;
      ASSERT_LE(std::abs(value), std::max(2.0001 * wanted.deviation, std::abs(wanted.constant) + 1e-6));
      squares += value * value;
    }
    // A normal cut at two deviations has 0.774 of their square.
    const auto size = static_cast<double>(tensor.size());
    if (wanted.deviation > 0.0 && size >= 4096) {
      EXPECT_NEAR(squares / size / (wanted.deviation * wanted.deviation), 0.774, 0.06) << wanted.spec.name;
    }
  }
  for (const char* zero : {"survival/out.weight", "survival.clinical/beta", "mri/stage1.second.norm.weight"})
    for (const double value : tensors->at(zero).ToDoubles()) EXPECT_EQ(value, 0.0) << zero;
}

}  // namespace
}  // namespace fedtrial
