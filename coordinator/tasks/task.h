#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "coordinator/tasks/network_start.h"
#include "model/params/fixed_point.h"
#include "model/params/model.h"
#include "proto/plan/layout.h"
#include "proto/plan/plan.h"

namespace fedtrial::coordinator {

// What the server's optimiser keeps between the rounds of a train step: never sent, kept in server/<digest>. Empty for
// FedAvg, and again at the first round of a step.
struct ServerState {
  std::map<std::string, Tensor> moments;  // "momentum/<tensor>", "second/<tensor>"; shapes and types of the model's

  Result<Bytes> Encode() const;  // as a model file
  static Result<ServerState> Decode(ByteView bytes);
};

struct Outcome {
  std::optional<Model> next;  // the model after the round; none: the model stays as it was
  std::string result_json;    // one object, for ledger, status and report; see below
  bool again = false;         // the task wants another round of itself
};

// What a finished sum means. `sum` is over the round's manifest (Layout of the same plan, task and model); `before` is
// the model the round started from, empty before the first. The same sum gives the same bits, whoever sent in whatever
// order. `before` becomes the next model in place: one model and the words in memory, no more. On an error `server` has
// not changed. kIntegrity if the model lacks a tensor or the sum can't be one of this task; kInvalidInput if nothing
// can be made of it (no event at all, fewer than kMinContributors sites in the grid).
//
// result_json (a count below the plan's min_cell, other than 0, is null; so is a figure that doesn't exist):
//   normalise {"features": [{"name", "contributors", "patients", "mean", "deviation", "unit_scale"}]}
//             A feature with fewer than 3 contributors or 20 values is scaled by the plan's range instead, to [-1, 1]:
//             "unit_scale" is true. One that nobody has so never moves a risk: its values are all missing.
//   grid      first pass {"cuts_days"}; then {"cuts_days", "at_risk", "events", "patients", "not_folded": [prefix]},
//   with
//             a network "frozen": [modalities that fewer than 3 sites or 10 patients have]
//             not_folded: replicas with fewer than 3 contributors, which start and stay at the full model's hazards
//   train     {"block", "loss", "patients", "contributors", "kept": [tensors of too few sites, which stayed]}
//   evaluate  {"block", "concordance": {"value", "low", "high", "events", "pairs", "repeats": []}, "loss", "patients",
//             "test": {"value", "events", "pairs"}, "calibration": {"expected": [], "observed": []}}
//             concordance: pairs within hospitals, mean over repeats, 95 % bootstrap interval; pairs of one repeat. Of
//             a head that predicts a label it is the area under the ROC curve, events are the patients with the label
//   recalibrate {"block", "predictor", "round", "rounds", "events", "slope", "intercept", "after": {"slope",
//             "intercept"}, "left": [prefix]}. slope and intercept: the constants of the full model so far (null
//             in the first round); after: what is still wrong (1 and 0 are ideal) with the cross-validated predictions,
//             recalibrated by the constants of the round before, each fold by those of the others: in the second round
//             of the predictions as trained; left: replicas that stay as they are because fewer than 3 sites or 10
//             events tell, or nothing sensible came out (the full one is "")
Result<Outcome> Finish(const Plan& plan, const Task& task, const Sum& sum, Model before, ServerState& server,
                       const StartFileTensors& start = {});

// Says in the model what it is: `before` zeros for the first. The keys are in proto/PROTOCOL.md.
struct ModelIdentity {
  std::string trial_id;
  Digest plan{};
  std::uint64_t round = 0;
  Digest before{};
  Digest included{};  // SetHash("included", U3) with a ctx of zeros: of the sites alone
};
void Identify(Model& model, const ModelIdentity& identity);

}  // namespace fedtrial::coordinator
