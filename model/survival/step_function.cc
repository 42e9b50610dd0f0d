#include "model/survival/step_function.h"

#include <algorithm>

namespace fedtrial {

double StepFunction::At(double time) const {
  const auto after = std::ranges::upper_bound(times, time) - times.begin();
  return after == 0 ? start : values[static_cast<std::size_t>(after - 1)];
}

double StepFunction::Before(double time) const {
  const auto after = std::ranges::lower_bound(times, time) - times.begin();
  return after == 0 ? start : values[static_cast<std::size_t>(after - 1)];
}

}  // namespace fedtrial
