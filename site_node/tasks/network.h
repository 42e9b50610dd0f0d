#pragma once

#include <string_view>
#include <vector>

#include "model/training/network_trainer.h"
#include "model/training/patient_input.h"
#include "site_node/tasks/scores.h"

namespace fedtrial::site {

// The plan's network as one replica sees this site: its shape, where its inputs and labels lie, and the patients.
struct NetworkView {
  NetworkShape shape;
  InputMap map;                      // scaled with the replica's constants
  std::vector<PatientInput> inputs;  // one a sample, in their order
};
// `landmarks`: the day of each sample's. kIntegrity names a tensor that the model lacks, kInvalidInput what isn't
// finite or doesn't fit.
Result<NetworkView> ViewNetwork(const ScoredInput& input, const Replica& replica, const std::vector<double>& landmarks);

// In a round of training a patient is seen at one of the plan's landmarks at which he is alive and followed, drawn from
// the round's seed and the cohort, so that he counts once and in the end at all of them.
std::vector<double> DrawLandmarks(const Plan& plan, const Cohort& cohort, std::uint64_t seed, const Digest& digest);

// Labels of each head, in the plan's order, among the patients who train in the replica: what the sum of all sites
// weighs the heads by. Empty for a plan without a network.
std::vector<double> CountLabels(const Plan& plan, const Replica& replica, const Cohort& cohort);

// By the network's head `head`, which predicts an endpoint: of an illness-death model, by death from any cause.
Result<Scores> ScoreNetwork(const ScoredInput& input, const TaskContext& context, const Replica& replica,
                            const Block& head, std::size_t bins);

// The deltas of every block that this site fills.
Result<Contribution> TrainNetworkTask(const TaskInput& input, const TrainStep& step, TaskContext& context);

}  // namespace fedtrial::site
