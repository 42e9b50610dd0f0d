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

Result<std::vector<Recalibration>> NewtonStep(std::span<const RecalibrationSums> sums,
                                              std::span<const Recalibration> at, double towards_one) {
  constexpr double kLongestIntercept = 2.0, kLongestSlope = 0.5;
  constexpr double kSmallestSpread = 1e-9;  // of the logits, beside their size: all alike below it
  const Error undetermined{ErrorCode::kInvalidInput, "recalibration: the sums don't determine intercepts and a slope"};
  if (sums.empty()) return undetermined;
  // Of the slope once the intercepts follow it.
  double score = -towards_one * (at.front().slope - 1.0), information = 0.0, size = 0.0;
  for (const RecalibrationSums& one : sums) {
    const auto [aa, ab, bb] = one.information;
    if (!(aa > 0.0)) return undetermined;
    score += one.score[1] - ab * one.score[0] / aa;
    information += bb - ab * ab / aa;
    size += bb;
  }
  if (!std::isfinite(score) || !std::isfinite(information) || !(information > kSmallestSpread * size))
    return undetermined;
  const double slope = score / (information + towards_one);
  double whole = std::max(1.0, std::abs(slope) / kLongestSlope);
  std::vector<double> intercepts;
  for (const RecalibrationSums& one : sums) {
    intercepts.push_back((one.score[0] - one.information[1] * slope) / one.information[0]);
    whole = std::max(whole, std::abs(intercepts.back()) / kLongestIntercept);
  }
  std::vector<Recalibration> next(at.begin(), at.end());
  for (std::size_t l = 0; l < next.size(); ++l) {
    next[l].intercept += intercepts[l] / whole;
    next[l].slope += slope / whole;
  }
  return next;
}

std::vector<Recalibration> RecalibrationsFrom(std::span<const double> values, std::size_t landmarks) {
  std::vector<Recalibration> recalibrations;
  for (const std::size_t columns = values.size() / landmarks; !values.empty(); values = values.subspan(columns))
    recalibrations.push_back(
        {values[0], values[1], {values.begin() + 2, values.begin() + static_cast<std::ptrdiff_t>(columns)}});
  return recalibrations;
}

std::vector<double> ValuesOf(std::span<const Recalibration> recalibrations) {
  std::vector<double> values;
  for (const Recalibration& one : recalibrations) {
    values.insert(values.end(), {one.intercept, one.slope});
    values.insert(values.end(), one.centre.begin(), one.centre.end());
  }
  return values;
}

bool IsUsable(const Recalibration& recalibration) {
  constexpr double kLargest = 20.0, kFarthest = 100.0;
  for (const double centre : recalibration.centre)
    if (!(std::abs(centre) <= kFarthest)) return false;
  return std::abs(recalibration.intercept) <= kLargest && recalibration.slope >= 1.0 / kLargest &&
         recalibration.slope <= kLargest;  // false of NaN
}

}  // namespace fedtrial
