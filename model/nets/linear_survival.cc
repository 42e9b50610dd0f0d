#include "model/nets/linear_survival.h"

namespace fedtrial {

LinearSurvivalImpl::LinearSurvivalImpl(int64_t replicas, int64_t features, int64_t bins,
                                       const torch::TensorOptions& options)
    : beta(register_parameter("beta", torch::zeros({replicas, features}, options))),
      intercept(register_parameter("intercept", torch::zeros({replicas, bins}, options))) {}

torch::Tensor LinearSurvivalImpl::forward(const torch::Tensor& x) {
  const torch::Tensor linear_predictor = torch::bmm(x, beta.unsqueeze(2));  // [R, n, 1]
  return linear_predictor + intercept.unsqueeze(1);
}

}  // namespace fedtrial
