#pragma once

#include <ATen/core/Tensor.h>
#include <map>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace fedtrial {

// AdamW (Loshchilov and Hutter 2019), each tensor with a count of its own steps: one that a batch doesn't touch isn't
// moved by its momentum.
class AdamW {
 public:
  static constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

  // In place; decay is of the weight itself, times the rate.
  void Step(const std::string& name, at::Tensor& parameter, const at::Tensor& gradient, double rate, double decay);

  void Write(ByteWriter& writer) const;
  // What Write wrote, for parameters of these shapes; kInvalidInput if it doesn't fit.
  Status Read(ByteReader& reader, const std::map<std::string, at::Tensor>& parameters);

 private:
  struct Moments {
    at::Tensor first, second;  // as the parameter
    std::uint64_t steps = 0;
  };
  std::map<std::string, Moments> moments_;
};

// The values of a tensor as bytes, and back into a tensor of the same shape and type.
void WriteValues(const at::Tensor& tensor, ByteWriter& writer);
Status ReadValues(ByteReader& reader, at::Tensor& tensor);

}  // namespace fedtrial
