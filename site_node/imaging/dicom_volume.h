#pragma once

#include <filesystem>
#include <vector>

#include "common/base/result.h"
#include "site_node/imaging/nifti.h"

namespace fedtrial::imaging {

// Reads the slices of one series, in any order, into a volume: rescaled, MONOCHROME1 turned over. Nothing of a header
// goes along but the place in space. kInvalidInput: what StackSlices and CheckGrid refuse, pixels that can't be
// decoded (an unknown transfer syntax; the file is named), strokes in the frame that look like writing. The digest of
// the result is left to the caller.
Result<SeriesRead> ReadDicomVolume(const std::vector<std::filesystem::path>& files);

// Whether the outer 15 % of the frame hold bright thin strokes that are the same on nearly all slices: text.
bool LooksWrittenOn(const Scan& scan);

}  // namespace fedtrial::imaging
