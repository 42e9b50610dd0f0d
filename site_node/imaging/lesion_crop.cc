#include "site_node/imaging/lesion_crop.h"

#include <cmath>

#include "site_node/imaging/sample_at.h"

namespace fedtrial::imaging {

namespace {

bool Within(const Grid& grid, const Vec3& index) {
  for (std::size_t k = 0; k < 3; ++k)
    if (index[k] < -0.5 || index[k] > static_cast<double>(grid.size[k]) - 0.5) return false;
  return true;
}

}  // namespace

std::optional<Vec3> CentreOfMask(const Scan& mask) {
  Vec3 sum{};
  double count = 0.0;
  std::size_t at = 0;
  for (std::size_t z = 0; z < mask.grid.size[2]; ++z) {
    for (std::size_t y = 0; y < mask.grid.size[1]; ++y) {
      for (std::size_t x = 0; x < mask.grid.size[0]; ++x, ++at) {
        if (mask.voxels[at] <= 0.5f) continue;
        count += 1.0;
        sum[0] += static_cast<double>(x);
        sum[1] += static_cast<double>(y);
        sum[2] += static_cast<double>(z);
      }
    }
  }
  if (count == 0.0) return std::nullopt;
  return Apply(IndexToWorld(mask.grid), {sum[0] / count, sum[1] / count, sum[2] / count});
}

Volume CubeAround(const Scan& image, const Scan* lesion, const Vec3& centre, const ImagingSettings& settings) {
  const std::size_t n = settings.voxels;
  const double spacing = static_cast<double>(settings.crop_mm) / static_cast<double>(n);
  Vec3 middle = Apply(Inverse(IndexToWorld(image.grid)), centre);
  // At 1 mm a voxel of the cube is a voxel of the grid: the corner then falls on one.
  if (settings.crop_mm == settings.voxels)
    for (double& m : middle) m = std::round(m - 0.5) + 0.5;
  Volume volume{{n, n, n}, {}, {}};
  volume.image.reserve(n * n * n);
  for (std::size_t z = 0; z < n; ++z) {
    for (std::size_t y = 0; y < n; ++y) {
      for (std::size_t x = 0; x < n; ++x) {
        Vec3 at{static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)};
        for (std::size_t k = 0; k < 3; ++k)
          at[k] = middle[k] + (at[k] + 0.5 - static_cast<double>(n) / 2.0) * spacing / image.grid.spacing[k];
        const bool within = Within(image.grid, at);
        volume.image.push_back(within ? static_cast<float>(LinearAt<1>(image.grid, image.voxels, at)[0]) : 0.0f);
        if (lesion == nullptr) continue;
        volume.lesion.push_back(within && LinearAt<1>(image.grid, lesion->voxels, at)[0] > 0.5 ? 1.0f : 0.0f);
      }
    }
  }
  return volume;
}

}  // namespace fedtrial::imaging
