#pragma once

#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

enum class Interpolation { kNearest, kLinear, kCubic };  // cubic: B-spline of order 3, may overshoot

// The scan as seen on another grid; `grid_to_scan` maps a point of the grid to the scan. Where the scan isn't,
// `outside`.
Result<Scan> Resample(const Scan& scan, const Grid& grid, const Transform& grid_to_scan, Interpolation interpolation,
                      float outside);

}  // namespace fedtrial::imaging
