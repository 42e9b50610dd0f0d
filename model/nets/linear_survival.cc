#include "model/nets/linear_survival.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/zeros.h>

namespace fedtrial {

LinearSurvival::LinearSurvival(int64_t replicas, int64_t features, int64_t bins, const at::TensorOptions& options)
    : beta(at::zeros({replicas, features}, options).set_requires_grad(true)),
      intercept(at::zeros({replicas, bins}, options).set_requires_grad(true)) {}

at::Tensor LinearSurvival::Logits(const at::Tensor& x) const {
  const at::Tensor linear_predictor = at::bmm(x, beta.unsqueeze(2));  // [R, n, 1]
  return linear_predictor + intercept.unsqueeze(1);
}

}  // namespace fedtrial
