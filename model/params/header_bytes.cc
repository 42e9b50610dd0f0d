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

std::uint32_t ReadCount(ByteReader& reader) {
  const std::uint32_t count = reader.U32();
  if (count <= reader.left()) return count;
  reader.Raw(reader.left() + 1);  // there aren't so many: it fails
  return 0;
}

ModelHeader ReadHeader(ByteReader& reader) {
  ModelHeader header;
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) {
    TensorSpec tensor;
    tensor.name = reader.EncText();
    tensor.type = reader.U8() == 0 ? ScalarType::kFloat32 : ScalarType::kFloat64;
    for (std::uint32_t dimensions = ReadCount(reader); dimensions > 0; --dimensions)
      tensor.shape.push_back(reader.U64());
    header.tensors.push_back(std::move(tensor));
  }
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) {
    std::string key = reader.EncText();
    header.metadata[std::move(key)] = reader.EncText();
  }
  return header;
}

}  // namespace fedtrial
