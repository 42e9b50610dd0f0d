#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// The voxel nearest to a place given in voxels, none outside of the grid.
inline std::optional<std::size_t> NearestVoxel(const Grid& grid, const Vec3& index) {
  std::array<std::size_t, 3> at{};
  for (std::size_t k = 0; k < 3; ++k) {
    const double nearest = std::floor(index[k] + 0.5);
    if (!(nearest >= 0.0 && nearest < static_cast<double>(grid.size[k]))) return std::nullopt;
    at[k] = static_cast<std::size_t>(nearest);
  }
  return Offset(grid, at[0], at[1], at[2]);
}

// Linear between the eight voxels around a place given in voxels; a place outside takes the nearest rim.
// Values are interleaved, Components a voxel.
template <std::size_t Components>
std::array<double, Components> LinearAt(const Grid& grid, std::span<const float> values, const Vec3& index) {
  std::array<std::size_t, 3> low{}, step{};
  Vec3 part{};
  for (std::size_t k = 0; k < 3; ++k) {
    const double most = static_cast<double>(grid.size[k] - 1);
    const double at = std::clamp(index[k], 0.0, most);
    const double floor = std::min(std::floor(at), std::max(0.0, most - 1.0));
    low[k] = static_cast<std::size_t>(floor);
    part[k] = at - floor;
    step[k] = grid.size[k] > 1 ? 1 : 0;
  }
  std::array<double, Components> out{};
  for (unsigned corner = 0; corner < 8; ++corner) {
    double weight = 1.0;
    std::array<std::size_t, 3> at = low;
    for (std::size_t k = 0; k < 3; ++k) {
      const bool up = (corner >> k & 1) != 0;
      weight *= up ? part[k] : 1.0 - part[k];
      if (up) at[k] += step[k];
    }
    const float* voxel = &values[Offset(grid, at[0], at[1], at[2]) * Components];
    for (std::size_t c = 0; c < Components; ++c) out[c] += weight * static_cast<double>(voxel[c]);
  }
  return out;
}

}  // namespace fedtrial::imaging
