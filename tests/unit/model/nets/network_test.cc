#include "model/nets/network.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

#include "security/crypto/seeded_random.h"

namespace fedtrial {
namespace {

const at::TensorOptions kDouble = at::TensorOptions().dtype(at::kDouble);

TEST(TimeFeatures, AreSinesAndCosinesOfPeriodsAndASignedLogarithm) {
  const at::Tensor features = TimeFeatures(at::tensor({0.0, -13.0, 0.25}, kDouble).unsqueeze(0))[0];
  ASSERT_EQ(features.sizes(), (std::vector<int64_t>{3, 33}));
  for (int64_t j = 0; j < 16; ++j) {
    const double period = std::pow(156.0, static_cast<double>(j) / 15.0);
    EXPECT_NEAR(features[1][j].item<double>(), std::sin(-2.0 * std::numbers::pi * 13.0 / period), 1e-12);
    EXPECT_NEAR(features[2][16 + j].item<double>(), std::cos(0.5 * std::numbers::pi / period), 1e-12);
    EXPECT_EQ(features[0][j].item<double>(), 0.0);
  }
  EXPECT_NEAR(features[1][32].item<double>(), -std::log(14.0), 1e-12);
}

// Four tokens and three heads: token 1 is hidden from head 0, token 2 from heads 0 and 1, token 3 isn't there.
TEST(AttentionMask, LetsATokenReadOnlyWhatAllItsReadersMaySee) {
  const at::Tensor valid = at::tensor({1, 1, 1, 0}, at::kLong).to(at::kBool).unsqueeze(0);
  const at::Tensor visible =
      at::tensor({1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0}, kDouble).view({1, 4, 3});
  const at::Tensor mask = AttentionMask(valid, visible)[0];
  ASSERT_EQ(mask.sizes(), (std::vector<int64_t>{7, 7}));
  const auto may = [&](int64_t reader, int64_t read) { return mask[reader][read].item<bool>(); };
  EXPECT_TRUE(may(1, 0) && may(2, 0) && may(2, 1));
  EXPECT_FALSE(may(0, 1) || may(0, 2) || may(1, 2));
  for (int64_t i = 0; i < 7; ++i) {
    EXPECT_TRUE(may(i, i));
    EXPECT_EQ(may(i, 3), i == 3) << i;
    for (int64_t query = 4; query < 7; ++query) EXPECT_EQ(may(i, query), i == query) << i << " " << query;
  }
  EXPECT_TRUE(may(4, 0) && may(5, 0) && may(6, 0));
  EXPECT_FALSE(may(4, 1) || may(4, 2) || may(5, 2));
  EXPECT_TRUE(may(5, 1) && may(6, 1) && may(6, 2));
  // Who reads through another reads nothing that he may not read himself.
  for (int64_t i = 0; i < 7; ++i)
    for (int64_t j = 0; j < 7; ++j)
      for (int64_t k = 0; k < 7; ++k) EXPECT_TRUE(may(i, k) || !may(i, j) || !may(j, k)) << i << j << k;
}

TEST(Dropout, RepeatsWithItsGeneratorAndKeepsTheMean) {
  const at::Tensor x = at::ones({200, 50}, kDouble);
  const Dropout first{0.2, at::make_generator<at::CPUGeneratorImpl>(7)};
  const Dropout again{0.2, at::make_generator<at::CPUGeneratorImpl>(7)};
  const at::Tensor dropped = Dropped(x, &first);
  EXPECT_TRUE(at::equal(dropped, Dropped(x, &again)));
  EXPECT_FALSE(at::equal(dropped, Dropped(x, &first)));
  EXPECT_NEAR(dropped.mean().item<double>(), 1.0, 0.03);
  EXPECT_TRUE(at::equal(Dropped(x, nullptr), x));
}

class VolumeEncoder : public ::testing::Test {
 protected:
  VolumeEncoder() {
    shape_.sizes = NetworkSizes::Tiny();
    shape_.mri = "mri";
    shape_.pretrains = true;
    shape_.heads = {{"pseudo", HeadKind::kBinary, 0, {}}};
    SeededRandom random(1);
    const auto start = StartTensors(shape_, ScalarType::kFloat32, random);
    const auto tensors = NetworkTensors(shape_, ScalarType::kFloat32);
    EXPECT_TRUE(start.ok() && tensors.ok());
    if (start.ok() && tensors.ok()) parameters_ = *ParametersFrom(*tensors, *start, "", at::kCPU);
  }
  NetworkShape shape_;
  ParameterMap parameters_;
};

TEST_F(VolumeEncoder, GivesATokenAVolumeOfAnySize) {
  const Network network(shape_, parameters_);
  for (const int64_t side : {16, 32, 64}) {
    const at::Tensor token = network.EncodeVolumes(at::randn({2, 1, side, side, side}), {});
    EXPECT_EQ(token.sizes(), (std::vector<int64_t>{2, 64}));
    EXPECT_TRUE(at::isfinite(token).all().item<bool>());
    EXPECT_GT(token.abs().mean().item<float>(), 1e-3);
  }
}

TEST_F(VolumeEncoder, KnowsNothingOfTheOtherVolumesOfABatch) {
  const Network network(shape_, parameters_);
  const at::Tensor volumes = at::randn({3, 1, 32, 32, 32});
  const at::Tensor together = network.EncodeVolumes(volumes, {});
  const at::Tensor alone = network.EncodeVolumes(volumes.narrow(0, 1, 1), {});
  EXPECT_LT((together[1] - alone[0]).abs().max().item<float>(), 1e-4);
}

TEST_F(VolumeEncoder, TheDecoderRebuildsEightVoxelsAPlaceInTheirOrder) {
  const Network network(shape_, parameters_);
  const at::Tensor rebuilt = network.DecodeVolumes(at::randn({2, 1, 32, 64, 32}), {});
  EXPECT_EQ(rebuilt.sizes(), (std::vector<int64_t>{2, 1, 16, 32, 16}));
  // Bias alone: voxel (a, b, c) of every place gets entry 64 a + 8 b + c.
  parameters_.at("mri.decoder/out.weight").zero_();
  parameters_.at("mri.decoder/out.bias").copy_(at::arange(512));
  const at::Tensor voxels = network.DecodeVolumes(at::randn({1, 1, 32, 32, 32}), {})[0][0];
  for (const auto& [z, y, x] : {std::tuple<int64_t, int64_t, int64_t>{0, 0, 0}, {3, 9, 7}, {15, 8, 2}})
    EXPECT_EQ(voxels[z][y][x].item<float>(), static_cast<float>(64 * (z % 8) + 8 * (y % 8) + x % 8));
}

}  // namespace
}  // namespace fedtrial
