#include "site_node/imaging/intensity.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fedtrial::imaging {

namespace {

constexpr std::size_t kMinVoxels = 1000;

}  // namespace

float Percentile(std::vector<float>& values, double percent) {
  const auto rank = static_cast<std::ptrdiff_t>(std::llround(percent / 100.0 * static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

std::vector<float> Inside(const Scan& scan, const Scan& mask) {
  std::vector<float> values;
  for (std::size_t i = 0; i < scan.voxels.size(); ++i)
    if (mask.voxels[i] > 0.5f && std::isfinite(scan.voxels[i])) values.push_back(scan.voxels[i]);
  return values;
}

Status Normalise(Scan& scan, const Scan& mask, double clip_low, double clip_high) {
  std::vector<float> values = Inside(scan, mask);
  if (values.size() < kMinVoxels)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} voxels of the brain were scanned, at least {} are needed", values.size(), kMinVoxels)};
  const float low = Percentile(values, clip_low), high = Percentile(values, clip_high);
  double sum = 0.0, squares = 0.0;
  for (const float v : values) sum += static_cast<double>(std::clamp(v, low, high));
  const double mean = sum / static_cast<double>(values.size());
  for (const float v : values) squares += std::pow(static_cast<double>(std::clamp(v, low, high)) - mean, 2);
  const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
  if (!(deviation > 1e-6 * std::abs(mean) && deviation > 0.0))
    return Error{ErrorCode::kInvalidInput, "the image is the same everywhere inside the brain"};
  for (std::size_t i = 0; i < scan.voxels.size(); ++i) {
    float& v = scan.voxels[i];
    const bool counts = mask.voxels[i] > 0.5f && std::isfinite(v);
    v = counts ? static_cast<float>((static_cast<double>(std::clamp(v, low, high)) - mean) / deviation) : 0.0f;
  }
  return {};
}

double SignalToNoise(const Scan& scan) {
  double sum = 0.0;
  for (const float v : scan.voxels) sum += static_cast<double>(v);
  const auto mean = static_cast<float>(sum / static_cast<double>(scan.voxels.size()));
  std::vector<float> bends;
  double signal = 0.0;
  const std::size_t nx = scan.grid.size[0];
  for (std::size_t i = 1; i + 1 < scan.voxels.size(); ++i) {
    if (i % nx == 0 || i % nx == nx - 1 || scan.voxels[i] <= mean) continue;
    bends.push_back(std::abs(scan.voxels[i - 1] - 2.0f * scan.voxels[i] + scan.voxels[i + 1]));
    signal += static_cast<double>(scan.voxels[i]);
  }
  if (bends.empty()) return 0.0;
  signal /= static_cast<double>(bends.size());
  const double noise = static_cast<double>(Percentile(bends, 50.0)) / (0.6745 * std::sqrt(6.0));
  return noise > 0.0 ? signal / noise : 0.0;
}

}  // namespace fedtrial::imaging
