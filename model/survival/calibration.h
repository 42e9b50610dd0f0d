#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "model/survival/kaplan_meier.h"
#include "model/survival/outcome.h"

namespace fedtrial {

// Coefficient of the linear predictor in a Cox model of its own (Efron): 1 is ideal, below it the model is too sure.
struct CalibrationSlope {
  double slope = 0.0;
  double std_error = 0.0;
};
// stratum[i]: patients are compared within it; empty: all with each other. Errors as FitCox.
Result<CalibrationSlope> SlopeOf(std::span<const Outcome> outcomes, std::span<const double> linear_predictor,
                                 std::span<const std::size_t> stratum = {});

// Events seen against the sum of predicted cumulative hazards at each patient's own time. Sites add.
struct ObservedExpected {
  double observed = 0.0;
  double expected = 0.0;
};
Result<ObservedExpected> CompareEvents(std::span<const Outcome> outcomes, std::span<const double> cumulative_hazard);

// One group of patients with similar predictions, at one day.
struct CalibrationGroup {
  std::size_t patients = 0;
  std::size_t events = 0;       // by that day
  double mean_predicted = 0.0;  // survival
  double observed = 0.0;        // Kaplan-Meier survival
  Limits limits;                // 95 %, log-log; both 1 before the first event, NaN where the curve is 0
};
// Groups at the quantiles of predicted survival, lowest survival first; ties stay together, an empty group is left out.
// survival[i] in [0, 1] at `time` (days). kInvalidInput as CheckOutcomes, on lengths that differ, and without a group.
Result<std::vector<CalibrationGroup>> CalibrateByGroups(std::span<const Outcome> outcomes,
                                                        std::span<const double> survival, double time,
                                                        std::size_t groups);

}  // namespace fedtrial
