#pragma once

#include <span>

#include "common/base/result.h"
#include "model/params/model.h"
#include "model/survival/outcome.h"
#include "site_node/tasks/scores.h"

namespace fedtrial::sim {

// Of predictions of survival at the ends of the grid's bins (days), up to the bin in its middle.
struct CalibrationFigures {
  double slope = 0.0;         // Cox, on the logarithm of the cumulative hazard there; 1 is ideal, below it too sure
  double brier = 0.0;         // integrated, weighted by the censoring of these patients
  double kaplan_meier = 0.0;  // the same of one curve for all, that of `trained`
};
// Row i of `scores` is of outcomes[i]. kInvalidInput if there is no event, or no time of at least two bins' ends is
// reached.
Result<CalibrationFigures> CalibrationOf(std::span<const Outcome> outcomes, const site::Scores& scores,
                                         std::span<const double> days, std::span<const Outcome> trained);

// The model as it was trained: without the constants of a `recalibrate` step. Whether it has some.
Model WithoutRecalibration(Model model);
bool IsRecalibrated(const Model& model);

}  // namespace fedtrial::sim
