#include "site_node/imaging/brain_mask.h"

#include <array>
#include <itkFastSymmetricForcesDemonsRegistrationFilter.h>
#include <itkHistogramMatchingImageFilter.h>
#include <span>
#include <vector>

#include "site_node/imaging/itk_guard.h"
#include "site_node/imaging/itk_image.h"
#include "site_node/imaging/orient.h"
#include "site_node/imaging/resample.h"
#include "site_node/imaging/sample_at.h"

namespace fedtrial::imaging {

namespace {

using Field = itk::Image<itk::Vector<float, 3>, 3>;
using Demons = itk::FastSymmetricForcesDemonsRegistrationFilter<ItkImage, ItkImage, Field>;
using Match = itk::HistogramMatchingImageFilter<ItkImage, ItkImage>;

constexpr double kSigma = 1.5;  // voxels, of the smoothing between steps
struct Level {
  double spacing;  // mm
  unsigned iterations;
};
constexpr Level kLevels[] = {{4.0, 60}, {2.0, 30}};

// How far each voxel's point is moved, mm along LPS; three values a voxel.
struct Displacement {
  Grid grid;
  std::vector<float> values;
};

Vec3 At(const Displacement& field, const Transform& world_to_index, const Vec3& point) {
  const auto moved = LinearAt<3>(field.grid, field.values, Apply(world_to_index, point));
  return {moved[0], moved[1], moved[2]};
}

// visit(offset, point) for each voxel.
template <typename Visit>
void ForEachPoint(const Grid& grid, Visit&& visit) {
  const Transform place = IndexToWorld(grid);
  std::size_t at = 0;
  for (std::size_t z = 0; z < grid.size[2]; ++z)
    for (std::size_t y = 0; y < grid.size[1]; ++y)
      for (std::size_t x = 0; x < grid.size[0]; ++x, ++at)
        visit(at, Apply(place, {static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)}));
}

Field::Pointer OnGrid(const Displacement& coarse, const Grid& grid) {
  auto field = Field::New();
  SetGrid(grid, *field);
  field->Allocate();
  const Transform to_index = Inverse(IndexToWorld(coarse.grid));
  auto* out = field->GetBufferPointer();
  ForEachPoint(grid, [&](std::size_t at, const Vec3& point) {
    const Vec3 moved = At(coarse, to_index, point);
    for (unsigned k = 0; k < 3; ++k) out[at][k] = static_cast<float>(moved[k]);
  });
  return field;
}

Displacement RunDemons(const Scan& fixed, const Scan& moving, unsigned iterations, const Field* start) {
  const ItkImage::Pointer fixed_view = ViewOf(fixed), moving_view = ViewOf(moving);
  auto match = Match::New();
  match->SetReferenceImage(fixed_view);
  match->SetInput(moving_view);
  match->SetNumberOfHistogramLevels(256);
  match->SetNumberOfMatchPoints(7);
  match->ThresholdAtMeanIntensityOn();
  match->Update();
  auto demons = Demons::New();
  demons->SetFixedImage(fixed_view);
  demons->SetMovingImage(match->GetOutput());
  demons->SetNumberOfIterations(iterations);
  demons->SetStandardDeviations(kSigma);
  if (start != nullptr) demons->SetInitialDisplacementField(const_cast<Field*>(start));
  demons->Update();
  const Field& field = *demons->GetOutput();
  const float* values = field.GetBufferPointer()->GetDataPointer();
  return {GridOf(field), std::vector<float>(values, values + 3 * VoxelCount(fixed.grid))};
}

}  // namespace

Result<Scan> BrainMask(const Atlas& atlas, const Scan& head, const Transform& to_atlas) {
  return GuardItk("brain mask", [&]() -> Result<Scan> {
    ASSIGN_OR_RETURN(const Scan atlas_here, Resample(atlas.head, head.grid, to_atlas, Interpolation::kLinear, 0.0f));
    Displacement field;
    for (const Level& level : kLevels) {
      ASSIGN_OR_RETURN(const Scan fixed, Shrink(head, level.spacing));
      ASSIGN_OR_RETURN(const Scan moving, Shrink(atlas_here, level.spacing));
      Field::Pointer start;
      if (!field.values.empty()) start = OnGrid(field, fixed.grid);
      field = RunDemons(fixed, moving, level.iterations, start);
    }
    Scan mask{head.grid, std::vector<float>(head.voxels.size())};
    const Transform field_index = Inverse(IndexToWorld(field.grid));
    const Transform atlas_index = Compose(Inverse(IndexToWorld(atlas.brain.grid)), to_atlas);
    ForEachPoint(head.grid, [&](std::size_t at, const Vec3& point) {
      const Vec3 moved = At(field, field_index, point);
      const Vec3 there = Apply(atlas_index, {point[0] + moved[0], point[1] + moved[1], point[2] + moved[2]});
      mask.voxels[at] = LinearAt<1>(atlas.brain.grid, atlas.brain.voxels, there)[0] > 0.5 ? 1.0f : 0.0f;
    });
    return mask;
  });
}

}  // namespace fedtrial::imaging
