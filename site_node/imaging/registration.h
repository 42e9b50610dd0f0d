#pragma once

#include "common/base/result.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// How one scan lies over another. Mutual information (Mattes, 32 bins) in nats, on 4 mm copies; more is better.
struct Registered {
  Transform fixed_to_moving;        // LPS, mm
  double information_before = 0.0;  // at `as_scanned`; 0 where the scans don't meet there
  double information_after = 0.0;
};

// Rotation and shift from `fixed` to `moving`, of any two contrasts. Many starts are tried at 8 mm (as_scanned, and
// the rotations of StartRotations over the centres of mass); the best goes on at 4, 2 and finest_mm (1 or 2; 4 stops
// there). About 3 s of CPU at 1 mm. Fixed seed, one thread: the same bits on every run of one machine.
// kInvalidInput: the scans can't be laid over each other at all. A poor result is not an error here: see quality.h.
Result<Registered> RegisterRigid(const Scan& fixed, const Scan& moving, const Transform& as_scanned, double finest_mm);

// The same with scale and shear, from a rigid start that is nearly right, at 4 and 2 mm. information_before: of start.
Result<Registered> RegisterAffine(const Scan& fixed, const Scan& moving, const Transform& start);

}  // namespace fedtrial::imaging
