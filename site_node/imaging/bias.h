#pragma once

#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// Divides by the smooth brightness of coils, estimated by N4 (Tustison 2010, doi:10.1109/TMI.2010.2046908) inside
// Otsu's head mask of a 4 mm copy. Voxels <= 0 keep their sign. The field's mean inside that mask is 1.
Result<Scan> CorrectBias(const Scan& scan);

}  // namespace fedtrial::imaging
