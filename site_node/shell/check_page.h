#pragma once

#include <string>
#include <string_view>

#include "proto/plan/plan.h"
#include "site_node/cohort/cohort.h"

namespace fedtrial::site {

// The report of `check` as one HTML page without scripts and outside resources, every value escaped. It holds patients'
// values and stays at the hospital.
std::string CheckPage(const Plan& plan, std::string_view site, const CohortReading& reading);

}  // namespace fedtrial::site
