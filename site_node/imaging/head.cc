#include "site_node/imaging/head.h"

#include <algorithm>
#include <cmath>
#include <itkOtsuThresholdImageFilter.h>
#include <limits>

#include "site_node/imaging/itk_guard.h"
#include "site_node/imaging/itk_image.h"
#include "site_node/imaging/orient.h"
#include "site_node/imaging/sample_at.h"

namespace fedtrial::imaging {

namespace {

constexpr double kCoarse = 4.0;     // mm
constexpr double kRim = 8.0;        // mm
constexpr double kMinHead = 100.0;  // mm

struct Box {
  Vec3 low{std::numeric_limits<double>::max(), std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  Vec3 high{std::numeric_limits<double>::lowest(), std::numeric_limits<double>::lowest(),
            std::numeric_limits<double>::lowest()};
  void Add(const Vec3& p) {
    for (std::size_t k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], p[k]);
      high[k] = std::max(high[k], p[k]);
    }
  }
  double Volume() const {
    double volume = 1.0;
    for (std::size_t k = 0; k < 3; ++k) volume *= std::max(0.0, high[k] - low[k]);
    return volume;
  }
};

// visit(x, y, z, offset) for each voxel that is set.
template <typename Visit>
void ForEachSet(const Scan& mask, Visit&& visit) {
  std::size_t at = 0;
  for (std::size_t z = 0; z < mask.grid.size[2]; ++z)
    for (std::size_t y = 0; y < mask.grid.size[1]; ++y)
      for (std::size_t x = 0; x < mask.grid.size[0]; ++x, ++at)
        if (mask.voxels[at] > 0.5f) visit(static_cast<double>(x), static_cast<double>(y), static_cast<double>(z));
}

Box BoxOf(const Scan& mask, const Transform& index_to_space) {
  Box box;
  ForEachSet(mask, [&](double x, double y, double z) { box.Add(Apply(index_to_space, {x, y, z})); });
  return box;
}

}  // namespace

Result<Scan> HeadMask(const Scan& scan) {
  return GuardItk("head against air", [&]() -> Result<Scan> {
    auto filter = itk::OtsuThresholdImageFilter<ItkImage, ItkImage>::New();
    filter->SetInput(ViewOf(scan));
    filter->SetInsideValue(0.0f);  // inside is below the threshold
    filter->SetOutsideValue(1.0f);
    filter->Update();
    return CopyOf(*filter->GetOutput());
  });
}

Result<Scan> CropToHead(const Scan& scan) {
  ASSIGN_OR_RETURN(const Scan coarse, Shrink(scan, kCoarse));
  ASSIGN_OR_RETURN(const Scan mask, HeadMask(coarse));
  const Box box = BoxOf(mask, Transform{});  // in voxels of the coarse grid
  std::array<std::size_t, 3> first{}, size{};
  int long_axes = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    const double factor = std::round(coarse.grid.spacing[k] / scan.grid.spacing[k]);
    const double rim = std::ceil(kRim / scan.grid.spacing[k]);
    const auto end = static_cast<double>(scan.grid.size[k]);
    const double low = std::max(0.0, box.low[k] * factor - rim);
    const double high = std::min(end, (box.high[k] + 1.0) * factor + rim);
    first[k] = static_cast<std::size_t>(low);
    size[k] = static_cast<std::size_t>(high - low);
    if ((box.high[k] - box.low[k] + 1.0) * coarse.grid.spacing[k] >= kMinHead) ++long_axes;
  }
  if (long_axes < 2) return Error{ErrorCode::kInvalidInput, "what stands out of the air is too small for a head"};
  return Crop(scan, first, size);
}

double BoxOverlap(const Scan& head_one, const Scan& head_other, const Transform& one_to_other) {
  const Box one = BoxOf(head_one, IndexToWorld(head_one.grid));
  const Box other = BoxOf(head_other, Compose(Inverse(one_to_other), IndexToWorld(head_other.grid)));
  Box common;
  for (std::size_t k = 0; k < 3; ++k) {
    common.low[k] = std::max(one.low[k], other.low[k]);
    common.high[k] = std::min(one.high[k], other.high[k]);
  }
  const double smaller = std::min(one.Volume(), other.Volume());
  return smaller > 0.0 ? common.Volume() / smaller : 0.0;
}

double HeadOverlap(const Scan& head_one, const Scan& head_other, const Transform& one_to_other) {
  const Transform to_index =
      Compose(Inverse(IndexToWorld(head_other.grid)), Compose(one_to_other, IndexToWorld(head_one.grid)));
  double both = 0.0, either = 0.0;
  std::size_t at = 0;
  for (std::size_t z = 0; z < head_one.grid.size[2]; ++z) {
    for (std::size_t y = 0; y < head_one.grid.size[1]; ++y) {
      for (std::size_t x = 0; x < head_one.grid.size[0]; ++x, ++at) {
        const auto there = NearestVoxel(
            head_other.grid, Apply(to_index, {static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)}));
        if (!there) continue;
        const double a = static_cast<double>(head_one.voxels[at]), b = static_cast<double>(head_other.voxels[*there]);
        both += a * b;
        either += a + b;
      }
    }
  }
  return either > 0.0 ? 2.0 * both / either : 0.0;
}

}  // namespace fedtrial::imaging
