#pragma once

#include <cstdint>
#include <vector>

#include "tests/simulation/cohort/images/contrast.h"
#include "tests/simulation/cohort/images/nifti_files.h"
#include "tests/simulation/cohort/site.h"

namespace fedtrial::sim {

// Where a head lies in the scanner: turned about its middle, then shifted.
struct Pose {
  std::array<std::array<double, 3>, 3> turn{};  // scanner to template
  Point shift{};                                // mm
};
// Up to 8 degrees about each axis and 6 mm along it.
Pose DrawPose(Draws& draws);
// A little of it more, between the sequences of a visit: half a degree and half a millimetre.
Pose Moved(const Pose& pose, Draws& draws);

// The whole field of view of the template at the scanner's spacing, its middle at (0, 0, 0).
Grid GridOfScanner(const Scanner& scanner);

// One sequence of the whole head: contrast of the scanner, a smooth bias of up to about 20 %, noise of magnitude
// images, times the scanner's gain. Values from 0 to 32767.
std::vector<std::int16_t> RawScan(const TemplateHead& head, const LesionShape& shape, const LesionState& state,
                                  const Contrast& contrast, double texture, const Scanner& scanner, const Pose& pose,
                                  Draws& draws);
// 1 in core and rim, on the same grid.
std::vector<std::uint8_t> RawLesionMask(const TemplateHead& head, const LesionShape& shape, const LesionState& state,
                                        const Scanner& scanner, const Pose& pose);

}  // namespace fedtrial::sim
