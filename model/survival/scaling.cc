#include "model/survival/scaling.h"

#include <cmath>
#include <fmt/format.h>

namespace fedtrial {
namespace {

constexpr double kConstantVariance = 1e-9;  // of values mapped to [-1, 1]

Result<FeatureScale> FitFeature(const Matrix& raw, std::span<const std::size_t> rows, std::size_t feature) {
  double count = 0.0;
  double sum = 0.0;
  for (const std::size_t row : rows) {
    const double value = raw(row, feature);
    if (std::isinf(value))
      return Error{ErrorCode::kInvalidInput, fmt::format("scaling: feature {} has an infinite value", feature)};
    if (std::isnan(value)) continue;
    count += 1.0;
    sum += value;
  }
  if (count == 0.0) return FeatureScale{};
  FeatureScale scale{sum / count, 1.0};
  double squares = 0.0;
  for (const std::size_t row : rows) {
    const double difference = raw(row, feature) - scale.mean;
    if (!std::isnan(difference)) squares += difference * difference;
  }
  if (squares > 0.0) scale.deviation = std::sqrt(squares / count);
  return scale;
}

}  // namespace

Result<Scaling> FitScaling(const Matrix& raw, std::span<const std::size_t> rows) {
  for (const std::size_t row : rows)
    if (row >= raw.rows)
      return Error{ErrorCode::kInvalidInput, fmt::format("scaling: row {} of a table of {} rows", row, raw.rows)};
  Scaling scaling;
  for (std::size_t j = 0; j < raw.cols; ++j) {
    ASSIGN_OR_RETURN(const FeatureScale scale, FitFeature(raw, rows, j));
    scaling.mean.push_back(scale.mean);
    scaling.deviation.push_back(scale.deviation);
  }
  return scaling;
}

Result<FeatureScale> ScaleFromSums(const FeatureSums& sums, double low, double high) {
  if (!std::isfinite(low) || !std::isfinite(high) || low >= high)
    return Error{ErrorCode::kInvalidInput, fmt::format("scaling: the range is {} to {}, wanted low < high", low, high)};
  if (!std::isfinite(sums.count) || !std::isfinite(sums.sum) || !std::isfinite(sums.sum_squares) || sums.count < 0.0)
    return Error{ErrorCode::kInvalidInput, "scaling: a sum is not finite or the count is negative"};
  if (sums.count < 0.5) return FeatureScale{};
  const double half_range = (high - low) / 2.0;
  const double mean = sums.sum / sums.count;
  const double variance = sums.sum_squares / sums.count - mean * mean;
  return FeatureScale{low + (mean + 1.0) * half_range,
                      variance < kConstantVariance ? 1.0 : std::sqrt(variance) * half_range};
}

void ScaleRow(std::span<double> row, const Scaling& scaling) {
  for (std::size_t j = 0; j < row.size(); ++j)
    row[j] = std::isnan(row[j]) ? 0.0 : (row[j] - scaling.mean[j]) / scaling.deviation[j];
}

Result<Matrix> Scaled(Matrix raw, const Scaling& scaling) {
  if (scaling.mean.size() != raw.cols || scaling.deviation.size() != raw.cols)
    return Error{ErrorCode::kInvalidInput, fmt::format("scaling: {} means and {} deviations for {} features",
                                                       scaling.mean.size(), scaling.deviation.size(), raw.cols)};
  for (std::size_t i = 0; i < raw.rows; ++i) ScaleRow(raw.row(i), scaling);
  return raw;
}

}  // namespace fedtrial
