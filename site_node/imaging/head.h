#pragma once

#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// 1 above Otsu's threshold, 0 below: the head against the air. Works on copies of about 4 mm.
Result<Scan> HeadMask(const Scan& scan);

// The box around what HeadMask finds on a 4 mm copy, and 8 mm more on each side where the scan has them: most of a
// scan is air. kInvalidInput: the box has less than 100 mm along two axes, so it isn't a head.
Result<Scan> CropToHead(const Scan& scan);

// The share of the smaller box's volume that two scans' head boxes have in common, 0..1, where `one_to_other` maps a
// point of the first to the second. Boxes along the first scan's axes.
double BoxOverlap(const Scan& head_one, const Scan& head_other, const Transform& one_to_other);

// Dice overlap of two head masks, 0..1, over the part of the first's grid that lies within the second's.
double HeadOverlap(const Scan& head_one, const Scan& head_other, const Transform& one_to_other);

}  // namespace fedtrial::imaging
