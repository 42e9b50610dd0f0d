#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.h"

namespace fedtrial {

enum class ScalarType { kFloat32, kFloat64 };

std::string_view ToString(ScalarType type);  // "float32", "float64": the words of plan and manifest
std::size_t SizeOf(ScalarType type);         // bytes

// One named array of a model or of a contribution. `name` is "<block>/<tensor>", so a block is a prefix:
// "risk/beta" lies in the block "risk", its replica "r03k2/risk/beta" in "r03k2/risk".
struct TensorSpec {
  std::string name;
  std::vector<std::uint64_t> shape;  // empty: one number
  ScalarType type = ScalarType::kFloat64;

  // All before the last '/'; of a name without one (PyTorch's "risk.weight") all before the last '.'.
  std::string_view block() const;
  std::uint64_t elements() const;  // product of the shape; specs from outside pass CheckSpec first
  bool operator==(const TensorSpec&) const = default;
};

// Elements of a shape from outside. kInvalidInput with more than 8 dimensions, or more elements than `max_values`.
Result<std::uint64_t> CheckedElements(const std::vector<std::uint64_t>& shape, std::uint64_t max_values);
// As CheckedElements; also refuses a name that is empty, longer than 512 bytes or holds anything but printable ASCII.
Status CheckSpec(const TensorSpec& spec, std::uint64_t max_values);

std::string ShapeText(const std::vector<std::uint64_t>& shape);  // "[2,3]"

// Row-major values of one TensorSpec.
struct Tensor {
  std::vector<std::uint64_t> shape;
  std::variant<std::vector<float>, std::vector<double>> values;

  static Tensor Zeros(const TensorSpec& spec);
  static Tensor Of(std::vector<double> values);  // one dimension, float64
  static Tensor OfType(ScalarType type, std::vector<std::uint64_t> shape, const std::vector<double>& values);
  ScalarType type() const { return values.index() == 0 ? ScalarType::kFloat32 : ScalarType::kFloat64; }
  std::size_t size() const;
  double at(std::size_t index) const;         // of the row-major values, in double
  void set(std::size_t index, double value);  // rounded to the tensor's type
  std::vector<double> ToDoubles() const;
  bool operator==(const Tensor&) const = default;
};

}  // namespace fedtrial
