#pragma once

#include <vector>

#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// The value that `percent` (0..100) of the values lie at or below, without interpolation. Reorders them; not empty.
float Percentile(std::vector<float>& values, double percent);

// The scan's finite voxels inside the mask.
std::vector<float> Inside(const Scan& scan, const Scan& mask);

// Clips what is inside the mask to the two percentiles and scales it to mean 0 and deviation 1 of the clipped values;
// what is outside of it, or not finite (outside of what was scanned), becomes 0. kInvalidInput: less than 1000 voxels,
// or the same value everywhere inside.
Status Normalise(Scan& scan, const Scan& mask, double clip_low, double clip_high);

// Mean over noise of the voxels brighter than the scan's mean. Noise: median |v(x-1) - 2 v(x) + v(x+1)| over the
// deviation that it estimates for white noise, 0.6745 sqrt 6; fine texture counts as noise. 0 where there is none.
double SignalToNoise(const Scan& scan);

}  // namespace fedtrial::imaging
