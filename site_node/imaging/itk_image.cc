#include "site_node/imaging/itk_image.h"

namespace fedtrial::imaging {

void SetGrid(const Grid& grid, itk::ImageBase<3>& image) {
  itk::ImageBase<3>::RegionType region;
  itk::ImageBase<3>::SpacingType spacing;
  itk::ImageBase<3>::PointType origin;
  itk::ImageBase<3>::DirectionType direction;
  for (unsigned k = 0; k < 3; ++k) {
    region.SetSize(k, grid.size[k]);
    spacing[k] = grid.spacing[k];
    origin[k] = grid.origin[k];
    for (unsigned c = 0; c < 3; ++c) direction[k][c] = grid.direction[k][c];
  }
  image.SetRegions(region);
  image.SetSpacing(spacing);
  image.SetOrigin(origin);
  image.SetDirection(direction);
}

Grid GridOf(const itk::ImageBase<3>& image) {
  Grid grid;
  for (unsigned k = 0; k < 3; ++k) {
    grid.size[k] = image.GetLargestPossibleRegion().GetSize(k);
    grid.spacing[k] = image.GetSpacing()[k];
    for (unsigned c = 0; c < 3; ++c) grid.direction[k][c] = image.GetDirection()[k][c];
  }
  ItkImage::PointType first;  // a filter may number its voxels from elsewhere than 0
  image.TransformIndexToPhysicalPoint(image.GetLargestPossibleRegion().GetIndex(), first);
  for (unsigned k = 0; k < 3; ++k) grid.origin[k] = first[k];
  return grid;
}

ItkImage::Pointer ViewOf(const Scan& scan) {
  auto image = ItkImage::New();
  SetGrid(scan.grid, *image);
  image->GetPixelContainer()->SetImportPointer(const_cast<float*>(scan.voxels.data()), scan.voxels.size(), false);
  return image;
}

Scan CopyOf(const ItkImage& image) {
  const float* voxels = image.GetBufferPointer();
  Grid grid = GridOf(image);
  const std::size_t count = VoxelCount(grid);
  return {std::move(grid), std::vector<float>(voxels, voxels + count)};
}

}  // namespace fedtrial::imaging
