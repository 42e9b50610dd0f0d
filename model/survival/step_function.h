#pragma once

#include <cstddef>
#include <vector>

namespace fedtrial {

// Right-continuous step function of time (days): values[i] on [times[i], times[i + 1]), `start` before times[0].
struct StepFunction {
  double At(double time) const;
  double Before(double time) const;  // the limit from the left

  double start = 1.0;
  std::vector<double> times;  // ascending
  std::vector<double> values;
};

}  // namespace fedtrial
