#pragma once

#include <optional>
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

// What a head that predicts a label is to say of the patient; nothing where it isn't known.
std::optional<bool> LabelOf(const Block& head, const Sample& sample);

// By the network's head `head`. One that predicts an endpoint: of an illness-death model, by death from any cause. One
// that predicts a label: bins is 1, the logit of the label is risk and logit of that bin alike.
Result<Scores> ScoreNetwork(const ScoredInput& input, const TaskContext& context, const Replica& replica,
                            const Block& head, std::size_t bins);

// The deltas of every block that this site fills.
Result<Contribution> TrainNetworkTask(const TaskInput& input, const TrainStep& step, TaskContext& context);

}  // namespace fedtrial::site
