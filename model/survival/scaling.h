#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "model/survival/matrix.h"

namespace fedtrial {

// Per feature, of the observed values: deviation with divisor n, 1 for a constant feature. A feature that nobody has:
// mean 0, deviation 1.
struct Scaling {
  std::vector<double> mean;
  std::vector<double> deviation;  // > 0
};

// raw: one row a patient, NaN is missing. `rows` are those that count (the training patients); kInvalidInput on a row
// out of range or an infinite value.
Result<Scaling> FitScaling(const Matrix& raw, std::span<const std::size_t> rows);

// Sums of one feature over the patients who have it, of u = the value mapped from its range to [-1, 1]. Sites add.
struct FeatureSums {
  double count = 0.0;
  double sum = 0.0;
  double sum_squares = 0.0;
};
struct FeatureScale {
  double mean = 0.0;
  double deviation = 1.0;
};
// Back to the feature's own unit. A variance of u below 1e-9 is a constant feature: fixed-point sums carry no less.
// kInvalidInput if low >= high or a sum isn't finite.
Result<FeatureScale> ScaleFromSums(const FeatureSums& sums, double low, double high);

// (value - mean) / deviation; a missing value becomes 0, the mean. `row` and `scaling` have the same features.
void ScaleRow(std::span<double> row, const Scaling& scaling);
// kInvalidInput if the widths differ.
Result<Matrix> Scaled(Matrix raw, const Scaling& scaling);

}  // namespace fedtrial
