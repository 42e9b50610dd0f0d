#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "common/base/result.h"

namespace fedtrial::sim {

// Where voxels lie: x to the right, y to the front, z up, in mm.
struct Grid {
  std::array<std::size_t, 3> size{};
  std::array<double, 3> spacing{};
  std::array<double, 3> origin{};  // of voxel (0, 0, 0)
  std::size_t voxels() const { return size[0] * size[1] * size[2]; }
};

// Through ITK; no exception of it gets out. x fastest. A name ending in .gz is compressed. The header has no text.
Status WriteNifti(const std::filesystem::path& file, const Grid& grid, std::span<const float> voxels);
Status WriteNifti(const std::filesystem::path& file, const Grid& grid, std::span<const std::int16_t> voxels);
Status WriteNifti(const std::filesystem::path& file, const Grid& grid, std::span<const std::uint8_t> voxels);
// kInvalidInput unless the file has this size and bytes as voxels.
Result<std::vector<std::uint8_t>> ReadNiftiBytes(const std::filesystem::path& file,
                                                 const std::array<std::size_t, 3>& size);

}  // namespace fedtrial::sim
