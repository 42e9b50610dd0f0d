#include "model/params/tensor.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial {
namespace {

constexpr std::size_t kMaxDimensions = 8;
constexpr std::size_t kMaxNameBytes = 512;

}  // namespace

std::string_view ToString(ScalarType type) { return type == ScalarType::kFloat32 ? "float32" : "float64"; }

std::size_t SizeOf(ScalarType type) { return type == ScalarType::kFloat32 ? sizeof(float) : sizeof(double); }

std::string_view TensorSpec::block() const {
  std::size_t end = name.rfind('/');
  if (end == std::string::npos) end = name.rfind('.');
  return std::string_view(name).substr(0, end == std::string::npos ? 0 : end);
}

std::uint64_t TensorSpec::elements() const {
  std::uint64_t product = 1;
  for (const std::uint64_t size : shape) product *= size;
  return product;
}

Result<std::uint64_t> CheckedElements(const std::vector<std::uint64_t>& shape, std::uint64_t max_values) {
  if (shape.size() > kMaxDimensions)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("shape has {} dimensions, at most {} are read", shape.size(), kMaxDimensions)};
  if (std::find(shape.begin(), shape.end(), 0u) != shape.end()) return std::uint64_t{0};
  std::uint64_t product = 1;
  for (const std::uint64_t size : shape) {
    if (size > max_values / product)
      return Error{ErrorCode::kInvalidInput, fmt::format("shape has more than {} elements", max_values)};
    product *= size;
  }
  return product;
}

Status CheckSpec(const TensorSpec& spec, std::uint64_t max_values) {
  if (spec.name.empty() || spec.name.size() > kMaxNameBytes)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("a tensor's name has {} bytes, wanted 1 to {}", spec.name.size(), kMaxNameBytes)};
  if (!std::all_of(spec.name.begin(), spec.name.end(), [](char c) { return c >= 0x20 && c < 0x7f; }))
    return Error{ErrorCode::kInvalidInput, "a tensor's name holds something else than printable ASCII"};
  if (const auto elements = CheckedElements(spec.shape, max_values); !elements.ok())
    return elements.error().In(fmt::format("tensor \"{}\"", spec.name));
  return {};
}

std::string ShapeText(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const std::uint64_t size : shape) {
    if (text.size() > 1) text += ',';
    text += std::to_string(size);
  }
  return text + "]";
}

Tensor Tensor::Zeros(const TensorSpec& spec) {
  Tensor tensor;
  tensor.shape = spec.shape;
  const auto size = static_cast<std::size_t>(spec.elements());
  if (spec.type == ScalarType::kFloat32)
    tensor.values = std::vector<float>(size);
  else
    tensor.values = std::vector<double>(size);
  return tensor;
}

Tensor Tensor::Of(std::vector<double> values) {
  Tensor tensor;
  tensor.shape = {values.size()};
  tensor.values = std::move(values);
  return tensor;
}

Tensor Tensor::OfType(ScalarType type, std::vector<std::uint64_t> shape, const std::vector<double>& values) {
  Tensor tensor;
  tensor.shape = std::move(shape);
  if (type == ScalarType::kFloat64) {
    tensor.values = values;
    return tensor;
  }
  std::vector<float> rounded(values.size());
  std::transform(values.begin(), values.end(), rounded.begin(), [](double v) { return static_cast<float>(v); });
  tensor.values = std::move(rounded);
  return tensor;
}

std::size_t Tensor::size() const {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

double Tensor::at(std::size_t index) const {
  return std::visit([index](const auto& v) { return static_cast<double>(v[index]); }, values);
}

void Tensor::set(std::size_t index, double value) {
  std::visit([index, value](auto& v) { v[index] = static_cast<std::decay_t<decltype(v[index])>>(value); }, values);
}

std::vector<double> Tensor::ToDoubles() const {
  return std::visit([](const auto& v) { return std::vector<double>(v.begin(), v.end()); }, values);
}

}  // namespace fedtrial
