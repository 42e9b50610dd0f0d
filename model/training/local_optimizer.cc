#include "model/training/local_optimizer.h"

#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

namespace fedtrial {
namespace {

class Sgd : public LocalMethod {
 public:
  void Step(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients, double rate) override {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].add_(gradients[i], -rate);
  }
};

// Li et al. 2020: the gradient of mu / 2 |w - w_global|^2 is added.
class FedProx : public LocalMethod {
 public:
  FedProx(double proximal, const std::vector<at::Tensor>& parameters) : proximal_(proximal) {
    for (const at::Tensor& parameter : parameters) global_.push_back(parameter.detach().clone());
  }
  void Step(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients, double rate) override {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const at::Tensor pull = proximal_ * (parameters[i] - global_[i]);
      parameters[i].add_(gradients[i] + pull, -rate);
    }
  }

 private:
  double proximal_;
  std::vector<at::Tensor> global_;
};

}  // namespace

double LocalRate(const LocalSettings& settings, unsigned round_in_step) {
  return settings.rate_half > 0.0 ? settings.rate / (1.0 + round_in_step / settings.rate_half) : settings.rate;
}

std::unique_ptr<LocalMethod> MakeLocalMethod(const LocalSettings& settings, const std::vector<at::Tensor>& parameters) {
  switch (settings.optimizer) {
    case LocalOptimizer::kFedProx:
      return std::make_unique<FedProx>(settings.proximal, parameters);
    case LocalOptimizer::kSgd:
      break;
  }
  return std::make_unique<Sgd>();
}

}  // namespace fedtrial
