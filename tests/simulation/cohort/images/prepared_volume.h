#pragma once

#include <array>
#include <vector>

#include "model/samples/volume.h"
#include "tests/simulation/cohort/images/contrast.h"
#include "tests/simulation/cohort/images/nifti_files.h"

namespace fedtrial::sim {

inline constexpr std::size_t kCropMm = 96;  // edge of the crop around the lesion's centre at baseline

// The template's voxels in that crop, 0 where it reaches out of the head.
struct Crop {
  std::array<int, 3> first{};  // voxel of the template, may be below 0
  std::vector<std::uint8_t> t1, brain;
};
Crop CropAround(const TemplateHead& head, const std::array<std::size_t, 3>& centre);
Grid GridOfCrop(const Crop& crop, unsigned edge);

// What the lesion is in a voxel of 1 mm of the crop.
struct LesionVoxel {
  std::array<std::size_t, 3> at{};
  LesionPart part;
};
// Every voxel of the brain that the lesion reaches: made once a visit, used for its four sequences and the mask.
std::vector<LesionVoxel> LesionInCrop(const Crop& crop, const LesionShape& shape, const LesionState& state);

// Mean and deviation of a healthy brain in this contrast, what its intensities are scaled by.
struct BrainScale {
  double mean = 0.0, deviation = 1.0;
};
BrainScale ScaleOf(const TemplateHead& head, const Contrast& contrast);

// The healthy crop in this contrast as z-scores, averaged from 1 mm to `edge` voxels a side: the same at every visit.
struct HealthyVolume {
  BrainScale scale;
  std::vector<float> scores, brain;  // brain: its share of the voxel
};
HealthyVolume HealthyIn(const Crop& crop, const Contrast& contrast, const BrainScale& scale, unsigned edge);

// With the lesion and noise, cut at +-5; 0 where less than half of the voxel is brain.
std::vector<float> PreparedVolume(const Crop& crop, const HealthyVolume& healthy,
                                  const std::vector<LesionVoxel>& lesion, const Contrast& contrast, double texture,
                                  unsigned edge, double noise, Draws& draws);
// 1 where core and rim fill half of the voxel or more.
std::vector<std::uint8_t> LesionMask(const std::vector<LesionVoxel>& lesion, unsigned edge);

}  // namespace fedtrial::sim
