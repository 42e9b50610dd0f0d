#pragma once

#include <array>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "site_node/imaging/geometry.h"

namespace fedtrial::imaging {

// One volume in memory, as scanned or on the atlas' grid. A mask is a scan of 0 and 1.
struct Scan {
  Grid grid;
  std::vector<float> voxels;  // VoxelCount(grid); x fastest
};

inline std::size_t Offset(const Grid& grid, std::size_t x, std::size_t y, std::size_t z) {
  return (z * grid.size[1] + y) * grid.size[0] + x;
}

// Refuses fewer than 3 voxels along an axis and more than `max_voxels` (checked without overflow, so before anything is
// allocated).
Status CheckSize(const Grid& grid, std::size_t max_voxels);
// The same, and what can't be a head: spacing not in (0, 10] mm, less than 100 mm along two of the axes.
Status CheckGrid(const Grid& grid, std::size_t max_voxels);

// Refuses voxels that aren't finite (the first is named) and an image that is the same everywhere.
Status CheckVoxels(const Scan& scan);

// The box of voxels, its first and its size within the scan.
Scan Crop(const Scan& scan, const std::array<std::size_t, 3>& first, const std::array<std::size_t, 3>& size);

}  // namespace fedtrial::imaging
