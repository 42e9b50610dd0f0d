#pragma once

#include <array>
#include <vector>

#include "tests/simulation/cohort/draws.h"

namespace fedtrial::sim {

using Point = std::array<double, 3>;  // mm, or voxels of 1 mm

// A smooth field of values from -1 to 1, mean about 0: a lattice of uniform values, interpolated. Repeats after 16
// cells.
class SmoothNoise {
 public:
  SmoothNoise(double cell_mm, Draws& draws);
  double At(const Point& point) const;

 private:
  double cell_mm_;
  std::vector<float> lattice_;
};

}  // namespace fedtrial::sim
