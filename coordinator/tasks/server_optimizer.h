#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "model/params/tensor.h"
#include "proto/plan/plan.h"

namespace fedtrial::coordinator {

// How the server moves the weights w from the sites' weighted mean change d of one round; the seam for server
// optimisers. Element by element:
//   fedavg   w += rate d
//   fedavgm  m = momentum m + d;  w += rate m                                          (Hsu 2019)
//   fedadam  m = momentum m + (1 - momentum) d;  v = beta2 v + (1 - beta2) d^2          (Reddi 2021, algorithm 2)
//   fedyogi  as fedadam, but v = v - (1 - beta2) d^2 sign(v - d^2)
//            both: w += rate m / (sqrt(v) + tau)
// From m = 0 and v = tau^2. Moments are kept in the tensor's own type.
class UpdateRule {
 public:
  struct Moment {
    std::string_view name;  // of a tensor in ServerState: "<name>/<tensor>"
    double start = 0.0;
  };
  virtual ~UpdateRule() = default;
  virtual std::vector<Moment> moments() const = 0;
  // Turns d into the step that is added to w; moments[k] are the same elements of the k-th moment, and are updated.
  virtual void Step(std::span<double> d, std::span<const std::span<double>> moments) const = 0;
};
std::unique_ptr<UpdateRule> MakeUpdateRule(const ServerSettings& settings);

}  // namespace fedtrial::coordinator
