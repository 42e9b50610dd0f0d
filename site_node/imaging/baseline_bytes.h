#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "site_node/imaging/prepare.h"

namespace fedtrial::imaging {

// A baseline to be kept from a patient's first visit to the later ones: "base1", grid, transform, lesion's centre,
// quality, then head (float32) and brain (a byte) of every voxel; little-endian. About 36 MB.
Bytes EncodeBaseline(const Baseline& baseline);
Result<Baseline> DecodeBaseline(ByteView bytes);  // kIntegrity

}  // namespace fedtrial::imaging
