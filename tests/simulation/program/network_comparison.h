#pragma once

#include <optional>
#include <vector>

#include "common/base/result.h"
#include "model/params/model.h"
#include "proto/plan/plan.h"
#include "tests/simulation/program/comparison.h"
#include "tests/simulation/program/patients.h"
#include "tests/simulation/program/scoreboard.h"

namespace fedtrial::sim {

struct NetworkComparison {
  // By the names of Scores, and "linear": the federation's linear block on the same folds, where the plan trains one
  // for the same endpoint; "without/<block>": the federated network, that modality taken from every patient it is
  // tested on.
  std::optional<Figures> cross_validated;
  std::optional<Figures> outside;
};

// The plan's network as the federation trained it (`federated`), beside pooled and single-site training of the same
// recipe. `patients` is FromCohorts of `cohorts`. Empty for a plan that trains no network.
Result<std::optional<NetworkComparison>> CompareNetwork(const Plan& plan, const Model& federated,
                                                        const std::vector<SiteCohort>& cohorts,
                                                        const Patients& patients, const ComparisonOptions& options);

}  // namespace fedtrial::sim
