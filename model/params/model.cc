#include "model/params/model.h"

#include <algorithm>
#include <fmt/format.h>

#include "model/params/safetensors_header.h"

namespace fedtrial {
namespace {

ByteView ValueBytes(const Tensor& tensor) {
  return std::visit(
      [](const auto& values) {
        return ByteView(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(values[0]));
      },
      tensor.values);
}

void FillValues(Tensor& tensor, ByteView bytes) {
  std::visit(
      [bytes](auto& values) { std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(values.data())); },
      tensor.values);
}

Result<Bytes> EncodeHeader(const Model& model) {
  const ModelHeader header = model.Header();
  for (const auto& [name, tensor] : model.tensors) {
    ASSIGN_OR_RETURN(const std::uint64_t elements, CheckedElements(tensor.shape, ModelLimits{}.max_values));
    if (elements != tensor.size())
      return Error{ErrorCode::kInvalidInput, fmt::format("tensor \"{}\": its shape has {} elements, it holds {} values",
                                                         name, elements, tensor.size())};
  }
  return EncodeSafetensorsHeader(header);
}

}  // namespace

const TensorSpec* ModelHeader::Find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors.begin(), tensors.end(), name,
                       [](const TensorSpec& spec, std::string_view wanted) { return spec.name < wanted; });
  return found != tensors.end() && found->name == name ? &*found : nullptr;
}

ModelHeader Model::Header() const {
  ModelHeader header;
  header.metadata = metadata;
  header.tensors.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) header.tensors.push_back({name, tensor.shape, tensor.type()});
  return header;
}

Result<const Tensor*> Model::Find(std::string_view name) const {
  const auto found = tensors.find(std::string(name));
  if (found == tensors.end()) return Error{ErrorCode::kIntegrity, fmt::format("the model has no tensor \"{}\"", name)};
  return &found->second;
}

Status WriteModel(const Model& model, const std::function<Status(ByteView)>& sink) {
  ASSIGN_OR_RETURN(const Bytes header, EncodeHeader(model));
  RETURN_IF_ERROR(sink(header));
  for (const ScalarType type : {ScalarType::kFloat64, ScalarType::kFloat32}) {
    for (const auto& [name, tensor] : model.tensors) {
      if (tensor.type() == type && tensor.size() > 0) RETURN_IF_ERROR(sink(ValueBytes(tensor)));
    }
  }
  return {};
}

Result<std::uint64_t> EncodedSize(const Model& model) {
  ASSIGN_OR_RETURN(const Bytes header, EncodeHeader(model));
  std::uint64_t size = header.size();
  for (const auto& [name, tensor] : model.tensors) size += ValueBytes(tensor).size();
  return size;
}

Result<Bytes> EncodeModel(const Model& model) {
  ASSIGN_OR_RETURN(const std::uint64_t size, EncodedSize(model));
  Bytes out;
  out.reserve(size);
  RETURN_IF_ERROR(WriteModel(model, [&out](ByteView bytes) -> Status {
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  }));
  return out;
}

Result<Model> DecodeModel(ByteView bytes, const ModelLimits& limits) {
  ASSIGN_OR_RETURN(SafetensorsHeader parsed, ParseSafetensorsHeader(bytes, bytes.size(), limits));
  Model model;
  model.metadata = std::move(parsed.metadata);
  for (const SafetensorsEntry& entry : parsed.entries) {
    Tensor tensor = Tensor::Zeros(entry.spec);
    FillValues(tensor, bytes.subspan(parsed.data_start + entry.begin, entry.end - entry.begin));
    model.tensors.emplace(entry.spec.name, std::move(tensor));
  }
  return model;
}

Result<ModelHeader> DecodeModelHeader(ByteView prefix, std::uint64_t file_size, const ModelLimits& limits) {
  ASSIGN_OR_RETURN(SafetensorsHeader parsed, ParseSafetensorsHeader(prefix, file_size, limits));
  ModelHeader header;
  header.metadata = std::move(parsed.metadata);
  for (SafetensorsEntry& entry : parsed.entries) header.tensors.push_back(std::move(entry.spec));
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorSpec& a, const TensorSpec& b) { return a.name < b.name; });
  return header;
}

}  // namespace fedtrial
