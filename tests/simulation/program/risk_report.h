#pragma once

#include <nlohmann/json.hpp>

#include "common/base/result.h"
#include "model/params/model.h"
#include "proto/plan/plan.h"
#include "tests/simulation/program/patients.h"

namespace fedtrial::sim {

// Kaplan-Meier curves by thirds of predicted risk and calibration by fifths, of the federated model, each patient
// predicted by the replica of repeat 1 that hasn't seen him; without folds those of the published test split; without
// that the patients trained on ("in_sample": true). Weeks.
//   {"patients", "in_sample", "risk_groups": [{"name", "patients", "events", "weeks": [0, ..], "survival": [1, ..],
//    "at_risk": [..]}], "at_risk_weeks": [..],
//    "calibration": [{"week", "groups": [{"patients", "events", "predicted", "observed", "low", "high"}]}],
//    "calibration_slope": {"as_trained", "recalibrated": {"slope", "brier", "kaplan_meier"}}}
// `calibration_slope`: CalibrationOf these predictions, whose Kaplan-Meier curve is of the same patients, which favours
// it; "recalibrated" is null of a plan without that step, else each fold has the constants of the other folds.
// `calibration` has the weeks 26, 52 and 78 that lie on the model's grid.
// `patients` is FromCohorts of `cohorts`; the model is that of the plan's last train step.
Result<nlohmann::json> RiskReport(const Plan& plan, const Model& model, const std::vector<SiteCohort>& cohorts,
                                  const Patients& patients);

}  // namespace fedtrial::sim
