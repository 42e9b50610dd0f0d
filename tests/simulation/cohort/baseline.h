#pragma once

#include "tests/simulation/cohort/draws.h"
#include "tests/simulation/cohort/patient.h"

namespace fedtrial::sim {

// One patient as the parameters say, all values independent of each other.
Baseline DrawBaseline(const CohortParameters& parameters, bool arm_b, Draws& draws);

}  // namespace fedtrial::sim
