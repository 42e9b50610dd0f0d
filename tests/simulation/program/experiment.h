#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/result.h"
#include "coordinator/tasks/network_start.h"
#include "proto/plan/plan.h"
#include "tests/simulation/cohort/settings.h"

namespace fedtrial::sim {

// One seed of design/MODEL.md, E4: a SIMULATED cohort with a planted effect, the network trained federated, pooled and
// at each site alone, and the linear model federated, all tested on other patients of the same law.
struct ExperimentSettings {
  CohortSettings cohort;                     // of those who train; `volume` 0: without images
  unsigned test_patients = 400;              // of another seed, at as many sites, with everything measured
  double landmark_days = 0.0;                // of the predictions that are tested, on patients who are at risk then
  unsigned rounds = 0;                       // of the network; 0: as the plan says
  coordinator::StartFileTensors start = {};  // of a plan with a start file
};

// Harrell's C over all pairs of the test patients: {"seed", "signal", "landmark_days", "patients", "events",
//  "concordance": {"truth", "federated", "pooled", "local_mean", "linear", "without": {modality: ..}},
//  "calibration_slope": {"as_trained", "recalibrated"}, "brier": {"federated", "recalibrated", "kaplan_meier"},
//  "frozen": [modalities], "seconds": {...}}.
// The federated network is trained with five folds beside it, on which the federation recalibrates it; slope and Brier
// score are of the test patients alone. Concordance is the same before and after.
// `plan` is a plan of a network with one endpoint; its step of a linear block is made here. `scratch` must be an empty
// folder, the caller's to empty. kUnavailable if `stopped`.
Result<nlohmann::json> RunExperiment(const Plan& plan, const ExperimentSettings& settings,
                                     const std::filesystem::path& scratch,
                                     const std::function<void(const std::string&)>& say,
                                     const std::function<bool()>& stopped);

}  // namespace fedtrial::sim
