#include "model/survival/distributions.h"

#include <cmath>
#include <limits>

namespace fedtrial {
namespace {

constexpr double kPrecision = 1e-16;
constexpr int kMaxTerms = 10'000;

// x^a e^-x / Gamma(a)
double Front(double a, double x) { return std::exp(a * std::log(x) - x - std::lgamma(a)); }

// Regularised lower incomplete gamma function by its power series (DLMF 8.11.4); for x < a + 1.
double LowerBySeries(double a, double x) {
  double term = 1.0 / a;
  double sum = term;
  for (int k = 1; k < kMaxTerms && term > sum * kPrecision; ++k) {
    term *= x / (a + k);
    sum += term;
  }
  return sum * Front(a, x);
}

// The upper one by its continued fraction (DLMF 8.9.2, Lentz's method); for x >= a + 1.
double UpperByFraction(double a, double x) {
  double b = x + 1.0 - a;
  double c = std::numeric_limits<double>::max();
  double d = 1.0 / b;
  double fraction = d;
  for (int k = 1; k < kMaxTerms; ++k) {
    const double numerator = -k * (k - a);
    b += 2.0;
    d = 1.0 / (numerator * d + b);
    c = b + numerator / c;
    fraction *= c * d;
    if (std::abs(c * d - 1.0) < kPrecision) break;
  }
  return fraction * Front(a, x);
}

}  // namespace

double ChiSquareUpperTail(double x, double degrees) {
  if (!(x > 0.0)) return std::isnan(x) ? x : 1.0;
  if (std::isinf(x)) return 0.0;
  const double a = degrees / 2.0;
  const double half = x / 2.0;
  return half < a + 1.0 ? 1.0 - LowerBySeries(a, half) : UpperByFraction(a, half);
}

}  // namespace fedtrial
