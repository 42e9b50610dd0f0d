#include "proto/plan/recalibrate.h"

#include <algorithm>
#include <fmt/format.h>

#include "proto/plan/network.h"
#include "proto/plan/task_kinds.h"

namespace fedtrial {
namespace {

StepSettings Read(TomlTable& table, const Plan& plan) {
  RecalibrateStep step;
  step.block = ReadBlock(table, plan);
  step.endpoint = ReadEndpoint(table, plan);
  step.rounds = static_cast<unsigned>(table.Unsigned("rounds", {2, 50}, step.rounds));
  const Block* block = plan.FindBlock(step.block);
  if (block != nullptr && RepeatsOf(plan, *block) == 0)
    table.Report("task",
                 "recalibrate wants predictions of patients who were not trained on: [folds] with 1 repeat or "
                 "more");
  if (block != nullptr && plan.FindEndpoint(step.endpoint) != nullptr &&
      PredictorOf(plan, *block, step.endpoint) == nullptr)
    table.Report("block", fmt::format("\"{}\" predicts no endpoint \"{}\"", step.block, step.endpoint));
  return step;
}

Result<std::vector<TensorSpec>> Tensors(const Plan& plan, const Task& task, const ModelHeader& before) {
  ASSIGN_OR_RETURN(const RecalibrateStep step, RecalibrationAt(plan, task));
  const Block& block = *plan.FindBlock(step.block);
  const Block& predictor = *PredictorOf(plan, block, step.endpoint);
  std::vector<TensorSpec> tensors;
  ASSIGN_OR_RETURN(const std::uint64_t bins, BinsOf(plan, step.endpoint, before));
  const std::uint64_t landmarks = RecalibratedDays(plan, predictor, step.endpoint).size();
  for (const Replica& replica : Replicas(plan, block)) {
    if (task.position.round_in_step == 0) {
      tensors.push_back({replica.prefix + "recalibration/centre", {landmarks, 2, bins}});
      continue;
    }
    RETURN_IF_ERROR(
        FindInModel(before, RecalibrationName(replica, predictor.name), ScalarType::kFloat64, {landmarks, 2 + bins}));
    tensors.push_back({replica.prefix + "recalibration/sums", {landmarks, kRecalibrationSums}});
    if (replica.repeat == 0) tensors.push_back({"recalibration/after", {landmarks, kRecalibrationSums}});
  }
  return tensors;
}

}  // namespace

const TaskKind kRecalibrate{"recalibrate", Read, Tensors, StatisticsEncoding};

Result<RecalibrateStep> RecalibrationAt(const Plan& plan, const Task& task) {
  if (task.position.step < plan.steps.size())
    if (const auto* step = std::get_if<RecalibrateStep>(&plan.steps[task.position.step].settings))
      if (const Block* block = plan.FindBlock(step->block);
          block != nullptr && PredictorOf(plan, *block, step->endpoint) != nullptr)
        return *step;
  return Error{ErrorCode::kInternal, "no recalibration at this place of the plan"};
}

const Block* PredictorOf(const Plan& plan, const Block& block, std::string_view endpoint) {
  if (block.kind == BlockKind::kFusion) return HeadOf(plan, endpoint);
  const bool head = block.kind == BlockKind::kHead && block.target == HeadTarget::kEndpoint;
  return block.kind == BlockKind::kLinear || head ? &block : nullptr;
}

std::vector<double> RecalibratedDays(const Plan& plan, const Block& predictor, std::string_view endpoint) {
  if (predictor.kind == BlockKind::kLinear) return {0.0};
  return plan.FindEndpoint(endpoint)->landmarks;
}

std::size_t LandmarkUpTo(const std::vector<double>& landmarks, double day) {
  const auto after = std::ranges::upper_bound(landmarks, day) - landmarks.begin();
  return after > 0 ? static_cast<std::size_t>(after - 1) : 0;
}

std::string RecalibrationName(const Replica& replica, std::string_view predictor) {
  return fmt::format("{}constants/recalibration.{}", replica.prefix, predictor);
}

}  // namespace fedtrial
