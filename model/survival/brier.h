#pragma once

#include <functional>
#include <span>

#include "common/base/result.h"
#include "model/survival/outcome.h"
#include "model/survival/step_function.h"

namespace fedtrial {

// Sum over these patients of the squared error of their predicted survival at `time` (days), weighted by inverse
// probability of censoring (Graf 1999): S^2 / G(T-) of who died by then, (1 - S)^2 / G(time) of who is followed longer.
// Sites add; divided by all patients it is the Brier score. survival[i] in [0, 1].
// kInvalidInput as CheckOutcomes, on lengths that differ, and where G is 0 and needed.
Result<double> BrierSum(std::span<const Outcome> outcomes, std::span<const double> survival, double time,
                        const StepFunction& censoring);
Result<double> BrierScore(std::span<const Outcome> outcomes, std::span<const double> survival, double time,
                          const StepFunction& censoring);

// Mean of the Brier score over [0, tau]: exact where the predictions step at the patients' times only.
Result<double> IntegratedBrier(std::span<const Outcome> outcomes,
                               const std::function<double(std::size_t patient, double time)>& survival, double tau,
                               const StepFunction& censoring);

// Trapezoid of scores over ascending times divided by (last - first). At least two.
Result<double> IntegratedTrapezoid(std::span<const double> times, std::span<const double> scores);

}  // namespace fedtrial
