#include "model/training/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_sigmoid.h>

namespace fedtrial {

at::Tensor HazardLosses(const at::Tensor& logits, const at::Tensor& at_risk, const at::Tensor& event) {
  // log(1 + exp z) = -log sigmoid(-z): exact where torch's softplus turns to z.
  return (at_risk * (-at::log_sigmoid(-logits) - event * logits)).sum(2);
}

}  // namespace fedtrial
