#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "site_node/tasks/scores.h"
#include "tests/simulation/program/patients.h"

namespace fedtrial::sim {

// What models say of every patient of some site folders.
class PatientScorer {
 public:
  explicit PatientScorer(const Plan& plan);

  // Site by site, in the order of FromCohorts: the rows of Patients. `block`: a linear block, a head, or the fusion by
  // its head of the endpoint, whose cuts are the model's. `landmark_days`: of a network's predictions; none: the plan's
  // first. Tokens of volumes are kept from call to call for the last encoder of each replica.
  Result<site::Scores> Score(const Model& model, const std::vector<SiteCohort>& cohorts, const Replica& replica,
                             const Block& block, std::string_view endpoint,
                             std::optional<double> landmark_days = std::nullopt);

 private:
  const Plan& plan_;
  std::unique_ptr<VolumeSource> volumes_;
  site::TokenCache tokens_;
};

// One modality of the plan's network less for every patient, as if it had never been measured.
void TakeModality(const Plan& plan, const Block& modality, Cohort& cohort);

}  // namespace fedtrial::sim
