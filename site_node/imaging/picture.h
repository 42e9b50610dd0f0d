#pragma once

#include "site_node/imaging/png.h"
#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// One series for a person to look at, all on one grid. NaN: not scanned.
struct PictureInput {
  const Scan& image;        // bias corrected
  const Scan& before_bias;  // the same before
  const Scan& brain;        // mask
  const Scan* lesion;       // mask, or null
  const Scan& baseline;     // the head it was laid onto
};

// A row of tiles at one window (1 to 99 % inside the brain): three axial, two coronal and two sagittal slices, the
// brain's outline red, the lesion's yellow; one axial slice with the baseline's edges in cyan; one before the bias
// was corrected. As radiologists look: the patient's right is on the left, marked R and L. No text, no name, no date.
Picture SeriesRow(const PictureInput& input);

// Rows under each other.
Picture Stack(const std::vector<Picture>& rows);

}  // namespace fedtrial::imaging
