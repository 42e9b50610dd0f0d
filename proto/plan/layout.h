#pragma once

#include "common/base/result.h"
#include "model/params/manifest.h"
#include "model/params/model.h"
#include "proto/plan/plan.h"

namespace fedtrial {

// Where a trial stands in its plan: which step, and which round of that step.
struct StepPosition {
  std::uint32_t step = 0;           // index into Plan::steps
  std::uint32_t round_in_step = 0;  // finished rounds of this step
  bool evaluating = false;          // an `evaluate` round between the rounds of a train step
  bool operator==(const StepPosition&) const = default;
};

// What is asked in a round, the same on every side.
struct Task {
  std::string kind;  // normalise, grid, train, evaluate
  StepPosition position;
  std::uint64_t round = 0;
  std::uint64_t seed = 0;  // RoundSeed(plan, round)
};
Task TaskAt(const Plan& plan, const StepPosition& position, std::uint64_t round);
// Whether the plan is done at this position.
bool IsFinished(const Plan& plan, const StepPosition& position);
// The position after one finished round. `again`: the task wants another round of itself (grid's second pass).
StepPosition NextPosition(const Plan& plan, const StepPosition& position, bool again);
// Rounds of the whole plan that are known beforehand, for progress.
std::uint64_t PlannedRounds(const Plan& plan);

// The round's vector, from the plan, the position and the model before (its digest in `model`): both sides make it from
// here alone. Tensors by kind, in each replica's prefix:
//   normalise  <p>feature_<name>/{count,sum,square_sum}       u mapped from the feature's range to [-1, 1]
//   grid       first pass, only where cuts are open: fine/{events,at_risk}
//              <p>grid/{at_risk,events} per bin, <p>grid/patients
//   train      <p><block>/{beta,intercept} deltas; loss/<block> mean loss of the full replica before the step
//   evaluate   see proto/plan/evaluate.h
Result<Manifest> Layout(const Plan& plan, const Task& task, const ModelHeader& before, const Digest& model);

// Names of the model's tensors.
//   <p>constants/mean, <p>constants/deviation [features]   after normalise
//   constants/cuts.<endpoint> [bins]                       after grid
//   <p><block>/beta [features of the block], <p><block>/intercept [bins]   start: 0, logit of the pooled hazards (grid)
//   <p>constants/patients [1]                              training patients of all sites (grid)
std::string MeanName(const Replica& replica);
std::string DeviationName(const Replica& replica);
std::string PatientsName(const Replica& replica);
std::string CutsName(std::string_view endpoint);
std::string BetaName(const Replica& replica, std::string_view block);
std::string InterceptName(const Replica& replica, std::string_view block);

}  // namespace fedtrial
