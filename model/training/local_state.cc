#include "model/training/local_state.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

namespace fedtrial {
namespace {

constexpr std::string_view kLabel = "fl/network-state/v1";

}  // namespace

Result<LocalState> LocalState::Make(std::vector<NetworkTensor> tensors, const std::map<std::string, Tensor>& model,
                                    std::string_view prefix, c10::Device device, const std::set<std::string>& trained) {
  LocalState state;
  ASSIGN_OR_RETURN(state.parameters_, ParametersFrom(tensors, model, prefix, device));
  for (NetworkTensor& tensor : tensors) {
    if (!trained.contains(std::string(tensor.spec.block()))) continue;
    at::Tensor& parameter = state.parameters_.at(tensor.spec.name);
    state.before_.emplace(tensor.spec.name, parameter.clone());
    parameter.requires_grad_(true);
    state.tensors_.push_back(std::move(tensor));
  }
  return state;
}

void LocalState::Step(const at::Tensor& loss, const std::set<std::string>& touched, const StepRates& rates,
                      const std::string& encoder, const std::map<std::string, LinearRule>& linear) {
  std::vector<const NetworkTensor*> moved;
  torch::autograd::variable_list inputs;
  for (const NetworkTensor& tensor : tensors_) {
    if (!touched.contains(std::string(tensor.spec.block()))) continue;
    moved.push_back(&tensor);
    inputs.push_back(parameters_.at(tensor.spec.name));
  }
  if (moved.empty() || !loss.requires_grad()) return;
  const auto gradients = torch::autograd::grad({loss}, inputs, {}, c10::nullopt, false, /*allow_unused=*/true);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < moved.size(); ++i) {
    if (!gradients[i].defined()) continue;
    const std::string& name = moved[i]->spec.name;
    const std::string block(moved[i]->spec.block());
    at::Tensor& parameter = parameters_.at(name);
    at::Tensor gradient = gradients[i];
    if (moved[i]->role == TensorRole::kLinear) {
      const LinearRule rule = linear.at(block);
      gradient = gradient * rule.factor;
      if (name.ends_with("/beta"))
        gradient.add_(parameter, rule.ridge).add_(parameter - parameter.mean(0, /*keepdim=*/true), rule.apart);
    }
    if (rates.proximal > 0.0) gradient = gradient + rates.proximal * (parameter - before_.at(name));
    if (moved[i]->role == TensorRole::kLinear) {
      parameter.add_(gradient, -rates.linear_rate);
    } else {
      const double decay = moved[i]->role == TensorRole::kWeight ? rates.decay : 0.0;
      adamw_.Step(name, parameter, gradient, block == encoder ? rates.encoder_rate : rates.rate, decay);
    }
  }
}

void LocalState::Put(const std::string& name, const at::Tensor& values) {
  const at::NoGradGuard no_grad;
  parameters_.at(name).copy_(values);
}

void LocalState::Describe(ByteWriter& writer) const {
  writer.U64(tensors_.size());
  for (const NetworkTensor& tensor : tensors_) writer.Enc(tensor.spec.name);
  for (const auto& [name, parameter] : parameters_) WriteValues(parameter, writer.Enc(name));
}

Bytes LocalState::Save(const Digest& task, std::uint64_t step) const {
  ByteWriter writer;
  writer.Label(kLabel).Raw(task).U64(step);
  for (const NetworkTensor& tensor : tensors_) WriteValues(parameters_.at(tensor.spec.name), writer);
  adamw_.Write(writer);
  return writer.Take();
}

Result<std::uint64_t> LocalState::Load(ByteView bytes, const Digest& task) {
  ByteReader reader(bytes);
  const ByteView label = reader.Raw(kLabel.size());
  if (AsText(label) != kLabel || reader.Array<32>() != task)
    return Error{ErrorCode::kInvalidInput, "training state: it is of another task"};
  const std::uint64_t step = reader.U64();
  for (const NetworkTensor& tensor : tensors_) RETURN_IF_ERROR(ReadValues(reader, parameters_.at(tensor.spec.name)));
  RETURN_IF_ERROR(adamw_.Read(reader, parameters_));
  RETURN_IF_ERROR(reader.Finish("training state"));
  return step;
}

Result<std::map<std::string, Tensor>> LocalState::Deltas(const std::map<std::string, std::size_t>& patients) const {
  std::map<std::string, Tensor> deltas;
  for (const NetworkTensor& tensor : tensors_) {
    const auto count = patients.find(std::string(tensor.spec.block()));
    if (count == patients.end() || count->second == 0) {
      deltas.emplace(tensor.spec.name, Tensor::Zeros(tensor.spec));
      continue;
    }
    const at::Tensor delta = parameters_.at(tensor.spec.name).detach() - before_.at(tensor.spec.name);
    if (!at::isfinite(delta).all().item<bool>())
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("training diverged: \"{}\" is not finite, the rate is too large", tensor.spec.name)};
    deltas.emplace(tensor.spec.name, ToTensor(delta));
  }
  return deltas;
}

}  // namespace fedtrial
