#pragma once

namespace fedtrial {

inline constexpr double kNormal975 = 1.959963984540054;  // quantile of the normal distribution for 95 % limits

// P(X >= x) of a chi-square variable; x >= 0, degrees > 0. Relative error below 1e-12.
double ChiSquareUpperTail(double x, double degrees);

}  // namespace fedtrial
