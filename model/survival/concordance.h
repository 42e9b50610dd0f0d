#pragma once

#include <limits>
#include <span>

#include "common/base/result.h"
#include "model/survival/outcome.h"
#include "model/survival/step_function.h"

namespace fedtrial {

// Weights of pairs by what their order says; strata (sites, folds) add. R's concordance: a patient censored at the time
// of another's event lives longer; two events at one time can't be ordered.
struct PairCounts {
  PairCounts& operator+=(const PairCounts& other);
  double comparable() const { return concordant + discordant + tied_risk; }

  double concordant = 0.0;  // the higher risk has the earlier event
  double discordant = 0.0;
  double tied_risk = 0.0;  // counts half
  double tied_time = 0.0;  // two events at one time: not comparable
  double tied_both = 0.0;
  // For the variance: with N_i the concordant pairs of patient i (ties half) and D_i the comparable ones,
  // the sums over patients of N_i^2, N_i D_i and D_i^2.
  double sum_nn = 0.0;
  double sum_nd = 0.0;
  double sum_dd = 0.0;
};

struct PairOptions {
  double tau = std::numeric_limits<double>::infinity();  // only events up to it, in days
  // Uno's C: each pair counts 1 / G(T-)^2, T the earlier time, G the censoring survival; null: Harrell's.
  const StepFunction* censoring = nullptr;
  std::span<const double> weights{};  // one a patient, >= 0, a pair counts their product; empty: all 1
};

// All pairs of these patients: risk[i] is higher for who dies earlier. O(events x patients), 2,000 patients in 10 ms.
// kInvalidInput as CheckOutcomes, on lengths that differ, a risk or weight that isn't finite, and G = 0 at an event.
Result<PairCounts> CountPairs(std::span<const Outcome> outcomes, std::span<const double> risk,
                              const PairOptions& options = {});

struct Concordance {
  double c = 0.5;
  double std_error = 0.0;  // infinitesimal jackknife over patients, G taken as known
};

// Harrell 1996; Uno 2011. kInvalidInput if no pair is comparable.
Result<Concordance> ConcordanceOf(const PairCounts& counts);

}  // namespace fedtrial
