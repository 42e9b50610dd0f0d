#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/base/result.h"

namespace fedtrial::sim {

// The Colin27 head (Holmes 1998, J Comput Assist Tomogr 22:324) of Debian's mricron-data: 181 x 217 x 181 voxels of
// 1 mm, x to the right, y to the front, z up. Voxel (i, j, k) lies at (i - 90, j - 125, k - 71) mm.
inline constexpr std::array<std::size_t, 3> kHeadSize{181, 217, 181};
inline constexpr std::array<double, 3> kHeadOrigin{-90.0, -125.0, -71.0};  // of voxel (0, 0, 0), mm, right-front-up

struct TemplateHead {
  std::vector<std::uint8_t> t1;     // x fastest
  std::vector<std::uint8_t> brain;  // 1 inside the brain, sulci and ventricles with it
  static std::size_t At(std::size_t i, std::size_t j, std::size_t k) {
    return (k * kHeadSize[1] + j) * kHeadSize[0] + i;
  }
};

// `folder` holds ch2.nii.gz and ch2bet.nii.gz. kInvalidInput where one is missing or isn't the file its digest says.
Result<TemplateHead> LoadTemplateHead(const std::filesystem::path& folder = "/usr/share/mricron/templates");

}  // namespace fedtrial::sim
