#pragma once

#include "tests/simulation/cohort/patient.h"
#include "tests/simulation/cohort/settings.h"

namespace fedtrial::sim {

// Standard deviation of the risk between patients, on the scale of the hazards' logits: the concordance of the true
// risk with overall survival is then about 0.75 in a large cohort (design/MODEL.md, G5), whatever the signal.
inline constexpr double kRiskDeviation = 0.92;
// Share of the risk's variance that the planted interaction, image or slope has; the rest is the linear part.
inline constexpr double kPlantedShare = 2.0 / 3.0;

// The planted risk, mean about 0, standard deviation about kRiskDeviation. The linear part is the sum of effect *
// value, centred and scaled by the effects and spreads of the parameters alone, so that it doesn't depend on who else
// was drawn.
double TrueRisk(const CohortParameters& parameters, Signal signal, const Baseline& patient);

}  // namespace fedtrial::sim
