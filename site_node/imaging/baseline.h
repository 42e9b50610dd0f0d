#pragma once

#include "common/base/result.h"
#include "site_node/imaging/prepare.h"

namespace fedtrial::imaging {

// Lays a bias corrected T1 or contrast T1, in the scanner's space, onto the atlas and finds its brain: rigid at 4 mm
// (many starts), affine at 4 and 2 mm, mask by demons. kInvalidInput where CheckBrain fails it.
Result<Baseline> MakeBaseline(const Scan& corrected, const Atlas& atlas);

}  // namespace fedtrial::imaging
