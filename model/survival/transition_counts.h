#pragma once

#include <cstddef>
#include <vector>

#include "model/survival/illness_death.h"

namespace fedtrial {

// Patient-steps at risk and transitions in each bin of an illness-death model, as rows 0->1, 0->2, 1->2 of `bins` each.
// Sums over sites add term by term.
struct TransitionCounts {
  explicit TransitionCounts(std::size_t bin_count) : at_risk(3 * bin_count), events(3 * bin_count) {}
  std::size_t bins() const { return at_risk.size() / 3; }

  std::vector<double> at_risk, events;
};

// Adds one patient. A recurrence seen between two scans counts in the step of the second one.
void AddCourse(const StepGrid& grid, const CoursePlace& place, TransitionCounts& counts);

// Logits of the hazards of all patients alike: h01 and h02 of a bin are (events + 0.5) / (steps at risk + 2), h12 is
// (events + 0.5) / (steps at risk + 1). In the order of the rows.
std::vector<double> StartTransitions(const TransitionCounts& counts);

}  // namespace fedtrial
