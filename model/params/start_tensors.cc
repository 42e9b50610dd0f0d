#include <cmath>
#include <numbers>

#include "model/params/network_shape.h"

namespace fedtrial {
namespace {

// Evenly in (0, 1].
double Uniform(Random& random) {
  std::uint8_t bytes[8];
  random.Fill(bytes);
  std::uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word |= std::uint64_t{bytes[i]} << (8 * i);
  return (static_cast<double>(word >> 11) + 1.0) * 0x1p-53;
}

// Standard normal within two deviations (Box and Muller 1958, the first of the pair).
double CutNormal(Random& random) {
  for (;;) {
    const double radius = std::sqrt(-2.0 * std::log(Uniform(random)));
    const double value = radius * std::cos(2.0 * std::numbers::pi * Uniform(random));
    if (std::abs(value) <= 2.0) return value;
  }
}

}  // namespace

Result<std::map<std::string, Tensor>> StartTensors(const NetworkShape& shape, ScalarType type, Random& random) {
  ASSIGN_OR_RETURN(const std::vector<NetworkTensor> wanted, NetworkTensors(shape, type));
  std::map<std::string, Tensor> tensors;
  for (const NetworkTensor& each : wanted) {
    Tensor tensor = Tensor::Zeros(each.spec);
    for (std::size_t i = 0; i < tensor.size(); ++i)
      tensor.set(i, each.deviation > 0.0 ? each.deviation * CutNormal(random) : each.constant);
    tensors.emplace(each.spec.name, std::move(tensor));
  }
  return tensors;
}

}  // namespace fedtrial
