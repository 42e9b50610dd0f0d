#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// A case of ../shared/data/mri/known_transforms.json.
struct MovingCase {
  std::string name;
  Transform map;  // LPS: a point of the base head to the same tissue in the moving one
  std::string curve = "same";
  Vec3 spacing{1, 1, 1};
  double noise = 0.03, bias = 0.2;
  std::optional<Vec3> lesion;  // LPS
  std::uint64_t seed = 1;
  Vec3 oblique_deg{};       // about the axes of RAS
  Vec3 fov_shift{};         // RAS
  double coverage = 200.0;  // mm along the third axis
};

// The real head with its independent brain mask, both to RAS.
struct BaseHead {
  Scan image, mask;
  Vec3 centre{};  // LPS
  std::vector<MovingCase> cases;
};

std::filesystem::path MriData();  // ../shared/data/mri, there or not
Result<BaseHead> ReadBaseHead();

// As make_moving.py makes it, but for the random numbers: tissue curve, smooth bias, Rician noise, rounded.
// `bias`: the factor of each voxel, where wanted.
Scan MakeMoving(const BaseHead& base, const MovingCase& c, std::vector<float>* bias = nullptr);

// Rotation by degrees about the axes of RAS (z after x after y, as make_moving.py) about the centre, then a shift in
// RAS.
Transform Turn(const BaseHead& base, const Vec3& degrees, const Vec3& shift_mm);

// What registration may miss a known transform by (IMAGING.md section 1). One anatomy, no distortion of a scanner: a
// floor, gated as a test of the code.
inline constexpr double kMeanMm = 0.4, kMaxMm = 0.8;

// How far `found` maps the points of the brain from where `truth` does, mm.
struct Distance {
  double mean = 0.0, max = 0.0;
};
Distance Between(const Transform& found, const Transform& truth, const Scan& brain);

// Overlap of two masks on one grid, 0..1, and the 95th percentile of the distances between their surfaces, mm.
double Dice(const Scan& one, const Scan& other);
double Hausdorff95(const Scan& one, const Scan& other);

double CpuSeconds();  // of this process
double PeakMegabytes();

}  // namespace fedtrial::imaging
