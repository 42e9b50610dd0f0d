#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "site_node/cohort/cohort.h"

namespace fedtrial::site {

// What a site has to give, task by task, before it contributes to anything. Counts of one hospital: they stay there.
struct TaskCount {
  std::string name;          // of a block; "endpoint.<name>, landmark day <d>"
  std::string kind;          // "linear", "panel", ..., "landmark"
  std::size_t patients = 0;  // who train in it
  std::size_t left_out = 0;  // patients of the cohort whom an error keeps out
};

// Patients who train, by the modalities that they have.
struct ModalityPattern {
  std::vector<bool> has;  // of each modality, in the order of Gate::modalities
  std::size_t patients = 0;
};

struct Gate {
  bool contributes = false;  // the cohort has the plan's min_patients
  std::vector<TaskCount> tasks;
  std::vector<std::string> modalities;    // blocks of kind static, panel, mri, in the plan's order
  std::vector<ModalityPattern> patterns;  // most patients first
};
Gate GateOf(const Plan& plan, const CohortReading& reading);

// A count as a publication of this one site would show it: "<5" from 1 to min_cell - 1.
std::string Suppressed(std::size_t count, std::size_t min_cell);

}  // namespace fedtrial::site
