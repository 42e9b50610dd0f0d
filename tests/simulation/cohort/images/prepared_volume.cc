#include "tests/simulation/cohort/images/prepared_volume.h"

#include <algorithm>
#include <cmath>

namespace fedtrial::sim {
namespace {

constexpr double kLargestScore = 5.0;
constexpr double kNoiseVoxelMm = 3.0;  // of the site's noise figure

std::size_t CropIndex(std::size_t x, std::size_t y, std::size_t z) { return (z * kCropMm + y) * kCropMm + x; }

// Averages voxels of 1 mm to `edge` voxels a side; one that lies on an edge counts by its part on either side.
class Averager {
 public:
  explicit Averager(unsigned edge) : edge_(edge), parts_(kCropMm) {
    const double step = static_cast<double>(kCropMm) / edge;
    for (std::size_t from = 0; from < kCropMm; ++from)
      for (auto to = static_cast<std::size_t>(static_cast<double>(from) / step); to < edge; ++to) {
        const double low = std::max(static_cast<double>(from), static_cast<double>(to) * step);
        const double high = std::min(static_cast<double>(from + 1), static_cast<double>(to + 1) * step);
        if (high <= low) break;
        parts_[from].push_back({to, (high - low) / step});
      }
  }
  std::vector<float> Empty() const { return std::vector<float>(edge_ * edge_ * edge_, 0.0F); }
  void Add(std::vector<float>& volume, const std::array<std::size_t, 3>& at, double value) const {
    for (const Part& z : parts_[at[2]])
      for (const Part& y : parts_[at[1]])
        for (const Part& x : parts_[at[0]])
          volume[(z.to * edge_ + y.to) * edge_ + x.to] += static_cast<float>(value * z.weight * y.weight * x.weight);
  }

 private:
  struct Part {
    std::size_t to;
    double weight;
  };
  std::size_t edge_;
  std::vector<std::vector<Part>> parts_;  // of each voxel along an axis
};

}  // namespace

Crop CropAround(const TemplateHead& head, const std::array<std::size_t, 3>& centre) {
  Crop crop;
  constexpr auto kEdge = static_cast<int>(kCropMm);
  for (std::size_t axis = 0; axis < 3; ++axis) crop.first[axis] = static_cast<int>(centre[axis]) - kEdge / 2;
  crop.t1.assign(kCropMm * kCropMm * kCropMm, 0);
  crop.brain.assign(crop.t1.size(), 0);
  std::size_t to = 0;
  for (int z = 0; z < kEdge; ++z)
    for (int y = 0; y < kEdge; ++y)
      for (int x = 0; x < kEdge; ++x, ++to) {
        const std::array<int, 3> at{crop.first[0] + x, crop.first[1] + y, crop.first[2] + z};
        bool inside = true;
        for (std::size_t axis = 0; axis < 3; ++axis)
          inside = inside && at[axis] >= 0 && at[axis] < static_cast<int>(kHeadSize[axis]);
        if (!inside) continue;
        const std::size_t from = TemplateHead::At(static_cast<std::size_t>(at[0]), static_cast<std::size_t>(at[1]),
                                                  static_cast<std::size_t>(at[2]));
        crop.t1[to] = head.t1[from];
        crop.brain[to] = head.brain[from];
      }
  return crop;
}

Grid GridOfCrop(const Crop& crop, unsigned edge) {
  const double spacing = static_cast<double>(kCropMm) / edge;
  Grid grid{{edge, edge, edge}, {spacing, spacing, spacing}, {}};
  for (std::size_t axis = 0; axis < 3; ++axis)
    grid.origin[axis] = kHeadOrigin[axis] + crop.first[axis] - 0.5 + spacing / 2.0;
  return grid;
}

std::vector<LesionVoxel> LesionInCrop(const Crop& crop, const LesionShape& shape, const LesionState& state) {
  std::vector<LesionVoxel> lesion;
  for (std::size_t z = 0; z < kCropMm; ++z)
    for (std::size_t y = 0; y < kCropMm; ++y)
      for (std::size_t x = 0; x < kCropMm; ++x) {
        if (crop.brain[CropIndex(x, y, z)] == 0) continue;
        const LesionPart part = shape.At({static_cast<double>(crop.first[0]) + static_cast<double>(x),
                                          static_cast<double>(crop.first[1]) + static_cast<double>(y),
                                          static_cast<double>(crop.first[2]) + static_cast<double>(z)},
                                         state);
        if (part.core + part.rim + part.edema > 0.0) lesion.push_back({{x, y, z}, part});
      }
  return lesion;
}

BrainScale ScaleOf(const TemplateHead& head, const Contrast& contrast) {
  std::array<double, 256> count{};
  for (std::size_t i = 0; i < head.t1.size(); ++i) count[head.t1[i]] += head.brain[i];
  double voxels = 0.0, sum = 0.0, squares = 0.0;
  for (std::size_t t1 = 0; t1 < count.size(); ++t1) {
    const double value = contrast.Healthy(static_cast<std::uint8_t>(t1), true);
    voxels += count[t1];
    sum += count[t1] * value;
    squares += count[t1] * value * value;
  }
  const double mean = sum / voxels;
  return {mean, std::sqrt(squares / voxels - mean * mean)};
}

HealthyVolume HealthyIn(const Crop& crop, const Contrast& contrast, const BrainScale& scale, unsigned edge) {
  const Averager averager(edge);
  HealthyVolume healthy{scale, averager.Empty(), averager.Empty()};
  for (std::size_t z = 0; z < kCropMm; ++z)
    for (std::size_t y = 0; y < kCropMm; ++y)
      for (std::size_t x = 0; x < kCropMm; ++x) {
        const std::size_t i = CropIndex(x, y, z);
        if (crop.brain[i] == 0) continue;
        averager.Add(healthy.scores, {x, y, z}, (contrast.Healthy(crop.t1[i], true) - scale.mean) / scale.deviation);
        averager.Add(healthy.brain, {x, y, z}, 1.0);
      }
  return healthy;
}

std::vector<float> PreparedVolume(const Crop& crop, const HealthyVolume& healthy,
                                  const std::vector<LesionVoxel>& lesion, const Contrast& contrast, double texture,
                                  unsigned edge, double noise, Draws& draws) {
  const Averager averager(edge);
  std::vector<float> volume = healthy.scores;
  for (const LesionVoxel& voxel : lesion) {
    const double before = contrast.Healthy(crop.t1[CropIndex(voxel.at[0], voxel.at[1], voxel.at[2])], true);
    const double after = contrast.WithLesion(before, voxel.part, texture);
    averager.Add(volume, voxel.at, (after - before) / healthy.scale.deviation);
  }
  // Averaging more voxels leaves less noise.
  const double deviation = noise * std::pow(kNoiseVoxelMm * edge / static_cast<double>(kCropMm), 1.5);
  for (std::size_t i = 0; i < volume.size(); ++i) {
    const double noisy = volume[i] + deviation * draws.Normal();
    volume[i] = healthy.brain[i] < 0.5F ? 0.0F : static_cast<float>(std::clamp(noisy, -kLargestScore, kLargestScore));
  }
  return volume;
}

std::vector<std::uint8_t> LesionMask(const std::vector<LesionVoxel>& lesion, unsigned edge) {
  const Averager averager(edge);
  std::vector<float> inside = averager.Empty();
  for (const LesionVoxel& voxel : lesion) averager.Add(inside, voxel.at, voxel.part.core + voxel.part.rim);
  std::vector<std::uint8_t> mask;
  for (const float share : inside) mask.push_back(share >= 0.5F ? 1 : 0);
  return mask;
}

}  // namespace fedtrial::sim
