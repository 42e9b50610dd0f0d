#pragma once

#include <array>

#include "model/samples/volume.h"
#include "tests/simulation/cohort/images/lesion_shape.h"

namespace fedtrial::sim {

// Intensities from 0 to 255 of the four sequences, from the template's T1: dark there is CSF, middle grey matter,
// bright white matter (about 40, 80 and 110 in the template). Outside the brain fat stays bright and air dark.
class Contrast {
 public:
  // `gamma` bends every curve as a scanner does.
  Contrast(MriSequence sequence, double gamma);

  double Healthy(std::uint8_t t1, bool brain) const { return brain ? brain_[t1] : outside_[t1]; }
  // `texture` (standard normal) makes the enhancing rim of the contrast T1 brighter and more mottled; what it changes
  // there is more than a standard deviation of the brain per unit.
  double WithLesion(double healthy, const LesionPart& part, double texture) const;

 private:
  double Bent(double value) const;

  MriSequence sequence_;
  double gamma_;
  std::array<double, 256> brain_{}, outside_{};
};

}  // namespace fedtrial::sim
