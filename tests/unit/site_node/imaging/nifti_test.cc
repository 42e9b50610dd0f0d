#include "site_node/imaging/nifti.h"

#include <bit>
#include <chrono>
#include <cstring>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "site_node/imaging/gzip.h"
#include "site_node/imaging/orient.h"
#include "tests/support/text_files.h"
#include "tests/unit/site_node/imaging/phantom.h"

namespace fedtrial::imaging {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

void Put(Bytes& bytes, std::size_t at, std::int16_t value) { std::memcpy(&bytes[at], &value, 2); }
void Put(Bytes& bytes, std::size_t at, float value) { std::memcpy(&bytes[at], &value, 4); }

// The bytes of a good file, 60 x 60 x 20 voxels of 2 mm, not packed; data are floats from byte 352.
Bytes GoodFile() {
  const TestFolder folder("good");
  EXPECT_TRUE(WriteNifti(folder / "a.nii.gz", Ball(RasGrid({60, 60, 20}, 2.0), 50.0)).ok());
  const std::string packed = ReadText(folder / "a.nii.gz");
  return GunzipWhole(AsBytes(packed), 352 + 60 * 60 * 20 * 4).value();
}

// What the reader says of a good file that was changed.
std::string Refusal(const std::function<void(Bytes&)>& change) {
  const TestFolder folder("refusal");
  Bytes bytes = GoodFile();
  change(bytes);
  WriteText(folder / "scan.nii", std::string(AsText(bytes)));
  const auto read = ReadNifti(folder / "scan.nii");
  if (read.ok()) return "";
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(read.error().message, ::testing::StartsWith("scan.nii: "));
  return read.error().message;
}

TEST(Nifti, WhatIsWrittenIsReadBackInItsPlace) {
  const TestFolder folder("roundtrip");
  const Scan scan = Ball(RasGrid({60, 50, 20}, 2.5), 50.0);
  ASSERT_TRUE(WriteNifti(folder / "scan.nii.gz", scan).ok());
  const auto read = ReadNifti(folder / "scan.nii.gz");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->scan.voxels, scan.voxels);
  EXPECT_EQ(read->scan.grid.size, scan.grid.size);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(read->scan.grid.origin[k], scan.grid.origin[k], 1e-4);
  EXPECT_EQ(read->scan.grid.direction, scan.grid.direction);
  EXPECT_THAT(read->warnings, IsEmpty());
}

TEST(Nifti, TheSameScanGivesTheSameFileWithoutTextOrTime) {
  const TestFolder folder("same");
  const Scan scan = Ball(RasGrid({60, 60, 20}, 2.0), 50.0);
  ASSERT_TRUE(WriteNifti(folder / "a.nii.gz", scan).ok());
  ASSERT_TRUE(WriteNifti(folder / "b.nii.gz", scan).ok());
  const std::string a = ReadText(folder / "a.nii.gz");
  EXPECT_EQ(a, ReadText(folder / "b.nii.gz"));
  EXPECT_EQ(a.substr(3, 5), std::string(5, '\0'));  // gzip: no name, time 0
  const Bytes plain = GoodFile();
  for (std::size_t i = 148; i < 252; ++i) EXPECT_EQ(plain[i], 0) << i;  // descrip, aux_file
}

TEST(Nifti, EveryNumberTypeIsScaledAndEitherByteOrderRead) {
  const auto first_voxel = [](const std::function<void(Bytes&)>& change) {
    const TestFolder folder("types");
    Bytes bytes = GoodFile();
    change(bytes);
    WriteText(folder / "scan.nii", std::string(AsText(bytes)));
    const auto read = ReadNifti(folder / "scan.nii");
    EXPECT_TRUE(read.ok()) << read.error().message;
    return read.ok() ? read->scan.voxels.front() : -1.0f;
  };
  const auto as = [](std::int16_t type, std::size_t size, std::uint64_t raw) {
    return [=](Bytes& bytes) {
      Put(bytes, 70, type);
      Put(bytes, 112, 2.0f);
      Put(bytes, 116, 10.0f);
      bytes.resize(352 + 60 * 60 * 20 * size, 0);
      std::fill(bytes.begin() + 352, bytes.end(), std::uint8_t{0});
      std::memcpy(&bytes[352], &raw, size);
    };
  };
  EXPECT_EQ(first_voxel(as(2, 1, 200)), 410.0f);
  EXPECT_EQ(first_voxel(as(256, 1, 0xff)), 8.0f);
  EXPECT_EQ(first_voxel(as(4, 2, 0xfffe)), 6.0f);
  EXPECT_EQ(first_voxel(as(512, 2, 0xffff)), 131080.0f);
  EXPECT_EQ(first_voxel(as(8, 4, 0xffffffff)), 8.0f);
  EXPECT_EQ(first_voxel(as(768, 4, 3)), 16.0f);
  EXPECT_EQ(first_voxel(as(64, 8, std::bit_cast<std::uint64_t>(0.25))), 10.5f);
  EXPECT_EQ(first_voxel([](Bytes& bytes) {
              Put(bytes, 112, std::numeric_limits<float>::quiet_NaN());
              Put(bytes, 352, 7.0f);
            }),
            7.0f);
}

TEST(Nifti, TheSformIsTakenAndADisagreeingQformIsSaid) {
  const TestFolder folder("forms");
  Bytes bytes = GoodFile();
  Put(bytes, 252, std::int16_t{1});  // a qform of no rotation: other signs than the sform's
  WriteText(folder / "scan.nii", std::string(AsText(bytes)));
  const auto read = ReadNifti(folder / "scan.nii");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->scan.grid.direction, RasGrid({60, 60, 20}, 2.0).direction);
  EXPECT_THAT(read->warnings, ::testing::ElementsAre(HasSubstr("left and right may be swapped")));
  Put(bytes, 254, std::int16_t{0});
  WriteText(folder / "scan.nii", std::string(AsText(bytes)));
  const auto by_qform = ReadNifti(folder / "scan.nii");
  ASSERT_TRUE(by_qform.ok());
  EXPECT_EQ(by_qform->scan.grid.spacing, (Vec3{2, 2, 2}));
  EXPECT_THAT(by_qform->warnings, IsEmpty());
}

TEST(Nifti, WrongDimensionsAreRefused) {
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 40, std::int16_t{2}); }), HasSubstr("2 dimensions"));
  EXPECT_THAT(Refusal([](Bytes& b) {
                Put(b, 40, std::int16_t{4});
                Put(b, 48, std::int16_t{30});
              }),
              HasSubstr("dimension 4 has 30 entries"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 42, std::int16_t{-5}); }), HasSubstr("dimension 1 has -5 voxels"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 42, std::int16_t{1}); }), HasSubstr("at least 3 voxels"));
  EXPECT_THAT(Refusal([](Bytes& b) {
                for (std::size_t at : {42, 44, 46}) Put(b, at, std::int16_t{32767});
              }),
              HasSubstr("more than 50000000 voxels"));
}

TEST(Nifti, SpacingAndExtentOutOfBoundsAreRefused) {
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 280, 0.0f); }), HasSubstr("spacing along axis 0 is 0"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 320, 12.0f); }),
              HasSubstr("spacing 12 mm along axis 2 is outside (0, 10]"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 280, 0.5f); }), HasSubstr("a head needs 100 mm along two axes"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 280, std::numeric_limits<float>::infinity()); }), HasSubstr("not finite"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 292, std::numeric_limits<float>::quiet_NaN()); }),
              HasSubstr("origin is not finite"));
}

TEST(Nifti, MissingOrientationAndSkewedAxesAreRefused) {
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 254, std::int16_t{0}); }), HasSubstr("no orientation"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 284, 0.5f); }), HasSubstr("not at right angles"));
}

TEST(Nifti, VoxelsThatAreNotFiniteOrAllEqualAreRefused) {
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 352 + 4 * 61, std::numeric_limits<float>::quiet_NaN()); }),
              HasSubstr("voxel (1, 1, 0) is not finite"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 352, -std::numeric_limits<float>::infinity()); }),
              HasSubstr("voxel (0, 0, 0) is not finite"));
  EXPECT_THAT(Refusal([](Bytes& b) { std::fill(b.begin() + 352, b.end(), std::uint8_t{0}); }),
              HasSubstr("the same everywhere"));
}

TEST(Nifti, OtherFormatsAndTypesAreRefused) {
  EXPECT_THAT(Refusal([](Bytes& b) { b.resize(100); }), HasSubstr("a NIfTI header has 348"));
  EXPECT_THAT(Refusal([](Bytes& b) { b[344] = 'x'; }), HasSubstr("not a NIfTI-1 file"));
  EXPECT_THAT(Refusal([](Bytes& b) { b[0] = 540 & 0xff, b[1] = 540 >> 8; }), HasSubstr("NIfTI-2"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 70, std::int16_t{128}); }), HasSubstr("data type 128"));
  EXPECT_THAT(Refusal([](Bytes& b) { Put(b, 108, 12.0f); }), HasSubstr("vox_offset 12"));
}

TEST(Nifti, AFileShorterOrLongerThanItsHeaderSaysIsRefused) {
  EXPECT_THAT(Refusal([](Bytes& b) { b.resize(b.size() - 100); }), HasSubstr("its header wants"));
  EXPECT_THAT(Refusal([](Bytes& b) { b.push_back(0); }), HasSubstr("its header wants"));
}

std::string PackedRefusal(const Bytes& packed) {
  const TestFolder folder("packed");
  WriteText(folder / "scan.nii.gz", std::string(AsText(packed)));
  const auto read = ReadNifti(folder / "scan.nii.gz");
  return read.ok() ? "" : read.error().message;
}

TEST(Nifti, ATruncatedOrDamagedGzipIsRefused) {
  Bytes packed = Gzip(GoodFile());
  EXPECT_EQ(PackedRefusal(packed), "");
  Bytes cut = packed;
  cut.resize(packed.size() / 2);
  EXPECT_THAT(PackedRefusal(cut), HasSubstr("truncated"));
  Bytes flipped = packed;
  flipped[flipped.size() - 6] ^= 0xff;  // the CRC
  EXPECT_THAT(PackedRefusal(flipped), HasSubstr("damaged"));
  Bytes longer = GoodFile();
  longer.resize(longer.size() + 10);
  EXPECT_THAT(PackedRefusal(Gzip(longer)), HasSubstr("longer than"));
  EXPECT_THAT(PackedRefusal({0x1f, 0x8b}), HasSubstr("truncated"));
}

TEST(Nifti, ABombIsRefusedBeforeItIsUnpacked) {
  Bytes bytes = GoodFile();
  for (std::size_t at : {42, 44, 46}) Put(bytes, at, std::int16_t{360});
  Put(bytes, 70, std::int16_t{2});
  bytes.resize(352 + std::size_t{360} * 360 * 360, 0);
  const Bytes packed = Gzip(bytes);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(PackedRefusal(packed), HasSubstr("taken for a bomb"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST(Nifti, AMaskMayBeEmptyAndPacksFarBetter) {
  const TestFolder folder("mask");
  Scan mask{RasGrid({200, 200, 100}, 1.0), std::vector<float>(4'000'000, 0.0f)};
  ASSERT_TRUE(WriteNifti(folder / "mask.nii.gz", mask, /*mask=*/true).ok());
  const auto read = ReadNiftiMask(folder / "mask.nii.gz");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->voxels, mask.voxels);
}

TEST(Nifti, AMissingFileIsSaid) {
  EXPECT_THAT(ReadNifti("/nowhere/scan.nii.gz").error().message, ::testing::StartsWith("scan.nii.gz: can't be read"));
}

TEST(Orientation, VoxelsAreRenumberedAndStayWhereTheyAre) {
  Scan scan{RasGrid({40, 60, 50}, 2.5), std::vector<float>(120'000, 0.0f)};
  scan.grid.direction = {{{0, 0, 1}, {-1, 0, 0}, {0, 1, 0}}};  // towards front, head, left
  scan.voxels[Offset(scan.grid, 7, 11, 13)] = 5.0f;
  const Vec3 place = Apply(IndexToWorld(scan.grid), {7, 11, 13});
  const auto turned = OrientToRas(scan);
  ASSERT_TRUE(turned.ok()) << turned.error().message;
  EXPECT_EQ(turned->grid.size, (std::array<std::size_t, 3>{50, 40, 60}));
  EXPECT_EQ(turned->grid.direction, RasGrid({1, 1, 1}, 1).direction);
  const Vec3 index = Apply(Inverse(IndexToWorld(turned->grid)), place);
  EXPECT_EQ(turned->voxels[Offset(turned->grid, static_cast<std::size_t>(std::lround(index[0])),
                                  static_cast<std::size_t>(std::lround(index[1])),
                                  static_cast<std::size_t>(std::lround(index[2])))],
            5.0f);
}

}  // namespace
}  // namespace fedtrial::imaging
