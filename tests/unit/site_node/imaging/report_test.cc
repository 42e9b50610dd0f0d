#include "site_node/imaging/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "site_node/imaging/itk_guard.h"
#include "site_node/imaging/picture.h"
#include "site_node/imaging/settings.h"
#include "site_node/imaging/start_rotations.h"
#include "tests/unit/site_node/imaging/phantom.h"

namespace fedtrial::imaging {
namespace {

using ::testing::HasSubstr;

TEST(Settings, EverySettingChangesTheDigestAndTheKey) {
  const ImagingSettings base;
  EXPECT_EQ(SettingsDigest(base), SettingsDigest(ImagingSettings{}));
  for (const ImagingSettings& other : {ImagingSettings{.crop_mm = 95}, ImagingSettings{.voxels = 48},
                                       ImagingSettings{.clip_low = 1.0}, ImagingSettings{.clip_high = 99.0}})
    EXPECT_NE(SettingsDigest(other), SettingsDigest(base));
  const std::vector<Digest> one{Digest{1}}, two{Digest{1}, Digest{2}}, turned{Digest{2}, Digest{1}};
  EXPECT_NE(PreparationKey(one, base), PreparationKey(two, base));
  EXPECT_NE(PreparationKey(turned, base), PreparationKey(two, base));
  EXPECT_NE(PreparationKey(one, base), PreparationKey(one, ImagingSettings{.voxels = 48}));
}

TEST(Settings, EachBoundIsHeld) {
  EXPECT_TRUE(CheckSettings({}).ok());
  EXPECT_TRUE(CheckSettings({.crop_mm = 160, .voxels = 160, .clip_low = 0, .clip_high = 100}).ok());
  EXPECT_THAT(CheckSettings({.crop_mm = 31}).error().message, HasSubstr("crop_mm 31"));
  EXPECT_THAT(CheckSettings({.crop_mm = 161}).error().message, HasSubstr("crop_mm 161"));
  EXPECT_THAT(CheckSettings({.voxels = 97}).error().message, HasSubstr("voxels 97"));
  EXPECT_THAT(CheckSettings({.voxels = 15}).error().message, HasSubstr("voxels 15"));
  EXPECT_FALSE(CheckSettings({.clip_low = 50, .clip_high = 50}).ok());
  EXPECT_FALSE(CheckSettings({.clip_low = -1}).ok());
  EXPECT_FALSE(CheckSettings({.clip_high = 101}).ok());
  EXPECT_FALSE(CheckSettings({.clip_low = std::numeric_limits<double>::quiet_NaN()}).ok());
}

TEST(Report, ATransformIsFourRowsOfFourInLpsMillimetres) {
  const auto json = nlohmann::json::parse(TransformJson({kIdentity3, {1, 2, 3}}, "T1w", "atlas"));
  EXPECT_EQ(json["space"], "LPS");
  EXPECT_EQ(json["unit"], "mm");
  EXPECT_EQ(json["from"], "T1w");
  EXPECT_EQ(json["matrix"][1], (std::vector<double>{0, 1, 0, 2}));
  EXPECT_EQ(json["matrix"][3], (std::vector<double>{0, 0, 0, 1}));
}

TEST(Report, AFailedSeriesStandsWithItsReason) {
  PreparedVisit visit;
  visit.series.push_back({MriSequence::kT2, Error{ErrorCode::kInvalidInput, "scan.nii.gz: truncated"}});
  const auto json = nlohmann::json::parse(VisitJson(visit, {}));
  EXPECT_EQ(json["series"][0]["sequence"], "T2w");
  EXPECT_EQ(json["series"][0]["failed"], "scan.nii.gz: truncated");
  EXPECT_EQ(json["chain_version"], kChainVersion);
}

TEST(ItkGuard, ExceptionsBecomeErrorsWithoutPathOrAddress) {
  const Status status = GuardItk("a filter", []() -> Status {
    throw std::runtime_error("/build/itk/x.hxx:12:\nITK ERROR: Filter(0x55d0): only orthonormal directions\nmore");
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "a filter: only orthonormal directions");
  EXPECT_EQ(GuardItk("x", []() -> Status { throw std::bad_alloc(); }).error().code, ErrorCode::kUnavailable);
}

TEST(StartRotations, EveryTurnIsWithinReachOfOne) {
  const std::vector<Matrix3> starts = StartRotations();
  EXPECT_EQ(starts.size(), 168u);
  EXPECT_EQ(starts.front(), kIdentity3);
  for (const Matrix3& start : starts) EXPECT_NEAR(Determinant(start), 1.0, 1e-12);
}

TEST(Picture, TheSameScansGiveTheSamePngOfTheExpectedSize) {
  const Grid grid = RasGrid({50, 60, 40}, 3.0);
  const Scan scan = Ball(grid, 60.0);
  Scan brain = scan;
  for (float& v : brain.voxels) v = v > 0.0f ? 1.0f : 0.0f;
  const Picture row = SeriesRow({scan, scan, brain, nullptr, scan});
  EXPECT_EQ(row.width(), 5 * 50u + 2 * 50 + 2 * 60 + 9 * 4);
  EXPECT_EQ(row.height(), 64u);
  const Picture both = Stack({row, row});
  EXPECT_EQ(both.height(), 128u);
  const auto png = ToPng(both), again = ToPng(both);
  ASSERT_TRUE(png.ok() && again.ok());
  EXPECT_EQ(*png, *again);
  EXPECT_EQ(std::string(png->begin() + 1, png->begin() + 4), "PNG");
}

}  // namespace
}  // namespace fedtrial::imaging
