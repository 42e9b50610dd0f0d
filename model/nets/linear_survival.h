#pragma once

#include <ATen/core/Tensor.h>

namespace fedtrial {

// Discrete-time proportional hazards, R replicas side by side: the logit of the hazard of patient i in bin k is
// intercept[r][k] + x[r][i] . beta[r]. No replica sees another's numbers. Starts at zero, with gradients.
struct LinearSurvival {
  LinearSurvival(int64_t replicas, int64_t features, int64_t bins, const at::TensorOptions& options);
  // x [R, n, features], scaled, without NaN. Gives logits [R, n, bins].
  at::Tensor Logits(const at::Tensor& x) const;

  at::Tensor beta;       // [R, features]
  at::Tensor intercept;  // [R, bins]
};

}  // namespace fedtrial
