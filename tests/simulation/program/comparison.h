#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "coordinator/tasks/network_start.h"
#include "model/params/model.h"
#include "proto/plan/plan.h"
#include "tests/simulation/program/fits.h"
#include "tests/simulation/program/patients.h"
#include "tests/simulation/program/scoreboard.h"

namespace fedtrial::sim {

struct ComparisonOptions {
  unsigned bootstrap = 0;                              // resamples; 0: no intervals
  std::vector<std::vector<std::string>> reduced = {};  // lists of covariates that are fitted alone, pooled
  std::uint64_t seed = 7;
  coordinator::StartFileTensors start = {};                                  // of a plan with a start file
  std::function<void(std::size_t done, std::size_t of)> progress = nullptr;  // by replica
};

struct Comparison {
  std::optional<Figures> cross_validated;  // pairs of one test fold, across sites; mean over repeats
  std::optional<Figures> outside;          // hospitals the federation never saw
  std::optional<Figures> test;             // the published split
  std::map<std::string, Fit> models;       // of the full replica, by the names of Scores
};

// Trains the pooled, single-site and site-stratified Cox models of the plan's last train step beside the federation's
// own model, whose replicas are in `federated`, and scores all on the same patients.
Result<Comparison> Compare(const Plan& plan, const Model& federated, const Patients& patients,
                           const ComparisonOptions& options);

// Who trains in a replica.
Rows TrainingRows(const Patients& patients, const Replica& replica);
// Whom it is tested on: its fold.
Rows HeldBackRows(const Patients& patients, const Replica& replica);

}  // namespace fedtrial::sim
