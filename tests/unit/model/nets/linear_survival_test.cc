#include "model/nets/linear_survival.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "model/nets/device.h"
#include "model/nets/torch_guard.h"

namespace fedtrial {
namespace {

TEST(LinearSurvival, LogitIsInterceptPlusLinearPredictorInEachReplica) {
  LinearSurvival net(2, 2, 3, at::kDouble);
  const at::NoGradGuard no_grad;
  net.beta.copy_(at::tensor({1.0, 2.0, -1.0, 0.5}, at::kDouble).view({2, 2}));
  net.intercept.copy_(at::tensor({0.1, 0.2, 0.3, 10.0, 20.0, 30.0}, at::kDouble).view({2, 3}));
  const at::Tensor x = at::tensor({3.0, -1.0, 4.0, 2.0}, at::kDouble).view({2, 1, 2});
  const at::Tensor logits = net.Logits(x);
  ASSERT_EQ(logits.sizes(), (std::vector<int64_t>{2, 1, 3}));
  EXPECT_DOUBLE_EQ(logits[0][0][2].item<double>(), 1.3);
  EXPECT_DOUBLE_EQ(logits[1][0][1].item<double>(), 17.0);
}

TEST(LinearSurvival, StartsAtZeroWithGradients) {
  LinearSurvival net(1, 4, 2, at::kFloat);
  EXPECT_EQ(net.beta.abs().sum().item<float>(), 0.0f);
  EXPECT_EQ(net.intercept.sizes(), (std::vector<int64_t>{1, 2}));
  EXPECT_TRUE(net.beta.requires_grad() && net.intercept.requires_grad());
}

TEST(Device, FindsTheProcessor) {
  const auto device = FindDevice("cpu");
  ASSERT_TRUE(device.ok());
  EXPECT_TRUE(device->is_cpu());
}

TEST(Device, SaysWhichDeviceIsNotThere) {
  const auto device = FindDevice("cuda:99");
  ASSERT_FALSE(device.ok());
  EXPECT_EQ(device.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(device.error().message.find("device cuda:99 isn't there"), std::string::npos) << device.error().message;
}

TEST(Device, RefusesOtherNames) {
  for (const char* name : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:300", "CPU"}) {
    const auto device = FindDevice(name);
    ASSERT_FALSE(device.ok()) << name;
    EXPECT_EQ(device.error().code, ErrorCode::kInvalidInput) << name;
  }
}

TEST(TorchGuard, TurnsAnErrorOfLibTorchIntoOneSentence) {
  const auto result = GuardTorch("shapes", []() -> Result<double> {
    return at::mm(at::ones({2, 3}), at::ones({2, 3})).sum().item<double>();
  });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kInternal);
  EXPECT_EQ(result.error().message.find("shapes: "), 0u);
  EXPECT_EQ(result.error().message.find('\n'), std::string::npos);
}

TEST(TorchGuard, TurnsOtherExceptionsIntoErrorsToo) {
  EXPECT_EQ(GuardTorch("w", []() -> Status { throw std::bad_alloc(); }).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(GuardTorch("w", []() -> Status { throw std::runtime_error("x\ny"); }).error().message, "w: x");
}

}  // namespace
}  // namespace fedtrial
