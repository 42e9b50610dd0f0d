#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "model/samples/sample.h"
#include "proto/plan/plan.h"

namespace fedtrial::site {

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// The demo's plan and hospitals: deploy/data/glioma_hospitals, eleven sites with at least 12 patients.
Plan GliomaPlan(ScalarType precision = ScalarType::kFloat64);
std::map<std::string, Cohort> GliomaHospitals(const Plan& plan);

// A few made-up patients for plans of two features ("a" in [-10, 10], "b" in [0, 4]) and cuts at 10, 20, 30 days.
Plan TinyPlan(unsigned repeats = 0);
Cohort TinyCohort(std::size_t patients, unsigned repeats = 0);

}  // namespace fedtrial::site
