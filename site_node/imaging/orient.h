#pragma once

#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// The same voxels numbered along the axes nearest to right, front and head (NIfTI's RAS), so that every scan reads
// alike. Nothing is interpolated and every voxel keeps its place in space: an oblique scan stays oblique.
Result<Scan> OrientToRas(const Scan& scan);

// Means of blocks of voxels, round(spacing_mm / spacing) along each axis, at least 1: about spacing_mm, never finer.
Result<Scan> Shrink(const Scan& scan, double spacing_mm);

}  // namespace fedtrial::imaging
