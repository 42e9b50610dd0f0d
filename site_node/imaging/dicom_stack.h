#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "site_node/imaging/dicom_header.h"

namespace fedtrial::imaging {

// The slices of one volume, from the lowest along their normal to the highest, and where they lie.
struct SliceStack {
  Grid grid;
  std::vector<SliceHeader> slices;
  std::vector<std::string> warnings;
};

// Orders the slices by position along the normal; numbers and names of files say nothing. The step is the median of
// the distances. Refuses (kInvalidInput, with the reason): fewer than 3 slices, mixed patients, sizes, spacings or
// orientations, a gap (a step off by more than 1 % and 0.1 mm), two slices at one place, a tilted gantry (drift in
// plane). The same slice twice (SOP instance) is dropped with a warning.
Result<SliceStack> StackSlices(std::vector<SliceHeader> slices);

}  // namespace fedtrial::imaging
