#include "model/nets/parameters.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fedtrial {
namespace {

at::Tensor Copied(const Tensor& tensor, c10::Device device) {
  const std::vector<int64_t> shape(tensor.shape.begin(), tensor.shape.end());
  return std::visit(
      [&](const auto& values) {
        using Value = typename std::decay_t<decltype(values)>::value_type;
        const auto type = std::is_same_v<Value, float> ? at::kFloat : at::kDouble;
        at::Tensor copy = at::empty(shape, at::TensorOptions().dtype(type));
        std::copy(values.begin(), values.end(), copy.data_ptr<Value>());
        return copy.to(device);
      },
      tensor.values);
}

bool IsFinite(const Tensor& tensor) {
  return std::visit(
      [](const auto& values) { return std::ranges::all_of(values, [](auto v) { return std::isfinite(v); }); },
      tensor.values);
}

}  // namespace

Result<ParameterMap> ParametersFrom(const std::vector<NetworkTensor>& wanted,
                                    const std::map<std::string, Tensor>& model, std::string_view prefix,
                                    c10::Device device) {
  ParameterMap parameters;
  for (const NetworkTensor& each : wanted) {
    const std::string name = std::string(prefix) + each.spec.name;
    const auto found = model.find(name);
    if (found == model.end())
      return Error{ErrorCode::kIntegrity, fmt::format("network: the model has no tensor \"{}\"", name)};
    if (found->second.shape != each.spec.shape || found->second.type() != each.spec.type)
      return Error{ErrorCode::kIntegrity,
                   fmt::format("network: tensor \"{}\" is {} {}, wanted {} {}", name, ToString(found->second.type()),
                               ShapeText(found->second.shape), ToString(each.spec.type), ShapeText(each.spec.shape))};
    if (!IsFinite(found->second))
      return Error{ErrorCode::kIntegrity, fmt::format("network: tensor \"{}\" has a value that isn't finite", name)};
    parameters.emplace(each.spec.name, Copied(found->second, device));
  }
  return parameters;
}

Tensor ToTensor(const at::Tensor& values) {
  const at::Tensor plain = values.detach().to(at::kCPU).contiguous();
  Tensor tensor;
  tensor.shape.assign(plain.sizes().begin(), plain.sizes().end());
  const auto copy = [&]<typename Value>(Value) {
    const Value* first = plain.data_ptr<Value>();
    tensor.values = std::vector<Value>(first, first + plain.numel());
  };
  if (plain.scalar_type() == at::kFloat)
    copy(float{});
  else
    copy(double{});
  return tensor;
}

}  // namespace fedtrial
