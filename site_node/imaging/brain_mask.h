#pragma once

#include "common/base/result.h"
#include "site_node/imaging/atlas.h"

namespace fedtrial::imaging {

// The brain of a T1 or contrast T1 that lies on some grid: the atlas' mask through an affine map, then through the
// displacements of symmetric demons (Vercauteren 2009, doi:10.1016/j.neuroimage.2008.10.040; 4 and 2 mm, histograms
// matched). `to_atlas` maps a point of the head to the atlas. Convention: the fluid of sulci and ventricles is inside.
Result<Scan> BrainMask(const Atlas& atlas, const Scan& head, const Transform& to_atlas);

}  // namespace fedtrial::imaging
