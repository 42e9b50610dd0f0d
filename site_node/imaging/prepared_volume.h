#pragma once

#include <filesystem>
#include <optional>

#include "common/base/result.h"
#include "model/samples/volume.h"
#include "site_node/imaging/settings.h"

namespace fedtrial::imaging {

// Reads a cube that was prepared elsewhere: NIfTI of settings.voxels a side over settings.crop_mm, axes to the right,
// front and head, z-scores inside the brain and 0 outside; `lesion` a mask on the same grid. kInvalidInput begins with
// the file's name: another size, extent or orientation than the plan wants, voxels that aren't finite.
Result<Volume> ReadPreparedVolume(const std::filesystem::path& file, const std::optional<std::filesystem::path>& lesion,
                                  const ImagingSettings& settings);

}  // namespace fedtrial::imaging
