#pragma once

#include <string>

#include "proto/plan/plan.h"
#include "site_node/cohort/cohort.h"

namespace fedtrial::site {

// What `check` prints of a data folder: every finding, the names of columns that are mapped, the counts per feature,
// task and modality, and whether this site has enough patients to contribute. It stays at the hospital.
std::string CheckText(const Plan& plan, const CohortReading& reading);
std::string CheckJson(const Plan& plan, const CohortReading& reading);
// The sentence that all forms of the report end with.
std::string CheckVerdict(const Plan& plan, const CohortReading& reading);

// The worker's answer to Predict as a table: one row a patient and time.
std::string PredictionText(const std::string& json);

}  // namespace fedtrial::site
