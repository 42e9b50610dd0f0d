#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "model/survival/kaplan_meier.h"
#include "model/survival/outcome.h"

namespace fedtrial {

// Group of each patient, 0 the lowest values, cut at the quantiles 1/groups, 2/groups, ...; equal values stay together,
// so a group may be empty. kInvalidInput without values or groups, or if one is NaN.
Result<std::vector<std::size_t>> GroupByQuantiles(std::span<const double> values, std::size_t groups);

struct RiskGroup {
  std::size_t patients = 0;
  std::size_t events = 0;
  KaplanMeier curve;
  std::vector<std::size_t> at_risk;  // patients followed to `times[j]` or longer
};

// Kaplan-Meier of the groups of predicted risk, lowest risk first, with numbers at risk at `times` (days, for the table
// under the figure). An empty group has a curve without steps. Errors as GroupByQuantiles and CheckOutcomes.
Result<std::vector<RiskGroup>> CurvesByRisk(std::span<const Outcome> outcomes, std::span<const double> risk,
                                            std::size_t groups, std::span<const double> times);

}  // namespace fedtrial
