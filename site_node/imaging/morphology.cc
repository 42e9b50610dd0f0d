#include "site_node/imaging/morphology.h"

#include <algorithm>
#include <cstdint>
#include <itkSignedMaurerDistanceMapImageFilter.h>
#include <vector>

#include "site_node/imaging/itk_guard.h"
#include "site_node/imaging/itk_image.h"

namespace fedtrial::imaging {

namespace {

// Gives each voxel of `value` a piece's number from 1; how many voxels each piece has (entry 0 unused).
class Pieces {
 public:
  Pieces(const Scan& mask, bool of_set) : grid_(mask.grid), number_(mask.voxels.size(), 0), sizes_{0} {
    for (std::size_t i = 0; i < number_.size(); ++i) wanted_.push_back((mask.voxels[i] > 0.5f) == of_set);
    for (std::size_t i = 0; i < number_.size(); ++i)
      if (wanted_[i] && number_[i] == 0) Flood(i);
  }
  std::uint32_t Of(std::size_t voxel) const { return number_[voxel]; }
  const std::vector<std::size_t>& sizes() const { return sizes_; }

 private:
  void Flood(std::size_t seed) {
    const auto piece = static_cast<std::uint32_t>(sizes_.size());
    sizes_.push_back(0);
    std::vector<std::size_t> open{seed};
    number_[seed] = piece;
    const std::array<std::size_t, 3> stride{1, grid_.size[0], grid_.size[0] * grid_.size[1]};
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      ++sizes_[piece];
      for (std::size_t k = 0; k < 3; ++k) {
        const std::size_t along = at / stride[k] % grid_.size[k];
        if (along > 0) Reach(at - stride[k], piece, open);
        if (along + 1 < grid_.size[k]) Reach(at + stride[k], piece, open);
      }
    }
  }
  void Reach(std::size_t voxel, std::uint32_t piece, std::vector<std::size_t>& open) {
    if (!wanted_[voxel] || number_[voxel] != 0) return;
    number_[voxel] = piece;
    open.push_back(voxel);
  }

  Grid grid_;
  std::vector<bool> wanted_;
  std::vector<std::uint32_t> number_;
  std::vector<std::size_t> sizes_;
};

bool OnRim(const Grid& grid, std::size_t x, std::size_t y, std::size_t z) {
  return x == 0 || y == 0 || z == 0 || x + 1 == grid.size[0] || y + 1 == grid.size[1] || z + 1 == grid.size[2];
}

}  // namespace

Result<Scan> DistanceToEdge(const Scan& mask) {
  return GuardItk("distance map", [&]() -> Result<Scan> {
    auto filter = itk::SignedMaurerDistanceMapImageFilter<ItkImage, ItkImage>::New();
    filter->SetInput(ViewOf(mask));
    filter->SquaredDistanceOff();
    filter->UseImageSpacingOn();
    filter->InsideIsPositiveOff();
    filter->Update();
    return CopyOf(*filter->GetOutput());
  });
}

Scan AtMost(const Scan& scan, double limit) {
  Scan out{scan.grid, std::vector<float>(scan.voxels.size())};
  std::transform(scan.voxels.begin(), scan.voxels.end(), out.voxels.begin(),
                 [limit](float v) { return static_cast<double>(v) <= limit ? 1.0f : 0.0f; });
  return out;
}

Scan LargestPiece(const Scan& mask) {
  const Pieces pieces(mask, true);
  const auto largest = std::max_element(pieces.sizes().begin() + 1, pieces.sizes().end());
  const auto wanted = static_cast<std::uint32_t>(largest - pieces.sizes().begin());
  Scan out{mask.grid, std::vector<float>(mask.voxels.size())};
  for (std::size_t i = 0; i < out.voxels.size(); ++i) out.voxels[i] = pieces.Of(i) == wanted ? 1.0f : 0.0f;
  return out;
}

Scan FillHoles(const Scan& mask) {
  const Pieces outside(mask, false);
  std::vector<bool> reaches_rim(outside.sizes().size(), false);
  std::size_t at = 0;
  for (std::size_t z = 0; z < mask.grid.size[2]; ++z)
    for (std::size_t y = 0; y < mask.grid.size[1]; ++y)
      for (std::size_t x = 0; x < mask.grid.size[0]; ++x, ++at)
        if (OnRim(mask.grid, x, y, z)) reaches_rim[outside.Of(at)] = true;
  Scan out{mask.grid, std::vector<float>(mask.voxels.size())};
  for (std::size_t i = 0; i < out.voxels.size(); ++i)
    out.voxels[i] = outside.Of(i) == 0 || !reaches_rim[outside.Of(i)] ? 1.0f : 0.0f;
  return out;
}

Scan Pad(const Scan& mask, std::size_t width) {
  Grid grid = mask.grid;
  const auto back = -static_cast<double>(width);
  grid.origin = Apply(IndexToWorld(mask.grid), {back, back, back});
  for (std::size_t& n : grid.size) n += 2 * width;
  Scan out{grid, std::vector<float>(VoxelCount(grid), 0.0f)};
  const std::size_t row = mask.grid.size[0];
  for (std::size_t z = 0; z < mask.grid.size[2]; ++z)
    for (std::size_t y = 0; y < mask.grid.size[1]; ++y)
      std::copy_n(mask.voxels.begin() + static_cast<std::ptrdiff_t>(Offset(mask.grid, 0, y, z)), row,
                  out.voxels.begin() + static_cast<std::ptrdiff_t>(Offset(grid, width, y + width, z + width)));
  return out;
}

}  // namespace fedtrial::imaging
