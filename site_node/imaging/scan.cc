#include "site_node/imaging/scan.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fedtrial::imaging {

namespace {

constexpr double kMaxSpacing = 10.0;  // mm
constexpr double kMinExtent = 100.0;  // mm, in plane
constexpr std::size_t kMinVoxels = 3;

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

}  // namespace

Status CheckSize(const Grid& grid, std::size_t max_voxels) {
  std::size_t left = max_voxels;
  for (const std::size_t n : grid.size) {
    if (n < kMinVoxels)
      return Refused(fmt::format("size {} x {} x {}: at least {} voxels along each axis are needed", grid.size[0],
                                 grid.size[1], grid.size[2], kMinVoxels));
    left /= n;
  }
  if (left == 0)
    return Refused(
        fmt::format("size {} x {} x {}: more than {} voxels", grid.size[0], grid.size[1], grid.size[2], max_voxels));
  return {};
}

Status CheckGrid(const Grid& grid, std::size_t max_voxels) {
  RETURN_IF_ERROR(CheckSize(grid, max_voxels));
  int long_axes = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    if (!(grid.spacing[k] > 0.0 && grid.spacing[k] <= kMaxSpacing))
      return Refused(
          fmt::format("spacing {:.4g} mm along axis {} is outside (0, {}]", grid.spacing[k], k, kMaxSpacing));
    if (static_cast<double>(grid.size[k]) * grid.spacing[k] >= kMinExtent) ++long_axes;
  }
  if (long_axes < 2)
    return Refused(fmt::format("extent {:.1f} x {:.1f} x {:.1f} mm: a head needs {} mm along two axes",
                               static_cast<double>(grid.size[0]) * grid.spacing[0],
                               static_cast<double>(grid.size[1]) * grid.spacing[1],
                               static_cast<double>(grid.size[2]) * grid.spacing[2], kMinExtent));
  return {};
}

Status CheckVoxels(const Scan& scan) {
  const auto bad = std::find_if(scan.voxels.begin(), scan.voxels.end(), [](float v) { return !std::isfinite(v); });
  if (bad != scan.voxels.end()) {
    const auto at = static_cast<std::size_t>(bad - scan.voxels.begin());
    const auto [nx, ny, nz] = scan.grid.size;
    return Refused(fmt::format("voxel ({}, {}, {}) is not finite", at % nx, at / nx % ny, at / nx / ny));
  }
  const auto [low, high] = std::minmax_element(scan.voxels.begin(), scan.voxels.end());
  if (*low == *high) return Refused("the image is the same everywhere");
  return {};
}

Scan Crop(const Scan& scan, const std::array<std::size_t, 3>& first, const std::array<std::size_t, 3>& size) {
  Scan out{SubGrid(scan.grid, first, size), {}};
  out.voxels.reserve(VoxelCount(out.grid));
  for (std::size_t z = 0; z < size[2]; ++z) {
    for (std::size_t y = 0; y < size[1]; ++y) {
      const auto row =
          scan.voxels.begin() + static_cast<std::ptrdiff_t>(Offset(scan.grid, first[0], first[1] + y, first[2] + z));
      out.voxels.insert(out.voxels.end(), row, row + static_cast<std::ptrdiff_t>(size[0]));
    }
  }
  return out;
}

}  // namespace fedtrial::imaging
