#pragma once

#include <vector>

#include "common/base/result.h"
#include "model/survival/discrete_hazard.h"
#include "model/survival/scaling.h"

namespace fedtrial {

// What the model says of one patient.
struct SurvivalCurve {
  double risk = 0.0;             // linear predictor: higher is worse, 0 the mean patient
  std::vector<double> hazard;    // of each bin, given alive at its start
  std::vector<double> survival;  // at the end of each bin
};

// raw: one row a patient, NaN where missing. kInvalidInput if widths differ or something isn't finite.
Result<std::vector<SurvivalCurve>> PredictCurves(const Matrix& raw, const Scaling& scaling, const HazardModel& model);

}  // namespace fedtrial
