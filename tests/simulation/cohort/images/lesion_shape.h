#pragma once

#include "tests/simulation/cohort/images/smooth_noise.h"
#include "tests/simulation/cohort/images/template_head.h"
#include "tests/simulation/cohort/patient.h"

namespace fedtrial::sim {

// How much of a point is what; together at most 1, the rest is healthy.
struct LesionPart {
  double core = 0.0, rim = 0.0, edema = 0.0;
  double mottle = 0.0;  // -1 to 1: of the rim's brightness
};

// A patient's lesion: where it is and what its outline looks like, the same at every visit.
class LesionShape {
 public:
  // The centre lies in white matter of one hemisphere, 20 mm or more inside the brain along each axis.
  LesionShape(const TemplateHead& head, Draws& draws);

  const std::array<std::size_t, 3>& centre() const { return centre_; }  // voxel of the template
  // At a point in voxels of the template.
  LesionPart At(const Point& point, const LesionState& state) const;

 private:
  std::array<std::size_t, 3> centre_;
  SmoothNoise outline_, mottle_;
};

}  // namespace fedtrial::sim
