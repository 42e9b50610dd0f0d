#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "model/survival/matrix.h"
#include "model/survival/recalibration.h"
#include "site_node/tasks/task_input.h"

namespace fedtrial::site {

// What scoring starts from: of a task, or of a prediction.
struct ScoredInput {
  const Plan& plan;
  const Cohort& cohort;
  const Model& model;
  std::optional<double> landmark_days = std::nullopt;  // of a network's predictions; none: the plan's first
  bool as_trained = false;                             // without the model's recalibration
};

// What one replica says of every sample, in their order.
struct Scores {
  std::vector<double> risk;  // higher is worse
  Matrix logits;             // of the hazard: a row a sample, a column a bin of the endpoint's grid

  // At the end of each bin.
  std::vector<double> SurvivalOf(std::size_t sample) const;
};

// By a linear block, by a head of the network, or by its head of the endpoint where the block is the plan's fusion. The
// logits are recalibrated by the replica's own constants of the last landmark up to the prediction's day, if the model
// has some (proto/plan/recalibrate.h); the risk, and so every concordance, is the same with and without them.
// kIntegrity names a tensor that the model lacks, kInvalidInput one that isn't finite.
Result<Scores> ScoreBlock(const ScoredInput& input, const TaskContext& context, const Replica& replica,
                          const Block& block, std::string_view endpoint, std::size_t bins);

// A replica's constants of a predictor (a linear block or a head), one a landmark. kIntegrity if the model lacks them,
// kInvalidInput if they aren't usable.
Result<std::vector<Recalibration>> RecalibrationsOf(const Model& model, const Replica& replica,
                                                    std::string_view predictor, std::size_t landmarks,
                                                    std::size_t bins);

// Negative log-likelihood of these samples, summed, without a penalty.
double LossOf(const Scores& scores, const std::vector<std::size_t>& samples, const std::vector<GridPlace>& places);

}  // namespace fedtrial::site
