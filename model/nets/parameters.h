#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "model/params/network_shape.h"

namespace fedtrial {

// A network's numbers by the names of NetworkTensors, without a replica's prefix. All of one type on one device.
using ParameterMap = std::map<std::string, at::Tensor>;

// Copies "<prefix><name>" out of a model for every tensor that is wanted. kIntegrity if one is absent, has another
// shape or holds a value that isn't finite: names it.
Result<ParameterMap> ParametersFrom(const std::vector<NetworkTensor>& wanted,
                                    const std::map<std::string, Tensor>& model, std::string_view prefix,
                                    c10::Device device);

// Back to our own tensor, of the type of `values`.
Tensor ToTensor(const at::Tensor& values);

// The tensors of one block, or of a part of it: Scope(map, "mri/stage0")[".first.weight"] is "mri/stage0.first.weight".
class Scope {
 public:
  Scope(const ParameterMap& map, std::string prefix) : map_(map), prefix_(std::move(prefix)) {}
  // A name that isn't there is our own fault: throws std::out_of_range, which GuardTorch catches.
  const at::Tensor& operator[](std::string_view name) const { return map_.at(prefix_ + std::string(name)); }
  Scope In(std::string_view part) const { return {map_, prefix_ + std::string(part)}; }

 private:
  const ParameterMap& map_;
  std::string prefix_;
};

}  // namespace fedtrial
