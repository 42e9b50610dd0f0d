#include "site_node/tasks/scores.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "model/survival/recalibration.h"
#include "proto/plan/network.h"
#include "proto/plan/recalibrate.h"
#include "site_node/tasks/network.h"

namespace fedtrial::site {
namespace {

Result<Scores> ScoreLinear(const ScoredInput& input, const Replica& replica, const Block& block, std::size_t bins) {
  ASSIGN_OR_RETURN(const ReplicaModel loaded, LoadReplica(input.plan, input.model, replica, block, bins));
  ASSIGN_OR_RETURN(const Matrix x, Scaled(FeaturesOf(block, input.cohort), loaded.scaling));
  Scores scores{LinearPredictor(x, loaded.hazards.beta), Matrix(x.rows, bins)};
  for (std::size_t i = 0; i < x.rows; ++i)
    for (std::size_t k = 0; k < bins; ++k) scores.logits(i, k) = loaded.hazards.intercepts[k] + scores.risk[i];
  return scores;
}

}  // namespace

Result<Scores> ScoreBlock(const ScoredInput& input, const TaskContext& context, const Replica& replica,
                          const Block& block, std::string_view endpoint, std::size_t bins) {
  const bool linear = block.kind == BlockKind::kLinear;
  const Block* predictor = linear || block.kind == BlockKind::kHead ? &block : HeadOf(input.plan, endpoint);
  if (predictor == nullptr)
    return Error{ErrorCode::kInvalidInput, fmt::format("no head of the plan predicts endpoint \"{}\"", endpoint)};
  ASSIGN_OR_RETURN(Scores scores, linear ? ScoreLinear(input, replica, block, bins)
                                         : ScoreNetwork(input, context, replica, *predictor, bins));
  const std::string constants = RecalibrationName(replica, predictor->name);
  if (input.as_trained || !input.model.tensors.contains(constants)) return scores;
  const std::vector<double> days = RecalibratedDays(input.plan, *predictor, endpoint);
  ASSIGN_OR_RETURN(const auto recalibrations,
                   RecalibrationsOf(input.model, replica, predictor->name, days.size(), bins));
  const Recalibration& recalibration =
      recalibrations[LandmarkUpTo(days, linear ? 0.0 : input.landmark_days.value_or(days.front()))];
  if (recalibration.ChangesNothing()) return scores;  // to the bit
  for (std::size_t i = 0; i < scores.logits.rows; ++i)
    for (std::size_t k = 0; k < bins; ++k) scores.logits(i, k) = recalibration.At(k, scores.logits(i, k));
  return scores;
}

Result<std::vector<Recalibration>> RecalibrationsOf(const Model& model, const Replica& replica,
                                                    std::string_view predictor, std::size_t landmarks,
                                                    std::size_t bins) {
  const std::string name = RecalibrationName(replica, predictor);
  ASSIGN_OR_RETURN(const auto values, ModelValues(model, name, landmarks * (2 + bins)));
  std::vector<Recalibration> recalibrations = RecalibrationsFrom(values, landmarks);
  for (const Recalibration& one : recalibrations)
    if (!IsUsable(one))
      return Error{
          ErrorCode::kInvalidInput,
          fmt::format("the model's tensor \"{}\" has intercept {} and slope {}, wanted -20 to 20 and 0.05 to 20", name,
                      one.intercept, one.slope)};
  return recalibrations;
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
