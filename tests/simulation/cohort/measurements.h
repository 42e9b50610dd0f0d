#pragma once

#include <vector>

#include "tests/simulation/cohort/draws.h"
#include "tests/simulation/cohort/patient.h"
#include "tests/simulation/cohort/site.h"

namespace fedtrial::sim {

// One analyte at one visit, as the site's kit gives it.
struct Measurement {
  std::size_t visit = 0;    // index into the course's visits
  std::size_t analyte = 0;  // of the panel
  double value = 0.0;       // in the analyte's unit; the limit itself where the qualifier says beyond it
  char qualifier = ' ';     // '<', '>' or ' '
};
// Of one panel at every visit. The true logarithm: spread * the patient's score, + after_rt in the 16 weeks after
// radiotherapy and half of it later, + progression from the true recurrence on, + slope * score * weeks / 8 up to week
// 24, + noise.
std::vector<Measurement> Measure(const CohortParameters& parameters, PanelKind kind, const Site& site,
                                 const Patient& patient, Draws& draws);

}  // namespace fedtrial::sim
