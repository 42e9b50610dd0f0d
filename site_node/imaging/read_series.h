#pragma once

#include "common/base/result.h"
#include "site_node/imaging/nifti.h"
#include "site_node/imaging/prepare.h"

namespace fedtrial::imaging {

// Reads a series of either format.
Result<SeriesRead> ReadSeries(const SeriesInput& series);

// SHA-256 of its input bytes, as SeriesRead and PreparedSeries have it, without reading it as an image.
Result<Digest> SeriesDigest(const SeriesInput& series);

}  // namespace fedtrial::imaging
