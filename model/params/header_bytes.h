#pragma once

#include "common/base/bytes.h"
#include "model/params/model.h"

namespace fedtrial {

// A ModelHeader inside a journal record.
void WriteHeader(ByteWriter& writer, const ModelHeader& header);
// A failure sticks to the reader; sizes are checked against what is there.
ModelHeader ReadHeader(ByteReader& reader);

}  // namespace fedtrial
