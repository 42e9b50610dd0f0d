#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/tensor.h"

namespace fedtrial {

// What is said of a model without its values: enough for a Layout. Tensors sorted by name.
struct ModelHeader {
  std::vector<TensorSpec> tensors;
  std::map<std::string, std::string> metadata;

  const TensorSpec* Find(std::string_view name) const;
};

// The one thing handed from round to round: all that `predict` needs. What is computed, not trained (mean and deviation
// of each feature, cuts of the time grid) lies in the block "constants" of each replica.
struct Model {
  std::map<std::string, Tensor> tensors;        // by full name
  std::map<std::string, std::string> metadata;  // trial, plan, round, before, included: see proto/PROTOCOL.md

  ModelHeader Header() const;
  Result<const Tensor*> Find(std::string_view name) const;  // kIntegrity if absent: names the tensor
};

// Safetensors (huggingface/safetensors, format of version 0.4): u64 header size, JSON header, values little-endian.
// The writer is canonical, so equal models have equal bytes and one digest: keys sorted, no blanks but those that fill
// the header to a multiple of 8, float64 tensors before float32 (so that each is aligned), by name within a type, no
// gaps. kInvalidInput: a name or metadata that isn't text, a shape that disagrees with the values, a bound of
// ModelLimits.
Result<Bytes> EncodeModel(const Model& model);
// The same bytes in pieces, without a second copy of the values.
Status WriteModel(const Model& model, const std::function<Status(ByteView)>& sink);
// Size of the file that WriteModel makes.
Result<std::uint64_t> EncodedSize(const Model& model);

struct ModelLimits {
  std::uint64_t max_header_bytes = 16u << 20;
  std::uint64_t max_values = std::uint64_t{1} << 32;  // over all tensors
};
// Refuses, with the reason: a header over the bound or not JSON, unknown types, shapes whose product overflows or
// disagrees with the offsets, overlaps, gaps, bytes missing or left over. Nothing executable is ever read.
// Values that are not finite are kept as they are; the tasks refuse them.
Result<Model> DecodeModel(ByteView bytes, const ModelLimits& limits = {});
// From the first bytes of a file alone, the header's at least; `file_size` is the whole file's.
Result<ModelHeader> DecodeModelHeader(ByteView prefix, std::uint64_t file_size, const ModelLimits& limits = {});

}  // namespace fedtrial
