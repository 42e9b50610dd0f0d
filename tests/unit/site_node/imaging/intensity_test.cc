#include "site_node/imaging/intensity.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "site_node/imaging/lesion_crop.h"
#include "site_node/imaging/morphology.h"
#include "site_node/imaging/quality.h"
#include "tests/unit/site_node/imaging/phantom.h"

namespace fedtrial::imaging {
namespace {

using ::testing::HasSubstr;

Scan Whole(const Grid& grid, float value) { return {grid, std::vector<float>(VoxelCount(grid), value)}; }

TEST(Intensity, PercentilesAreOfTheSortedValues) {
  std::vector<float> values(101);
  std::iota(values.rbegin(), values.rend(), 0.0f);
  EXPECT_EQ(Percentile(values, 0.0), 0.0f);
  EXPECT_EQ(Percentile(values, 99.5), 100.0f);
  EXPECT_EQ(Percentile(values, 50.0), 50.0f);
}

TEST(Intensity, InsideTheMaskMeanIsZeroAndDeviationOneOutsideIsZero) {
  const Grid grid = RasGrid({20, 20, 20}, 5.0);
  Scan scan = Whole(grid, 0.0f), mask = Whole(grid, 1.0f);
  for (std::size_t i = 0; i < scan.voxels.size(); ++i) {
    scan.voxels[i] = static_cast<float>(i % 97);
    if (i % 3 == 0) mask.voxels[i] = 0.0f;
  }
  scan.voxels[1] = 1e6f;                                     // clipped
  scan.voxels[2] = std::numeric_limits<float>::quiet_NaN();  // not scanned
  ASSERT_TRUE(Normalise(scan, mask, 0.5, 99.5).ok());
  double sum = 0, squares = 0, n = 0;
  for (std::size_t i = 0; i < scan.voxels.size(); ++i) {
    if (mask.voxels[i] == 0.0f || i == 2) {
      ASSERT_EQ(scan.voxels[i], 0.0f);
      continue;
    }
    const double v = static_cast<double>(scan.voxels[i]);
    sum += v, squares += v * v, n += 1;
  }
  EXPECT_NEAR(sum / n, 0.0, 1e-6);
  EXPECT_NEAR(squares / n, 1.0, 1e-5);
  EXPECT_LT(scan.voxels[1], 2.0f);
}

TEST(Intensity, AConstantOrUnscannedBrainIsAnError) {
  const Grid grid = RasGrid({20, 20, 20}, 5.0);
  Scan constant = Whole(grid, 3.0f);
  EXPECT_THAT(Normalise(constant, Whole(grid, 1.0f), 0.5, 99.5).error().message, HasSubstr("same everywhere"));
  Scan nowhere = Whole(grid, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(Normalise(nowhere, Whole(grid, 1.0f), 0.5, 99.5).error().message, HasSubstr("0 voxels"));
}

TEST(LesionCrop, TheCubeIsPaddedAtTheBorderAndKeepsTheLesion) {
  const Grid grid = RasGrid({60, 60, 60}, 1.0);
  Scan image = Whole(grid, 2.0f), lesion = Whole(grid, 0.0f);
  for (std::size_t z = 2; z < 6; ++z)
    for (std::size_t y = 30; y < 34; ++y)
      for (std::size_t x = 30; x < 34; ++x) lesion.voxels[Offset(grid, x, y, z)] = 1.0f;
  const auto centre = CentreOfMask(lesion);
  ASSERT_TRUE(centre.has_value());
  const ImagingSettings settings{.crop_mm = 32, .voxels = 32};
  const Volume cube = CubeAround(image, &lesion, *centre, settings);
  EXPECT_EQ(std::count(cube.lesion.begin(), cube.lesion.end(), 1.0f), 64);
  EXPECT_EQ(std::count(cube.image.begin(), cube.image.end(), 2.0f), 32 * 32 * 20);  // 12 planes lie below the grid
  EXPECT_EQ(cube.image.front(), 0.0f);
  EXPECT_FALSE(CentreOfMask(Whole(grid, 0.0f)).has_value());
  EXPECT_TRUE(CubeAround(image, nullptr, *centre, settings).lesion.empty());
}

TEST(LesionCrop, AtHalfTheResolutionVolumesStay) {
  const Grid grid = RasGrid({96, 96, 96}, 1.0);
  const Scan image = Whole(grid, 1.0f);
  Scan lesion = Ball(grid, 15.0);
  for (float& v : lesion.voxels) v = v > 50.0f && v < 150.0f ? 1.0f : 0.0f;
  const Volume cube = CubeAround(image, &lesion, {0, 0, 0}, {.crop_mm = 64, .voxels = 32});
  const auto set = [](const std::vector<float>& v) {
    return static_cast<double>(std::count(v.begin(), v.end(), 1.0f));
  };
  EXPECT_NEAR(set(cube.lesion) * 8.0 / set(lesion.voxels), 1.0, 0.05);
}

TEST(Morphology, MasksGrowWearDownAndFill) {
  const Grid grid = RasGrid({41, 41, 41}, 2.0);
  Scan ball = Whole(grid, 0.0f);
  const auto radius = [](std::size_t x, std::size_t y, std::size_t z) {
    return std::hypot(static_cast<double>(x) - 20, static_cast<double>(y) - 20, static_cast<double>(z) - 20);
  };
  for (std::size_t z = 0, at = 0; z < 41; ++z)
    for (std::size_t y = 0; y < 41; ++y)
      for (std::size_t x = 0; x < 41; ++x, ++at)
        if (radius(x, y, z) <= 10 && radius(x, y, z) >= 3) ball.voxels[at] = 1.0f;
  ball.voxels[Offset(grid, 1, 1, 1)] = 1.0f;
  const Scan filled = FillHoles(LargestPiece(ball));
  EXPECT_EQ(filled.voxels[Offset(grid, 1, 1, 1)], 0.0f);
  EXPECT_EQ(filled.voxels[Offset(grid, 20, 20, 20)], 1.0f);
  const auto distance = DistanceToEdge(filled);
  ASSERT_TRUE(distance.ok()) << distance.error().message;
  EXPECT_NEAR(distance->voxels[Offset(grid, 20, 20, 35)], 10.0, 0.01);  // 5 voxels of 2 mm beyond the edge
  EXPECT_NEAR(distance->voxels[Offset(grid, 20, 20, 20)], -18.0, 2.0);  // the edge is stepped
  EXPECT_EQ(AtMost(*distance, 6.0).voxels[Offset(grid, 20, 20, 33)], 1.0f);
  EXPECT_EQ(AtMost(*distance, -6.0).voxels[Offset(grid, 20, 20, 28)], 0.0f);
  EXPECT_EQ(LargestPiece(Whole(grid, 0.0f)).voxels, Whole(grid, 0.0f).voxels);
  const Scan padded = Pad(filled, 3);
  EXPECT_EQ(Crop(padded, {3, 3, 3}, grid.size).voxels, filled.voxels);
  EXPECT_EQ(Crop(padded, {3, 3, 3}, grid.size).grid.origin, grid.origin);
}

TEST(Quality, EachFigureOutsideItsBoundFailsWithItsName) {
  const BrainQuality good{1500, {1, 1, 1}, 0.8, 5, 0.95, 0.2, 0.5};
  EXPECT_TRUE(CheckBrain(good).ok());
  const auto brain = [&](auto change) {
    BrainQuality bad = good;
    change(bad);
    const Status status = CheckBrain(bad);
    return status.ok() ? "" : status.error().message;
  };
  EXPECT_THAT(brain([](auto& q) { q.mask_ml = 800; }), HasSubstr("volume of the brain mask in ml is 800"));
  EXPECT_THAT(brain([](auto& q) { q.mask_ml = std::numeric_limits<double>::quiet_NaN(); }), HasSubstr("nan"));
  EXPECT_THAT(brain([](auto& q) { q.affine_scale[1] = 1.5; }), HasSubstr("size of the head"));
  EXPECT_THAT(brain([](auto& q) { q.atlas_likeness = 0.1; }), HasSubstr("likeness"));
  EXPECT_THAT(brain([](auto& q) { q.rotation_deg = 170; }), HasSubstr("rotation"));
  EXPECT_THAT(brain([](auto& q) { q.information_after = 0.1; }), HasSubstr("mutual information"));
  EXPECT_THAT(brain([](auto& q) { q.head_overlap = 0.5; }), HasSubstr("overlap"));
  const SeriesQuality fine{{1, 1, 1}, 20, 5, 10, 0.2, 0.5, 0.9, 0.95, 1.0};
  EXPECT_TRUE(CheckSeries(fine, true).ok());
  EXPECT_TRUE(SeriesWarnings(fine).empty());
  const auto series = [&](auto change, bool same_session) {
    SeriesQuality bad = fine;
    change(bad);
    const Status status = CheckSeries(bad, same_session);
    return status.ok() ? "" : status.error().message;
  };
  EXPECT_THAT(series([](auto& q) { q.shift_mm = 90; }, true), HasSubstr("shift"));
  EXPECT_EQ(series([](auto& q) { q.shift_mm = 90; }, false), "");
  EXPECT_THAT(series([](auto& q) { q.rotation_deg = 90; }, false), HasSubstr("rotation"));
  EXPECT_THAT(series([](auto& q) { q.box_overlap = 0.2; }, false), HasSubstr("boxes"));
  EXPECT_THAT(series([](auto& q) { q.head_overlap = 0.2; }, false), HasSubstr("overlap of the heads"));
  EXPECT_THAT(series([](auto& q) { q.covered = 0.2; }, false), HasSubstr("share of the brain"));
  SeriesQuality poor = fine;
  poor.spacing_mm = {1, 1, 5}, poor.covered = 0.8, poor.signal_to_noise = 3;
  EXPECT_EQ(SeriesWarnings(poor).size(), 3u);
}

TEST(Quality, NoiseIsSeenInASmoothImage) {
  Scan scan = Ball(RasGrid({60, 60, 60}, 2.0), 50.0);
  std::uint32_t state = 1;
  for (float& v : scan.voxels) {
    double sum = 0;  // of 12 uniform numbers: nearly normal, deviation 1
    for (int i = 0; i < 12; ++i) {
      state = state * 1664525u + 1013904223u;
      sum += static_cast<double>(state >> 8) / (1u << 24);
    }
    v += static_cast<float>(5.0 * (sum - 6.0));
  }
  EXPECT_NEAR(SignalToNoise(scan), 20.0, 3.0);
}

}  // namespace
}  // namespace fedtrial::imaging
