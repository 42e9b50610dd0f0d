#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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
  std::string kind;  // normalise, grid, train, evaluate, recalibrate
  StepPosition position;
  std::uint64_t round = 0;
  std::uint64_t seed = 0;  // RoundSeed(plan, round)
};
// First 8 bytes, little-endian, of SHA-256("fl/seed/v1" || u64 seed of the plan || u64 round).
std::uint64_t RoundSeed(const Plan& plan, std::uint64_t round);
Task TaskAt(const Plan& plan, const StepPosition& position, std::uint64_t round);
// Whether the plan is done at this position.
bool IsFinished(const Plan& plan, const StepPosition& position);
// The position after one finished round. `again`: the task wants another round of itself (grid's second pass).
StepPosition NextPosition(const Plan& plan, const StepPosition& position, bool again);
// Rounds of the whole plan that are known beforehand, for progress; two for a grid that finds its cuts.
std::uint64_t PlannedRounds(const Plan& plan);

// The round's vector, from the plan, the position and the model before (its digest in `model`): both sides make it from
// here alone. Tensors by kind, in each replica's prefix:
//   normalise  <p>feature_<name>/{count,sum,square_sum} [1]   u mapped from the feature's range to [-1, 1]
//   grid       first pass, only where cuts are open (not in the plan, not yet in the model):
//              fine/{at_risk,events} [FineBins]               of the full replica
//              <p>grid/{at_risk,events} [bins], <p>grid/patients [1]; with a network <p>grid/labels [heads] and, of the
//              full replica, modality_<block>/patients [1] for each modality;
//              of an illness-death endpoint <p>grid/{steps,transitions} [3, bins] (model/survival/transition_counts.h)
//   train      of the fusion: the tensors of the network (model/params/network_shape.h) that its stage trains, in each
//              replica's prefix; else
//              <p><block>/{beta [features of the block],intercept [bins]} deltas, in the plan's precision
//              loss/<block> [1] mean loss per training patient of the full replica before the step, without penalty
//   evaluate   see proto/plan/evaluate.h
//   recalibrate  see proto/plan/recalibrate.h
// Bins count (0, c_0], (c_0, c_1], ... as in model/survival/discrete_hazard.h. All but train: float64, 64-bit words,
// weight 1. kIntegrity if the model lacks what the task starts from (says which tensor); kInternal for a task that
// isn't at its place in the plan.
Result<Manifest> Layout(const Plan& plan, const Task& task, const ModelHeader& before, const Digest& model);

// How a task's values become words. Statistics: 64 bits, f = 32 and the largest power of two as clip that `sites` such
// values can't overflow (2^27 for 12 sites). Training: the plan's words and clip; f is the largest that fits with
// sites * patient_cap, at most 32. kInvalidInput if none fits.
Result<Encoding> StatisticsEncoding(const Plan& plan);
Result<Encoding> TrainEncoding(const Plan& plan);

// Bins of the histogram that a grid's cuts are read from: (0, w], (w, 2w], ... up to the horizon.
std::uint64_t FineBins(const GridStep& step);
// Block and endpoint of a train, grid, evaluate or recalibrate task, and of an evaluation between the rounds of a train
// step.
std::string_view BlockOf(const Plan& plan, const Task& task);
std::string_view EndpointOf(const Plan& plan, const Task& task);

// The name of a manifest's block without its replica's prefix: "r03k2/risk" is of "risk".
std::string_view WithoutReplica(std::string_view block);

// Names of the model's tensors.
//   <p>constants/mean, <p>constants/deviation [features]   after normalise
//   constants/cuts.<endpoint> [bins]                       after grid
//   <p><block>/beta [features of the block], <p><block>/intercept [bins]   in the plan's precision, from grid: 0, and
//                                                          the logit of the pooled hazards
//   <p>constants/patients [1]                              training patients of all sites (grid)
//   <p>constants/labels [heads]                            those of them with a label of each head, with a network
//   constants/modalities [modalities]                      the share of all who have it (grid, a network); 0 where too
//                                                          few do: it stays at its start and nobody's is read
//   <p>constants/recalibration.<predictor> [2 + bins]      see proto/plan/recalibrate.h (recalibrate)
std::string MeanName(const Replica& replica);
std::string DeviationName(const Replica& replica);
std::string PatientsName(const Replica& replica);
std::string LabelsName(const Replica& replica);
std::string ModalitiesName();
std::string ModalityBlock(std::string_view modality);  // "modality_labs", of grid's counts
std::string CutsName(std::string_view endpoint);
std::string BetaName(const Replica& replica, std::string_view block);
std::string InterceptName(const Replica& replica, std::string_view block);

}  // namespace fedtrial
