#include "site_node/tasks/predict.h"

#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "model/training/predict.h"
#include "site_node/tasks/task_input.h"

namespace fedtrial::site {
namespace {

const TrainStep* LastTraining(const Plan& plan) {
  const TrainStep* last = nullptr;
  for (const Step& step : plan.steps)
    if (const auto* train = std::get_if<TrainStep>(&step.settings)) last = train;
  return last;
}

nlohmann::json PatientJson(const Sample& sample, const SurvivalCurve& curve, const Plan& plan, const Block& block) {
  std::vector<double> survival = {1.0};
  survival.insert(survival.end(), curve.survival.begin(), curve.survival.end());
  nlohmann::json missing = nlohmann::json::array();
  for (const std::size_t feature : block.features)
    if (std::isnan(sample.features[feature])) missing.push_back(plan.features[feature].name);
  return {{"patient", sample.key}, {"risk", curve.risk}, {"survival", survival}, {"missing", missing}};
}

Result<std::string> PredictJson(const Plan& plan, const Model& model, const Digest& model_digest, const Cohort& cohort,
                                std::string_view patient) {
  const TrainStep* step = LastTraining(plan);
  const Block* block = step == nullptr ? nullptr : plan.FindBlock(step->block);
  if (block == nullptr) return Error{ErrorCode::kInvalidInput, "predict: the plan trains no model"};
  Cohort wanted;
  for (const Sample& sample : cohort.samples)
    if (patient.empty() || sample.key == patient) wanted.samples.push_back(sample);
  if (wanted.samples.empty())
    return Error{ErrorCode::kInvalidInput, patient.empty()
                                               ? "predict: the data folder has no patient of the plan's cohort"
                                               : "predict: the data folder has no such patient in the plan's cohort"};
  ASSIGN_OR_RETURN(const Grid grid, GridOf(plan, step->endpoint, model));
  ASSIGN_OR_RETURN(const ReplicaModel loaded, LoadReplica(plan, model, Replica{}, *block, grid.bins()));
  ASSIGN_OR_RETURN(const auto curves, PredictCurves(FeaturesOf(*block, wanted), loaded.scaling, loaded.hazards));

  std::vector<double> times = {0.0};
  times.insert(times.end(), grid.cuts().begin(), grid.cuts().end());
  nlohmann::json patients = nlohmann::json::array();
  for (std::size_t i = 0; i < curves.size(); ++i)
    patients.push_back(PatientJson(wanted.samples[i], curves[i], plan, *block));
  return nlohmann::json{
      {"model", ToHex(model_digest)}, {"endpoint", step->endpoint}, {"times_days", times}, {"patients", patients}}
      .dump();
}

}  // namespace

Result<std::string> Predict(const Plan& plan, const Model& model, const Digest& model_digest, const Cohort& cohort,
                            std::string_view patient) {
  try {
    return PredictJson(plan, model, model_digest, cohort, patient);
  } catch (const std::exception& failure) {  // no memory
    return Error{ErrorCode::kInternal, fmt::format("predict: {}", failure.what())};
  }
}

}  // namespace fedtrial::site
