#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/result.h"

namespace fedtrial {

// Dense, row-major. A table of patients has one row a patient.
struct Matrix {
  Matrix() = default;
  Matrix(std::size_t row_count, std::size_t column_count)
      : rows(row_count), cols(column_count), values(row_count * column_count) {}

  double& operator()(std::size_t i, std::size_t j) { return values[i * cols + j]; }
  double operator()(std::size_t i, std::size_t j) const { return values[i * cols + j]; }
  std::span<double> row(std::size_t i) { return {values.data() + i * cols, cols}; }
  std::span<const double> row(std::size_t i) const { return {values.data() + i * cols, cols}; }

  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<double> values;
};

// `x` times `beta`: the linear predictor of every row. beta has x.cols entries.
std::vector<double> LinearPredictor(const Matrix& x, std::span<const double> beta);

// Factor L of a symmetric positive definite matrix, A = L L'. Only the lower triangle of `a` is read.
class Cholesky {
 public:
  // kInvalidInput if `a` isn't square, or not positive definite to working precision.
  static Result<Cholesky> Of(const Matrix& a);

  std::vector<double> Solve(std::span<const double> right) const;
  Matrix Inverse() const;
  double pivot(std::size_t i) const { return lower_(i, i) * lower_(i, i); }  // what i adds to those before it

 private:
  explicit Cholesky(Matrix lower) : lower_(std::move(lower)) {}
  Matrix lower_;
};

}  // namespace fedtrial
