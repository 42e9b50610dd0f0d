#include "site_node/tasks/predict.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/plan/network.h"
#include "site_node/tasks/scores.h"

namespace fedtrial::site {
namespace {

const TrainStep* LastTraining(const Plan& plan) {
  const TrainStep* last = nullptr;
  for (const Step& step : plan.steps)
    if (const auto* train = std::get_if<TrainStep>(&step.settings)) last = train;
  return last;
}

// Of one row a patient, that the model reads: of the linear block, or of all static blocks of the network.
std::vector<std::size_t> FeaturesRead(const Plan& plan, const Block& block) {
  if (block.kind == BlockKind::kLinear) return block.features;
  std::vector<std::size_t> features;
  for (const Block& other : plan.blocks)
    if (other.kind == BlockKind::kStatic) features.insert(features.end(), other.features.begin(), other.features.end());
  return features;
}

// The probability of each label that the network predicts, by head: a list by patient, null where there is nothing to
// predict (pseudo-progression without a suspicion).
Result<std::map<std::string, nlohmann::json>> Probabilities(const ScoredInput& input, const TaskContext& context) {
  std::map<std::string, nlohmann::json> by_head;
  for (const Block& head : input.plan.blocks) {
    if (!PredictsLabel(head)) continue;
    ASSIGN_OR_RETURN(const Scores scores, ScoreBlock(input, context, Replica{}, head, "", 1));
    nlohmann::json& list = by_head[head.name] = nlohmann::json::array();
    for (std::size_t i = 0; i < scores.risk.size(); ++i) {
      if (head.target == HeadTarget::kPseudoProgression && !input.cohort.samples[i].suspicion)
        list.push_back(nullptr);
      else
        list.push_back(1.0 / (1.0 + std::exp(-scores.logits(i, 0))));
    }
  }
  return by_head;
}

nlohmann::json PatientJson(const Sample& sample, double risk, const std::vector<double>& survival_at_cuts,
                           const Plan& plan, const std::vector<std::size_t>& features) {
  std::vector<double> survival = {1.0};
  std::ranges::copy(survival_at_cuts, std::back_inserter(survival));
  nlohmann::json missing = nlohmann::json::array();
  for (const std::size_t feature : features)
    if (std::isnan(sample.features[feature])) missing.push_back(plan.features[feature].name);
  return {{"patient", sample.key}, {"risk", risk}, {"survival", survival}, {"missing", missing}};
}

Result<std::string> PredictJson(const Plan& plan, const Model& model, const Digest& model_digest, const Cohort& cohort,
                                std::string_view patient, const VolumeSource* volumes) {
  const TrainStep* step = LastTraining(plan);
  const Block* block = step == nullptr ? nullptr : plan.FindBlock(step->block);
  if (block == nullptr) return Error{ErrorCode::kInvalidInput, "predict: the plan trains no model"};
  Cohort wanted{cohort.feature_names, cohort.panels, {}};
  for (const Sample& sample : cohort.samples)
    if (patient.empty() || sample.key == patient) wanted.samples.push_back(sample);
  if (wanted.samples.empty())
    return Error{ErrorCode::kInvalidInput, patient.empty()
                                               ? "predict: the data folder has no patient of the plan's cohort"
                                               : "predict: the data folder has no such patient in the plan's cohort"};
  ASSIGN_OR_RETURN(const Grid grid, GridOf(plan, step->endpoint, model));
  TaskContext context;
  TokenCache tokens;
  context.volumes = volumes;
  context.tokens = &tokens;
  ASSIGN_OR_RETURN(const Scores scores,
                   ScoreBlock({plan, wanted, model}, context, Replica{}, *block, step->endpoint, grid.bins()));

  std::map<std::string, nlohmann::json> probabilities;
  if (block->kind == BlockKind::kFusion) {
    ASSIGN_OR_RETURN(probabilities, Probabilities({plan, wanted, model}, context));
  }

  std::vector<double> times = {0.0};
  times.insert(times.end(), grid.cuts().begin(), grid.cuts().end());
  nlohmann::json patients = nlohmann::json::array();
  const std::vector<std::size_t> features = FeaturesRead(plan, *block);
  for (std::size_t i = 0; i < wanted.samples.size(); ++i) {
    patients.push_back(PatientJson(wanted.samples[i], scores.risk[i], scores.SurvivalOf(i), plan, features));
    for (const auto& [head, list] : probabilities) patients.back()["probabilities"][head] = list[i];
  }
  return nlohmann::json{
      {"model", ToHex(model_digest)}, {"endpoint", step->endpoint}, {"times_days", times}, {"patients", patients}}
      .dump();
}

}  // namespace

Result<std::string> Predict(const Plan& plan, const Model& model, const Digest& model_digest, const Cohort& cohort,
                            std::string_view patient, const VolumeSource* volumes) {
  try {
    return PredictJson(plan, model, model_digest, cohort, patient, volumes);
  } catch (const std::exception& failure) {  // no memory
    return Error{ErrorCode::kInternal, fmt::format("predict: {}", failure.what())};
  }
}

}  // namespace fedtrial::site
