#include <cmath>
#include <gtest/gtest.h>

#include "site_node/imaging/atlas.h"
#include "site_node/imaging/baseline.h"
#include "site_node/imaging/bias.h"
#include "site_node/imaging/deface.h"
#include "site_node/imaging/head.h"
#include "site_node/imaging/nifti.h"
#include "site_node/imaging/orient.h"
#include "site_node/imaging/resample.h"
#include "site_node/imaging/sample_at.h"
#include "tests/unit/site_node/imaging/whole_chain/moving.h"

namespace fedtrial::imaging {
namespace {

constexpr double kDice = 0.95, kHausdorff = 5.0;  // mm; IMAGING.md section 1

class Masks : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(MriData()))
      GTEST_SKIP() << "the real head isn't shipped, and " << MriData() << " isn't there";
  }
};

// The mask that the chain makes of a scan, on the grid of `truth`.
Result<Scan> MaskOn(const Scan& scan, const Atlas& atlas, const Grid& grid) {
  ASSIGN_OR_RETURN(const Scan cropped, CropToHead(scan));
  ASSIGN_OR_RETURN(const Scan corrected, CorrectBias(cropped));
  ASSIGN_OR_RETURN(const Baseline baseline, MakeBaseline(corrected, atlas));
  const BrainQuality& q = baseline.quality;
  printf("mask %.0f ml, scale %.2f %.2f %.2f, likeness %.3f, rotation %.1f, heads %.3f, information %.3f to %.3f\n",
         q.mask_ml, q.affine_scale[0], q.affine_scale[1], q.affine_scale[2], q.atlas_likeness, q.rotation_deg,
         q.head_overlap, q.information_before, q.information_after);
  ASSIGN_OR_RETURN(Scan mask,
                   Resample(baseline.brain, grid, Inverse(baseline.atlas_to_scan), Interpolation::kLinear, 0.0f));
  for (float& v : mask.voxels) v = v > 0.5f ? 1.0f : 0.0f;
  return mask;
}

void ExpectAgrees(const Scan& mask, const Scan& truth) {
  const double dice = Dice(mask, truth), distance = Hausdorff95(mask, truth);
  printf("Dice %.4f, HD95 %.2f mm\n", dice, distance);
  EXPECT_GE(dice, kDice);
  EXPECT_LE(distance, kHausdorff);
}

TEST_F(Masks, TheAtlasOwnAgreesWithAnIndependentOne) {
  const double begin = CpuSeconds();
  const auto atlas = LoadAtlas();
  ASSERT_TRUE(atlas.ok()) << atlas.error().message;
  printf("atlas loaded in %.1f s CPU\n", CpuSeconds() - begin);
  const auto truth = OrientToRas(ReadNiftiMask(MriData() / "ch2_brainmask_net.nii.gz").value());
  ASSERT_TRUE(truth.ok()) << truth.error().message;
  ExpectAgrees(atlas->brain, *truth);
}

TEST_F(Masks, TheSampleHeadsAgreesWithAnIndependentOne) {
  const auto atlas = LoadAtlas();
  const auto base = ReadBaseHead();
  ASSERT_TRUE(atlas.ok() && base.ok());
  const double begin = CpuSeconds();
  const auto mask = MaskOn(base->image, *atlas, base->mask.grid);
  printf("%.1f s CPU\n", CpuSeconds() - begin);
  ASSERT_TRUE(mask.ok()) << mask.error().message;
  ExpectAgrees(*mask, base->mask);
}

TEST_F(Masks, AHeadWithALesionTurnedAndShiftedAgreesToo) {
  const auto atlas = LoadAtlas();
  const auto base = ReadBaseHead();
  ASSERT_TRUE(atlas.ok() && base.ok());
  const MovingCase& c = base->cases[3];
  const Scan moving = MakeMoving(*base, c);
  const auto mask = MaskOn(moving, *atlas, moving.grid);
  ASSERT_TRUE(mask.ok()) << mask.error().message;
  const auto truth = Resample(base->mask, moving.grid, Inverse(c.map), Interpolation::kNearest, 0.0f);
  ASSERT_TRUE(truth.ok()) << truth.error().message;
  ExpectAgrees(*mask, *truth);
}

// Only the atlas' package is needed.
TEST(Face, EyesNoseAndMouthGoAndTheBrainStays) {
  const auto atlas = LoadAtlas();
  ASSERT_TRUE(atlas.ok()) << atlas.error().message;
  const auto face = FaceMask(atlas->brain);
  ASSERT_TRUE(face.ok()) << face.error().message;
  const Scan faceless = Deface(atlas->head, *face);
  const Transform index = Inverse(IndexToWorld(atlas->head.grid));
  const auto at = [&](const Vec3& mni) {
    return *NearestVoxel(faceless.grid, Apply(index, {-mni[0], -mni[1], mni[2]}));
  };
  for (const Vec3& mni : {Vec3{34, 65, -38}, Vec3{-34, 65, -38}, Vec3{0, 85, -45}, Vec3{0, 75, -70}}) {
    EXPECT_GT(atlas->head.voxels[at(mni)], 10.0f) << mni[0] << " " << mni[1] << " " << mni[2];
    EXPECT_EQ(faceless.voxels[at(mni)], 0.0f) << mni[0] << " " << mni[1] << " " << mni[2];
  }
  for (std::size_t i = 0; i < faceless.voxels.size(); ++i) {
    if (atlas->brain.voxels[i] <= 0.5f) continue;
    ASSERT_EQ(faceless.voxels[i], atlas->head.voxels[i]);
  }
}

TEST_F(Masks, TheBiasFieldIsEvenedOut) {
  const auto base = ReadBaseHead();
  ASSERT_TRUE(base.ok());
  MovingCase c = base->cases[0];
  c.noise = 0.03;
  std::vector<float> bias;
  const Scan moving = MakeMoving(*base, c, &bias);
  const double begin = CpuSeconds();
  const auto corrected = CorrectBias(moving);
  printf("N4 %.1f s CPU\n", CpuSeconds() - begin);
  ASSERT_TRUE(corrected.ok()) << corrected.error().message;
  const auto brain = Resample(base->mask, moving.grid, Inverse(c.map), Interpolation::kNearest, 0.0f);
  ASSERT_TRUE(brain.ok());
  double n = 0, before = 0, before2 = 0, after = 0, after2 = 0;
  for (std::size_t i = 0; i < bias.size(); ++i) {
    if (brain->voxels[i] <= 0.5f || moving.voxels[i] <= 0.0f) continue;
    const double b = std::log(static_cast<double>(bias[i]));
    const double a = b + std::log(static_cast<double>(corrected->voxels[i] / moving.voxels[i]));
    n += 1, before += b, before2 += b * b, after += a, after2 += a * a;
  }
  const double spread_before = std::sqrt(before2 / n - before * before / n / n);
  const double spread_after = std::sqrt(after2 / n - after * after / n / n);
  printf("deviation of the log field in the brain: %.4f before, %.4f after\n", spread_before, spread_after);
  EXPECT_LT(spread_after, spread_before);
}

}  // namespace
}  // namespace fedtrial::imaging
