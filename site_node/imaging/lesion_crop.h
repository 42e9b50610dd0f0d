#pragma once

#include <optional>

#include "common/base/result.h"
#include "model/samples/volume.h"
#include "site_node/imaging/scan.h"
#include "site_node/imaging/settings.h"

namespace fedtrial::imaging {

// The centre of what is set, a point in space; none where nothing is.
std::optional<Vec3> CentreOfMask(const Scan& mask);

// The cube of settings.crop_mm around `centre` along the image's axes, its side in settings.voxels voxels (linear
// between the image's). What lies beyond the image is 0. `lesion` on the image's grid, or null.
Volume CubeAround(const Scan& image, const Scan* lesion, const Vec3& centre, const ImagingSettings& settings);

}  // namespace fedtrial::imaging
