#pragma once

#include <span>

#include "common/base/result.h"
#include "model/survival/outcome.h"
#include "model/survival/step_function.h"

namespace fedtrial {

// Cumulative/dynamic AUC at `time` (days): cases have the event by then, weighted by 1 / G(T-); controls are followed
// longer (Uno 2007). kInvalidInput as CheckOutcomes, on lengths that differ, and without a case or a control.
Result<double> CumulativeDynamicAuc(std::span<const Outcome> outcomes, std::span<const double> risk, double time,
                                    const StepFunction& censoring);

}  // namespace fedtrial
