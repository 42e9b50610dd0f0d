#pragma once

#include <vector>

#include "site_node/imaging/geometry.h"

namespace fedtrial::imaging {

// Rotations that a search begins from: the 24 of a cube, each alone and turned by 30 degrees about x, y and z, both
// ways. The first is none. A head turned any way is within some 30 degrees of one of them.
std::vector<Matrix3> StartRotations();

// The place that the brightness of a scan balances on; values <= 0 weigh nothing.
struct Scan;
Vec3 CentreOfMass(const Scan& scan);

}  // namespace fedtrial::imaging
