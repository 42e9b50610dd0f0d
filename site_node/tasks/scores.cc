#include "site_node/tasks/scores.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "proto/plan/network.h"
#include "site_node/tasks/network.h"

namespace fedtrial::site {

Result<Scores> ScoreBlock(const ScoredInput& input, const TaskContext& context, const Replica& replica,
                          const Block& block, std::string_view endpoint, std::size_t bins) {
  if (block.kind != BlockKind::kLinear) {
    const Block* head = block.kind == BlockKind::kHead ? &block : HeadOf(input.plan, endpoint);
    if (head == nullptr)
      return Error{ErrorCode::kInvalidInput, fmt::format("no head of the plan predicts endpoint \"{}\"", endpoint)};
    return ScoreNetwork(input, context, replica, *head, bins);
  }
  ASSIGN_OR_RETURN(const ReplicaModel loaded, LoadReplica(input.plan, input.model, replica, block, bins));
  ASSIGN_OR_RETURN(const Matrix x, Scaled(FeaturesOf(block, input.cohort), loaded.scaling));
  Scores scores{LinearPredictor(x, loaded.hazards.beta), Matrix(x.rows, bins)};
  for (std::size_t i = 0; i < x.rows; ++i)
    for (std::size_t k = 0; k < bins; ++k) scores.logits(i, k) = loaded.hazards.intercepts[k] + scores.risk[i];
  return scores;
}

double LossOf(const Scores& scores, const std::vector<std::size_t>& samples, const std::vector<GridPlace>& places) {
  double loss = 0.0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (std::size_t k = 0; k < places[i].at_risk; ++k) {
      const double logit = scores.logits(samples[i], k);
      loss += std::max(logit, 0.0) + std::log1p(std::exp(-std::abs(logit)));
    }
    if (places[i].event) loss -= scores.logits(samples[i], places[i].at_risk - 1);
  }
  return loss;
}

std::vector<double> Scores::SurvivalOf(std::size_t sample) const {
  std::vector<double> survival;
  double alive = 1.0;
  for (const double logit : logits.row(sample)) survival.push_back(alive /= 1.0 + std::exp(logit));
  return survival;
}

}  // namespace fedtrial::site
