#pragma once

#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// The face of a head that lies on the atlas' grid, from its brain mask: 1 for what is in front of the ears and below
// the brow (in MNI space) and more than 10 mm from the brain. No voxel of the brain is in it.
Result<Scan> FaceMask(const Scan& brain);

// The head with 0 in its face.
Scan Deface(const Scan& head, const Scan& face);

}  // namespace fedtrial::imaging
