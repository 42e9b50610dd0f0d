#pragma once

#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// Masks of 0 and 1.

// Distance to the mask's outermost voxels, mm; negative inside.
Result<Scan> DistanceToEdge(const Scan& mask);

// 1 where the value is at most `limit`: with a distance, the mask grown by it, or for a negative one worn down.
Scan AtMost(const Scan& scan, double limit);

// The largest of the pieces that hang together through faces; an empty mask stays empty.
Scan LargestPiece(const Scan& mask);

// Sets what is enclosed: background that no path through faces joins to the grid's rim.
Scan FillHoles(const Scan& mask);

// `width` voxels of 0 around it.
Scan Pad(const Scan& mask, std::size_t width);

}  // namespace fedtrial::imaging
