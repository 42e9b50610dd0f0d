#pragma once

#include "common/base/bytes.h"
#include "coordinator/core/effects.h"

namespace fedtrial::coordinator {

// An input as a journal keeps it.
Bytes EncodeInput(const Input& input);
Result<Input> DecodeInput(ByteView bytes);

void WriteRound(ByteWriter& writer, const RoundId& round);
RoundId ReadRound(ByteReader& reader);
void WriteSites(ByteWriter& writer, const std::vector<SiteId>& sites);
std::vector<SiteId> ReadSites(ByteReader& reader);
void WriteRecord(ByteWriter& writer, const RoundRecord& record);
RoundRecord ReadRecord(ByteReader& reader);

}  // namespace fedtrial::coordinator
