#pragma once

#include "common/base/bytes.h"
#include "site_node/core/effects.h"

namespace fedtrial::site {

// An input as a journal keeps it.
Bytes EncodeInput(const Input& input);
Result<Input> DecodeInput(ByteView bytes);

void WriteCohort(ByteWriter& writer, const CohortSummary& cohort);
CohortSummary ReadCohort(ByteReader& reader);
void WriteRound(ByteWriter& writer, const RoundId& round);
RoundId ReadRound(ByteReader& reader);

}  // namespace fedtrial::site
