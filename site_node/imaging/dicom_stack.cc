#include "site_node/imaging/dicom_stack.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

namespace fedtrial::imaging {

namespace {

constexpr double kStepShare = 0.01, kStepMm = 0.1;  // a step may be off by the larger of the two
constexpr double kSamePlace = 1e-3;                 // mm
constexpr double kDriftMm = 0.01;                   // in plane, a slice
constexpr double kSameAxis = 1e-3;

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

double Dot(const Vec3& a, const Vec3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vec3 Cross(const Vec3& a, const Vec3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

Status CheckAlike(const std::vector<SliceHeader>& slices) {
  const SliceHeader& first = slices.front();
  for (const SliceHeader& slice : slices) {
    if (slice.patient != first.patient) return Refused("slices of two patients in one series");
    if (slice.rows != first.rows || slice.columns != first.columns) return Refused("slices of different size");
    for (std::size_t k = 0; k < 2; ++k) {
      if (std::abs(slice.spacing[k] - first.spacing[k]) > kSameAxis) return Refused("slices of different spacing");
      for (std::size_t c = 0; c < 3; ++c)
        if (std::abs((*slice.orientation)[k][c] - (*first.orientation)[k][c]) > kSameAxis)
          return Refused("slices of different orientation: a localiser?");
    }
  }
  return {};
}

// How many were dropped.
std::size_t DropSameInstances(std::vector<SliceHeader>& slices) {
  std::set<std::string> seen;
  return std::erase_if(
      slices, [&](const SliceHeader& s) { return !s.sop_instance.empty() && !seen.insert(s.sop_instance).second; });
}

Result<double> MedianStep(const std::vector<double>& along) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < along.size(); ++i) steps.push_back(along[i] - along[i - 1]);
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i] < kSamePlace)
      return Refused(
          fmt::format("slices {} and {} lie at one place: several echoes or times in one series", i + 1, i + 2));
  std::vector<double> sorted = steps;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
  const double median = sorted[sorted.size() / 2];
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (std::abs(steps[i] - median) > std::max(kStepMm, kStepShare * median))
      return Refused(fmt::format("slices {} and {} lie {:.2f} mm apart, the others {:.2f} mm: slices are missing",
                                 i + 1, i + 2, steps[i], median));
  return median;
}

Status CheckStraight(const std::vector<SliceHeader>& slices, const std::array<Vec3, 2>& axes) {
  const Vec3 &low = *slices.front().position, &high = *slices.back().position;
  const Vec3 way{high[0] - low[0], high[1] - low[1], high[2] - low[2]};
  const double drift = std::hypot(Dot(way, axes[0]), Dot(way, axes[1])) / static_cast<double>(slices.size() - 1);
  if (drift > kDriftMm)
    return Refused(
        fmt::format("tilted: each slice is shifted by {:.3f} mm in its plane, at most {} are read", drift, kDriftMm));
  return {};
}

}  // namespace

Result<SliceStack> StackSlices(std::vector<SliceHeader> slices) {
  SliceStack stack;
  if (const std::size_t dropped = DropSameInstances(slices); dropped > 0)
    stack.warnings.push_back(fmt::format("{} slices were there twice", dropped));
  if (slices.size() < 3) return Refused(fmt::format("{} slices: at least 3 make a volume", slices.size()));
  for (const SliceHeader& slice : slices) RETURN_IF_ERROR(CheckSlice(slice));
  RETURN_IF_ERROR(CheckAlike(slices));
  const std::array<Vec3, 2> axes = *slices.front().orientation;
  const Vec3 normal = Cross(axes[0], axes[1]);
  std::stable_sort(slices.begin(), slices.end(), [&](const SliceHeader& a, const SliceHeader& b) {
    return Dot(*a.position, normal) < Dot(*b.position, normal);
  });
  std::vector<double> along;
  for (const SliceHeader& slice : slices) along.push_back(Dot(*slice.position, normal));
  ASSIGN_OR_RETURN(const double step, MedianStep(along));
  RETURN_IF_ERROR(CheckStraight(slices, axes));
  if (std::any_of(slices.begin(), slices.end(), [](const SliceHeader& s) { return s.lossy; }))
    stack.warnings.push_back("compressed with loss (0028,2110)");
  Grid& grid = stack.grid;
  grid.size = {slices.front().columns, slices.front().rows, slices.size()};
  grid.spacing = {slices.front().spacing[0], slices.front().spacing[1], step};
  grid.origin = *slices.front().position;
  for (std::size_t r = 0; r < 3; ++r) grid.direction[r] = {axes[0][r], axes[1][r], normal[r]};
  stack.slices = std::move(slices);
  return stack;
}

}  // namespace fedtrial::imaging
