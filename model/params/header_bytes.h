#pragma once

#include <cstdint>

#include "common/base/bytes.h"
#include "model/params/model.h"

namespace fedtrial {

// A ModelHeader inside a journal record.
void WriteHeader(ByteWriter& writer, const ModelHeader& header);
// A failure sticks to the reader.
ModelHeader ReadHeader(ByteReader& reader);

// A u32 number of entries that take a byte or more each: fails and gives 0 if there are fewer bytes.
std::uint32_t ReadCount(ByteReader& reader);

}  // namespace fedtrial
