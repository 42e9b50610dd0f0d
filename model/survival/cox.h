#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "model/survival/matrix.h"
#include "model/survival/outcome.h"
#include "model/survival/step_function.h"

namespace fedtrial {

enum class Ties { kEfron, kBreslow };

// Partial likelihood at one beta: of a stratum what its site would send; strata add. Without the ridge penalty.
struct CoxSums {
  explicit CoxSums(std::size_t covariates) : score(covariates), information(covariates, covariates) {}
  CoxSums& operator+=(const CoxSums& other);

  double log_likelihood = 0.0;
  std::vector<double> score;
  Matrix information;
};

// One stratum: its patients are compared with each other only.
struct CoxStratum {
  Matrix x;  // one row a patient, no NaN
  std::vector<Outcome> outcomes;
};

struct CoxOptions {
  Ties ties = Ties::kEfron;
  double ridge = 0.0;  // theta: theta / 2 |beta|^2 is taken from the log-likelihood of all patients; >= 0
  int max_iterations = 100;
};

struct CoxFit {
  std::vector<double> beta;
  Matrix variance;              // (H + theta I)^-1
  Matrix sandwich_variance;     // (H + theta I)^-1 H (H + theta I)^-1; the same where theta is 0
  double log_likelihood = 0.0;  // at beta, without the penalty
  double log_likelihood_at_zero = 0.0;
  double penalty = 0.0;
  int iterations = 0;
};

// Cox 1972; Efron 1977; R's coxph. A stratum without an event or with one patient adds zeros.
// kInvalidInput as CheckOutcomes, on a NaN covariate and on lengths that differ.
Result<CoxSums> CoxSumsAt(const CoxStratum& stratum, std::span<const double> beta, Ties ties);

// beta + (H + ridge I)^-1 (score - ridge beta), from the sums of all strata at beta.
Result<std::vector<double>> CoxNewtonStep(const CoxSums& sums, std::span<const double> beta, double ridge);

// Newton with step halving until the step is below 1e-6 standard errors. `sums_at` gives the sums of all strata.
// kInvalidInput if there is no event, a covariate is constant or a copy of others (without ridge), or a coefficient
// has no finite maximum; kInternal if it doesn't converge.
Result<CoxFit> FitCox(std::size_t covariates,
                      const std::function<Result<CoxSums>(std::span<const double> beta)>& sums_at,
                      const CoxOptions& options = {});
Result<CoxFit> FitCox(std::span<const CoxStratum> strata, const CoxOptions& options = {});

// Cumulative hazard of a patient with linear predictor 0, one step a distinct time; R's basehaz(centered = FALSE).
Result<StepFunction> CoxBaseline(std::span<const Outcome> outcomes, std::span<const double> linear_predictor,
                                 Ties ties);

}  // namespace fedtrial
