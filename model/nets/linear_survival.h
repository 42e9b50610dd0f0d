#pragma once

#include <torch/torch.h>

namespace fedtrial {

// Discrete-time proportional hazards, R replicas side by side: the logit of the hazard of patient i in bin k is
// intercept[r][k] + x[r][i] . beta[r]. No replica sees another's numbers. Starts at zero.
struct LinearSurvivalImpl : torch::nn::Module {
  LinearSurvivalImpl(int64_t replicas, int64_t features, int64_t bins, const torch::TensorOptions& options);
  // x [R, n, features], scaled, without NaN. Gives logits [R, n, bins].
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor beta;       // [R, features]
  torch::Tensor intercept;  // [R, bins]
};
TORCH_MODULE(LinearSurvival);

}  // namespace fedtrial
