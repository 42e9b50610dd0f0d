#pragma once

#include <ATen/core/Tensor.h>
#include <memory>
#include <vector>

#include "proto/plan/plan.h"

namespace fedtrial {

// rate / (1 + round_in_step / half); half 0: constant.
double LocalRate(const LocalSettings& settings, unsigned round_in_step);

// What a site does with a gradient. A new local variant is one class and one row of MakeLocalMethod.
class LocalMethod {
 public:
  virtual ~LocalMethod() = default;
  // One step, in place. Gradients in the order of the parameters; no graph is recorded.
  virtual void Step(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients,
                    double rate) = 0;
};

// `parameters` are at the global model: FedProx keeps a copy to pull towards.
std::unique_ptr<LocalMethod> MakeLocalMethod(const LocalSettings& settings, const std::vector<at::Tensor>& parameters);

}  // namespace fedtrial
