#include "model/survival/matrix.h"

#include <cmath>
#include <fmt/format.h>

namespace fedtrial {
namespace {

// A pivot below this share of its diagonal is rounding error: the column is a copy of those before it.
constexpr double kRankTolerance = 1e-13;

}  // namespace

std::vector<double> LinearPredictor(const Matrix& x, std::span<const double> beta) {
  std::vector<double> out(x.rows);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const auto row = x.row(i);
    for (std::size_t j = 0; j < x.cols; ++j) out[i] += row[j] * beta[j];
  }
  return out;
}

Result<Cholesky> Cholesky::Of(const Matrix& a) {
  if (a.rows != a.cols)
    return Error{ErrorCode::kInvalidInput, fmt::format("a {} x {} matrix is not square", a.rows, a.cols)};
  Matrix lower(a.rows, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= lower(i, k) * lower(j, k);
      if (j < i) {
        lower(i, j) = sum / lower(j, j);
      } else if (sum > kRankTolerance * a(i, i) && std::isfinite(sum)) {
        lower(i, i) = std::sqrt(sum);
      } else {
        return Error{ErrorCode::kInvalidInput, fmt::format("the matrix is singular at column {}", i)};
      }
    }
  }
  return Cholesky(std::move(lower));
}

std::vector<double> Cholesky::Solve(std::span<const double> right) const {
  const std::size_t n = lower_.rows;
  std::vector<double> x(right.begin(), right.end());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) x[i] -= lower_(i, k) * x[k];
    x[i] /= lower_(i, i);
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) x[i] -= lower_(k, i) * x[k];
    x[i] /= lower_(i, i);
  }
  return x;
}

Matrix Cholesky::Inverse() const {
  const std::size_t n = lower_.rows;
  Matrix inverse(n, n);
  std::vector<double> unit(n);
  for (std::size_t j = 0; j < n; ++j) {
    unit[j] = 1.0;
    const std::vector<double> column = Solve(unit);
    for (std::size_t i = 0; i < n; ++i) inverse(i, j) = column[i];
    unit[j] = 0.0;
  }
  return inverse;
}

}  // namespace fedtrial
