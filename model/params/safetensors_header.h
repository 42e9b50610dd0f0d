#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/model.h"

namespace fedtrial {

// The header of a safetensors file; of this room alone.
struct SafetensorsEntry {
  TensorSpec spec;
  std::uint64_t begin = 0, end = 0;  // of its bytes, from the end of the header
};
struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // by place in the file; they fill it without gap or overlap
  std::map<std::string, std::string> metadata;
  std::uint64_t data_start = 0;
};

// `prefix` is the file's beginning and holds the header at least; nothing is believed of it.
Result<SafetensorsHeader> ParseSafetensorsHeader(ByteView prefix, std::uint64_t file_size, const ModelLimits& limits);
// Size word and JSON, filled with blanks to a multiple of 8.
Result<Bytes> EncodeSafetensorsHeader(const ModelHeader& header);

}  // namespace fedtrial
