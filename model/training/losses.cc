#include "model/training/losses.h"

#include <torch/torch.h>

namespace fedtrial {

torch::Tensor HazardLosses(const torch::Tensor& logits, const torch::Tensor& at_risk, const torch::Tensor& event) {
  // log(1 + exp z) = -log sigmoid(-z): exact where torch's softplus turns to z.
  return (at_risk * (-torch::log_sigmoid(-logits) - event * logits)).sum(2);
}

}  // namespace fedtrial
