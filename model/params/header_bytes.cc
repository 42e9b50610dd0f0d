#include "model/params/header_bytes.h"

#include <utility>

namespace fedtrial {

void WriteHeader(ByteWriter& writer, const ModelHeader& header) {
  writer.U32(static_cast<std::uint32_t>(header.tensors.size()));
  for (const TensorSpec& tensor : header.tensors) {
    writer.Enc(tensor.name).U8(tensor.type == ScalarType::kFloat32 ? 0 : 1);
    writer.U32(static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::uint64_t size : tensor.shape) writer.U64(size);
  }
  writer.U32(static_cast<std::uint32_t>(header.metadata.size()));
  for (const auto& [key, value] : header.metadata) writer.Enc(key).Enc(value);
}

ModelHeader ReadHeader(ByteReader& reader) {
  ModelHeader header;
  // Every entry takes bytes, so a count too large ends with the bytes.
  for (std::uint32_t count = reader.U32(); count > 0 && reader.left() > 0; --count) {
    TensorSpec tensor;
    tensor.name = reader.EncText();
    tensor.type = reader.U8() == 0 ? ScalarType::kFloat32 : ScalarType::kFloat64;
    for (std::uint32_t dimensions = reader.U32(); dimensions > 0 && reader.left() > 0; --dimensions)
      tensor.shape.push_back(reader.U64());
    header.tensors.push_back(std::move(tensor));
  }
  for (std::uint32_t count = reader.U32(); count > 0 && reader.left() > 0; --count) {
    std::string key = reader.EncText();
    header.metadata[std::move(key)] = reader.EncText();
  }
  return header;
}

}  // namespace fedtrial
