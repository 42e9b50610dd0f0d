#include "site_node/imaging/prepared_volume.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "phantom.h"
#include "site_node/imaging/baseline_bytes.h"
#include "site_node/imaging/nifti.h"

namespace fedtrial::imaging {
namespace {

using ::testing::HasSubstr;

constexpr ImagingSettings kSmall{.crop_mm = 96, .voxels = 32};

Scan Cube(const Grid& grid) {
  Scan scan{grid, {}};
  for (std::size_t i = 0; i < VoxelCount(grid); ++i) scan.voxels.push_back(static_cast<float>(i % 11) - 5.0f);
  return scan;
}

class PreparedVolumes : public testing::Test {
 protected:
  std::string Refusal(const Scan& scan, const std::optional<Scan>& lesion = std::nullopt) const {
    EXPECT_TRUE(WriteNifti(folder_ / "cube.nii.gz", scan).ok());
    std::optional<std::filesystem::path> mask;
    if (lesion) {
      mask = folder_ / "mask.nii.gz";
      EXPECT_TRUE(WriteNifti(*mask, *lesion, /*mask=*/true).ok());
    }
    const auto read = ReadPreparedVolume(folder_ / "cube.nii.gz", mask, kSmall);
    return read.ok() ? "" : read.error().message;
  }
  const TestFolder folder_{"prepared-volume"};
};

TEST_F(PreparedVolumes, AreReadAsTheyLieThere) {
  const Scan scan = Cube(RasGrid({32, 32, 32}, 3.0));
  EXPECT_EQ(Refusal(scan), "");
  const auto read = ReadPreparedVolume(folder_ / "cube.nii.gz", std::nullopt, kSmall);
  EXPECT_EQ(read->image, scan.voxels);
  EXPECT_TRUE(read->lesion.empty());
}

TEST_F(PreparedVolumes, OfAnotherFormThanThePlanWantsAreRefusedByName) {
  EXPECT_THAT(Refusal(Cube(RasGrid({64, 64, 64}, 1.5))),
              HasSubstr("cube.nii.gz: 64 x 64 x 64 voxels, the plan wants 32"));
  EXPECT_THAT(Refusal(Cube(RasGrid({32, 32, 32}, 2.0))), HasSubstr("64 mm along axis 0, the plan wants 96 mm"));
  Grid turned = RasGrid({32, 32, 32}, 3.0);
  turned.direction = kIdentity3;
  EXPECT_THAT(Refusal(Cube(turned)), HasSubstr("its axes don't go to the right, the front and the head"));
  Scan holed = Cube(RasGrid({32, 32, 32}, 3.0));
  holed.voxels[9] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Refusal(holed), HasSubstr("not finite"));
  EXPECT_THAT(Refusal(Cube(RasGrid({32, 32, 32}, 3.0)), Cube(RasGrid({16, 16, 16}, 6.0))),
              HasSubstr("mask.nii.gz: 16 x 16 x 16"));
}

TEST(BaselineBytes, GiveTheBaselineBack) {
  Baseline baseline;
  baseline.head = Ball(RasGrid({12, 14, 16}, 10.0), 50.0);
  baseline.brain = baseline.head;
  for (float& v : baseline.brain.voxels) v = v > 0.0f ? 1.0f : 0.0f;
  baseline.atlas_to_scan.offset = {1.5, -2.0, 3.25};
  baseline.quality.mask_ml = 1400.0;
  baseline.quality.information_after = 0.75;
  for (const bool lesion : {true, false}) {
    baseline.lesion_centre = lesion ? std::optional(Vec3{4.0, 5.0, -6.0}) : std::nullopt;
    const Bytes bytes = EncodeBaseline(baseline);
    const auto back = DecodeBaseline(bytes);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->head.grid, baseline.head.grid);
    EXPECT_EQ(back->head.voxels, baseline.head.voxels);
    EXPECT_EQ(back->brain.voxels, baseline.brain.voxels);
    EXPECT_EQ(back->brain.grid, baseline.head.grid);
    EXPECT_EQ(back->atlas_to_scan, baseline.atlas_to_scan);
    EXPECT_EQ(back->lesion_centre, baseline.lesion_centre);
    EXPECT_EQ(back->quality.mask_ml, 1400.0);
    EXPECT_EQ(back->quality.information_after, 0.75);
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{100}, bytes.size() - 1})
      EXPECT_EQ(DecodeBaseline(ByteView(bytes).first(size)).error().code, ErrorCode::kIntegrity) << size;
  }
}

}  // namespace
}  // namespace fedtrial::imaging
