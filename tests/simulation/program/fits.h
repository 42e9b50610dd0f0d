#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "model/params/model.h"
#include "model/survival/discrete_hazard.h"
#include "model/survival/scaling.h"
#include "proto/plan/plan.h"
#include "tests/simulation/program/patients.h"

namespace fedtrial::sim {

using Rows = std::vector<std::size_t>;

// One trained model: on x scaled by `scaling`, missing = mean.
struct Fit {
  Scaling scaling;
  HazardModel model;           // of a Cox model without intercepts
  std::vector<double> scores;  // linear predictor of every patient, whoever is in the model
};

// Trains what stands beside the federation's model, with the settings of the plan's train step. All rows are training
// rows; scaling and starting hazards are of them alone.
class Fitter {
 public:
  // `columns` are the covariates of the block. Patients and step outlive the fitter.
  Fitter(const Patients& patients, const TrainStep& step, Grid grid, Rows columns);

  const Rows& columns() const { return columns_; }
  // The exact maximum (Newton) on all patients together.
  Result<Fit> Pooled(const Rows& train, const Rows& columns) const;
  // One site by the federation's recipe: as many rounds and steps. The ridge is that of all `patients_of_all`.
  Result<Fit> Alone(const Rows& train, std::size_t patients_of_all, std::uint64_t seed) const;
  // Cox's partial likelihood with sites as strata, the same ridge, Efron's ties.
  Result<Fit> Cox(const Rows& train) const;

 private:
  struct Prepared;
  Result<Prepared> Prepare(const Rows& train, const Rows& columns) const;

  const Patients& patients_;
  const TrainStep& step_;
  Grid grid_;
  std::vector<GridPlace> places_;
  Rows columns_;
};

// The federation's own model as a fit: constants, coefficients and intercepts of a replica.
Result<Fit> FederatedFit(const Plan& plan, const Model& model, const Replica& replica, const TrainStep& step,
                         const Patients& patients);

// The train step that is compared: the plan's last. kInvalidInput if it has none.
Result<const TrainStep*> LastTrainStep(const Plan& plan);
// The cuts of its endpoint, as the model has them.
Result<Grid> GridOf(const Model& model, const TrainStep& step);

}  // namespace fedtrial::sim
