#include "model/training/adamw.h"

#include <ATen/ATen.h>
#include <cmath>
#include <cstring>

namespace fedtrial {

void AdamW::Step(const std::string& name, at::Tensor& parameter, const at::Tensor& gradient, double rate,
                 double decay) {
  const at::NoGradGuard no_grad;
  Moments& moments = moments_[name];
  if (!moments.first.defined()) {
    moments.first = at::zeros_like(gradient);
    moments.second = at::zeros_like(gradient);
  }
  ++moments.steps;
  moments.first.mul_(kBeta1).add_(gradient, 1.0 - kBeta1);
  moments.second.mul_(kBeta2).addcmul_(gradient, gradient, 1.0 - kBeta2);
  const double correction1 = 1.0 - std::pow(kBeta1, static_cast<double>(moments.steps));
  const double correction2 = 1.0 - std::pow(kBeta2, static_cast<double>(moments.steps));
  const at::Tensor scale = moments.second.sqrt().div_(std::sqrt(correction2)).add_(kEpsilon);
  if (decay > 0.0) parameter.mul_(1.0 - rate * decay);
  parameter.addcdiv_(moments.first, scale, -rate / correction1);
}

void AdamW::Write(ByteWriter& writer) const {
  writer.U64(moments_.size());
  for (const auto& [name, moments] : moments_) {
    writer.Enc(name).U64(moments.steps);
    WriteValues(moments.first, writer);
    WriteValues(moments.second, writer);
  }
}

Status AdamW::Read(ByteReader& reader, const std::map<std::string, at::Tensor>& parameters) {
  moments_.clear();
  const std::uint64_t count = reader.U64();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string name = reader.EncText();
    const auto parameter = parameters.find(name);
    if (parameter == parameters.end())
      return Error{ErrorCode::kInvalidInput, "training state: it is of another network"};
    Moments& moments = moments_[name];
    moments.steps = reader.U64();
    const at::NoGradGuard no_grad;
    moments.first = at::zeros_like(parameter->second).detach();
    moments.second = at::zeros_like(parameter->second).detach();
    RETURN_IF_ERROR(ReadValues(reader, moments.first));
    RETURN_IF_ERROR(ReadValues(reader, moments.second));
  }
  return {};
}

void WriteValues(const at::Tensor& tensor, ByteWriter& writer) {
  const at::Tensor plain = tensor.detach().to(at::kCPU).contiguous();
  writer.Enc(ByteView(static_cast<const std::uint8_t*>(plain.data_ptr()), plain.nbytes()));
}

Status ReadValues(ByteReader& reader, at::Tensor& tensor) {
  const ByteView bytes = reader.Enc();
  if (bytes.size() != tensor.nbytes())
    return Error{ErrorCode::kInvalidInput, "training state: a tensor has another size"};
  const at::NoGradGuard no_grad;
  at::Tensor plain = at::empty(tensor.sizes(), tensor.options().device(at::kCPU));
  std::memcpy(plain.data_ptr(), bytes.data(), bytes.size());
  tensor.copy_(plain);
  return {};
}

}  // namespace fedtrial
