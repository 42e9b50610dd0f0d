#include "site_node/imaging/quality.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fedtrial::imaging {

namespace {

constexpr double kMinMask = 900.0, kMaxMask = 2000.0;  // ml
constexpr double kMinScale = 0.7, kMaxScale = 1.4;
constexpr double kMinLikeness = 0.4;
constexpr double kMaxRotation = 60.0;  // degrees: who lies on the back is far from it, upside down is beyond
constexpr double kMaxShift = 60.0;     // mm, within one session
constexpr double kMinBoxes = 0.6;
constexpr double kMinHeads = 0.8;
constexpr double kMinCovered = 0.5, kWholeBrain = 0.95;
constexpr double kThickSlice = 3.0;  // mm
constexpr double kGrainy = 10.0;

Status Wanted(bool fine, std::string_view what, double got, std::string_view wanted) {
  if (fine) return {};
  return Error{ErrorCode::kInvalidInput, fmt::format("{} is {:.3g}, wanted {}", what, got, wanted)};
}

}  // namespace

Status CheckBrain(const BrainQuality& quality) {
  RETURN_IF_ERROR(Wanted(quality.information_after >= quality.information_before, "mutual information with the atlas",
                         quality.information_after,
                         fmt::format("at least {:.3g}, that before registration", quality.information_before)));
  RETURN_IF_ERROR(Wanted(quality.rotation_deg <= kMaxRotation, "rotation against the atlas in degrees",
                         quality.rotation_deg, fmt::format("at most {}", kMaxRotation)));
  for (const double scale : quality.affine_scale)
    RETURN_IF_ERROR(Wanted(scale >= kMinScale && scale <= kMaxScale, "size of the head against the atlas", scale,
                           fmt::format("{}-{}", kMinScale, kMaxScale)));
  RETURN_IF_ERROR(Wanted(quality.head_overlap >= kMinHeads, "overlap of head and atlas", quality.head_overlap,
                         fmt::format("at least {}", kMinHeads)));
  RETURN_IF_ERROR(Wanted(quality.mask_ml >= kMinMask && quality.mask_ml <= kMaxMask, "volume of the brain mask in ml",
                         quality.mask_ml, fmt::format("{}-{}", kMinMask, kMaxMask)));
  return Wanted(quality.atlas_likeness >= kMinLikeness, "likeness to the atlas inside the brain",
                quality.atlas_likeness, fmt::format("at least {}: is this a T1 of a head?", kMinLikeness));
}

Status CheckSeries(const SeriesQuality& quality, bool same_session) {
  RETURN_IF_ERROR(Wanted(quality.information_after >= quality.information_before,
                         "mutual information with the baseline", quality.information_after,
                         fmt::format("at least {:.3g}, that before registration", quality.information_before)));
  RETURN_IF_ERROR(Wanted(quality.rotation_deg <= kMaxRotation, "rotation against the baseline in degrees",
                         quality.rotation_deg, fmt::format("at most {}", kMaxRotation)));
  if (same_session)
    RETURN_IF_ERROR(Wanted(quality.shift_mm <= kMaxShift, "shift against the baseline in mm", quality.shift_mm,
                           fmt::format("at most {}", kMaxShift)));
  RETURN_IF_ERROR(Wanted(quality.box_overlap >= kMinBoxes, "overlap of the head boxes", quality.box_overlap,
                         fmt::format("at least {}", kMinBoxes)));
  RETURN_IF_ERROR(Wanted(quality.head_overlap >= kMinHeads, "overlap of the heads", quality.head_overlap,
                         fmt::format("at least {}", kMinHeads)));
  return Wanted(quality.covered >= kMinCovered, "share of the brain that was scanned", quality.covered,
                fmt::format("at least {}", kMinCovered));
}

std::vector<std::string> SeriesWarnings(const SeriesQuality& quality) {
  std::vector<std::string> warnings;
  const double thickest = *std::max_element(quality.spacing_mm.begin(), quality.spacing_mm.end());
  if (thickest > kThickSlice)
    warnings.push_back(fmt::format("slices of {:.1f} mm: at most {} mm are wanted", thickest, kThickSlice));
  if (quality.covered < kWholeBrain)
    warnings.push_back(fmt::format("{:.0f} % of the brain were scanned", 100.0 * quality.covered));
  if (quality.signal_to_noise < kGrainy)
    warnings.push_back(
        fmt::format("signal to noise is {:.1f}: at least {} is wanted", quality.signal_to_noise, kGrainy));
  return warnings;
}

double Correlation(const Scan& one, const Scan& other, const Scan& mask) {
  double n = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < mask.voxels.size(); ++i) {
    if (mask.voxels[i] <= 0.5f || !std::isfinite(one.voxels[i]) || !std::isfinite(other.voxels[i])) continue;
    const double x = static_cast<double>(one.voxels[i]), y = static_cast<double>(other.voxels[i]);
    n += 1.0, a += x, b += y, aa += x * x, bb += y * y, ab += x * y;
  }
  const double spread = (n * aa - a * a) * (n * bb - b * b);
  return spread > 0.0 ? (n * ab - a * b) / std::sqrt(spread) : 0.0;
}

double MaskMillilitres(const Scan& mask) {
  const auto set =
      static_cast<double>(std::count_if(mask.voxels.begin(), mask.voxels.end(), [](float v) { return v > 0.5f; }));
  return set * mask.grid.spacing[0] * mask.grid.spacing[1] * mask.grid.spacing[2] / 1000.0;
}

}  // namespace fedtrial::imaging
