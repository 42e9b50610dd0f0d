#include "model/survival/recalibration.h"

#include <algorithm>
#include <cmath>

namespace fedtrial {

void AddLogits(std::span<const double> logits, const GridPlace& place, double weight, LogitSums& sums) {
  for (std::size_t k = 0; k < place.at_risk; ++k) {
    sums.at_risk[k] += weight;
    sums.logits[k] += weight * logits[k];
  }
}

std::vector<double> CentresOf(const LogitSums& sums) {
  std::vector<double> centres;
  std::size_t empty = 0;  // bins before the first with somebody
  for (std::size_t k = 0; k < sums.at_risk.size(); ++k) {
    if (!std::isfinite(sums.at_risk[k]) || !std::isfinite(sums.logits[k])) return {};
    if (sums.at_risk[k] > 0.0) {
      const double mean = sums.logits[k] / sums.at_risk[k];
      centres.insert(centres.end(), empty + 1, mean);
      empty = 0;
    } else if (centres.empty()) {
      ++empty;
    } else {
      centres.push_back(centres.back());
    }
  }
  return centres;
}

void AddPersonPeriods(std::span<const double> logits, const GridPlace& place, const Recalibration& at, double weight,
                      RecalibrationSums& sums) {
  if (place.event) sums.events += weight;
  for (std::size_t k = 0; k < place.at_risk; ++k) {
    const double deviation = logits[k] - at.CentreOf(k);
    const double hazard = 1.0 / (1.0 + std::exp(-at.At(k, logits[k])));
    const double left = (place.event && k + 1 == place.at_risk ? 1.0 : 0.0) - hazard;
    const double variance = hazard * (1.0 - hazard);
    sums.score[0] += weight * left;
    sums.score[1] += weight * left * deviation;
    sums.information[0] += weight * variance;
    sums.information[1] += weight * variance * deviation;
    sums.information[2] += weight * variance * deviation * deviation;
  }
}

Result<Recalibration> NewtonStep(const RecalibrationSums& sums, const Recalibration& at, double towards_one) {
  constexpr double kLongestIntercept = 2.0, kLongestSlope = 0.5;
  constexpr double kSmallestSpread = 1e-9;  // of the logits, beside their size: all alike below it
  const auto [aa, ab, bb] = sums.information;
  const double determinant = aa * bb - ab * ab;
  if (!std::isfinite(determinant) || !(aa > 0.0) || !(determinant > kSmallestSpread * aa * bb) ||
      !std::isfinite(sums.score[0]) || !std::isfinite(sums.score[1]))
    return Error{ErrorCode::kInvalidInput, "recalibration: the sums don't determine an intercept and a slope"};
  const double score = sums.score[1] - towards_one * (at.slope - 1.0);
  const double penalised = determinant + aa * towards_one;
  const double intercept = ((bb + towards_one) * sums.score[0] - ab * score) / penalised;
  const double slope = (aa * score - ab * sums.score[0]) / penalised;
  const double whole = std::max({1.0, std::abs(intercept) / kLongestIntercept, std::abs(slope) / kLongestSlope});
  return Recalibration{at.intercept + intercept / whole, at.slope + slope / whole, at.centre};
}

bool IsUsable(const Recalibration& recalibration) {
  constexpr double kLargest = 20.0, kFarthest = 100.0;
  for (const double centre : recalibration.centre)
    if (!(std::abs(centre) <= kFarthest)) return false;
  return std::abs(recalibration.intercept) <= kLargest && recalibration.slope >= 1.0 / kLargest &&
         recalibration.slope <= kLargest;  // false of NaN
}

}  // namespace fedtrial
