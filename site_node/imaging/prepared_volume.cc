#include "site_node/imaging/prepared_volume.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "site_node/imaging/nifti.h"

namespace fedtrial::imaging {

namespace {

constexpr Matrix3 kRas{{{-1, 0, 0}, {0, -1, 0}, {0, 0, 1}}};  // right, front, head in LPS
constexpr double kSameDirection = 1e-3, kSameExtent = 0.01;   // of cosines; of the extent

Status CheckCube(const Grid& grid, const ImagingSettings& settings) {
  const auto refused = [](std::string what) { return Error{ErrorCode::kInvalidInput, std::move(what)}; };
  for (std::size_t k = 0; k < 3; ++k) {
    if (grid.size[k] != settings.voxels)
      return refused(fmt::format("{} x {} x {} voxels, the plan wants {} a side", grid.size[0], grid.size[1],
                                 grid.size[2], settings.voxels));
    const double extent = grid.spacing[k] * static_cast<double>(grid.size[k]);
    if (std::abs(extent - settings.crop_mm) > kSameExtent * settings.crop_mm)
      return refused(fmt::format("{:.4g} mm along axis {}, the plan wants {} mm", extent, k, settings.crop_mm));
    for (std::size_t row = 0; row < 3; ++row)
      if (std::abs(grid.direction[row][k] - kRas[row][k]) > kSameDirection)
        return refused("its axes don't go to the right, the front and the head");
  }
  return {};
}

}  // namespace

Result<Volume> ReadPreparedVolume(const std::filesystem::path& file, const std::optional<std::filesystem::path>& lesion,
                                  const ImagingSettings& settings) {
  ASSIGN_OR_RETURN(SeriesRead read, ReadNifti(file, kCubeLimits));
  if (const Status fits = CheckCube(read.scan.grid, settings); !fits.ok())
    return fits.error().In(file.filename().string());
  Volume volume{.size = read.scan.grid.size, .image = std::move(read.scan.voxels), .lesion = {}};
  if (!lesion) return volume;
  ASSIGN_OR_RETURN(Scan mask, ReadNiftiMask(*lesion, kCubeLimits));
  if (const Status fits = CheckCube(mask.grid, settings); !fits.ok())
    return fits.error().In(lesion->filename().string());
  volume.lesion = std::move(mask.voxels);
  return volume;
}

}  // namespace fedtrial::imaging
