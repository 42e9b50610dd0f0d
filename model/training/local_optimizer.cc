#include "model/training/local_optimizer.h"

#include <torch/torch.h>

namespace fedtrial {
namespace {

class Sgd : public LocalMethod {
 public:
  void Step(const std::vector<torch::Tensor>& parameters, const std::vector<torch::Tensor>& gradients,
            double rate) override {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].add_(gradients[i], -rate);
  }
};

// Li et al. 2020: the gradient of mu / 2 |w - w_global|^2 is added.
class FedProx : public LocalMethod {
 public:
  FedProx(double proximal, const std::vector<torch::Tensor>& parameters) : proximal_(proximal) {
    for (const torch::Tensor& parameter : parameters) global_.push_back(parameter.detach().clone());
  }
  void Step(const std::vector<torch::Tensor>& parameters, const std::vector<torch::Tensor>& gradients,
            double rate) override {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const torch::Tensor pull = proximal_ * (parameters[i] - global_[i]);
      parameters[i].add_(gradients[i] + pull, -rate);
    }
  }

 private:
  double proximal_;
  std::vector<torch::Tensor> global_;
};

}  // namespace

double LocalRate(const LocalSettings& settings, unsigned round_in_step) {
  return settings.rate_half > 0.0 ? settings.rate / (1.0 + round_in_step / settings.rate_half) : settings.rate;
}

std::unique_ptr<LocalMethod> MakeLocalMethod(const LocalSettings& settings,
                                             const std::vector<torch::Tensor>& parameters) {
  switch (settings.optimizer) {
    case LocalOptimizer::kFedProx:
      return std::make_unique<FedProx>(settings.proximal, parameters);
    case LocalOptimizer::kSgd:
      break;
  }
  return std::make_unique<Sgd>();
}

}  // namespace fedtrial
