#include "proto/plan/evaluate.h"

#include <algorithm>

#include "proto/plan/network.h"
#include "proto/plan/task_kinds.h"

namespace fedtrial {
namespace {

constexpr std::uint64_t kMaxBootstrap = 10'000;

StepSettings Read(TomlTable& table, const Plan& plan) {
  EvaluateStep step;
  step.block = ReadBlock(table, plan);
  step.endpoint = ReadEndpoint(table, plan);
  step.bootstrap = static_cast<unsigned>(table.Unsigned("bootstrap", {1, kMaxBootstrap}, kDefaultBootstrap));
  return step;
}

Result<std::vector<TensorSpec>> Tensors(const Plan& plan, const Task& task, const ModelHeader& before) {
  ASSIGN_OR_RETURN(const EvaluateStep step, EvaluationAt(plan, task));
  const Block* block = plan.FindBlock(step.block);
  std::uint64_t bins = 1;
  if (block == nullptr || !PredictsLabel(*block)) {
    ASSIGN_OR_RETURN(bins, BinsOf(plan, step.endpoint, before));
  }
  std::vector<TensorSpec> tensors = {{"concordance/counts", {EvaluatedRepeats(plan, step.block), 3}},
                                     {"concordance/bootstrap", {step.bootstrap, 2}}};
  if (!plan.split_column.empty()) tensors.push_back({"test/counts", {4}});
  tensors.push_back({"loss/sum", {3}});
  tensors.push_back({"calibration/expected", {bins}});
  tensors.push_back({"calibration/observed", {bins}});
  return tensors;
}

}  // namespace

const TaskKind kEvaluate{"evaluate", Read, Tensors, StatisticsEncoding};

std::uint64_t EvaluatedRepeats(const Plan& plan, std::string_view block) {
  const Block* found = plan.FindBlock(block);
  return std::max(1u, found == nullptr ? plan.folds.repeats : RepeatsOf(plan, *found));
}

Result<EvaluateStep> EvaluationAt(const Plan& plan, const Task& task) {
  if (task.position.step < plan.steps.size()) {
    const auto& settings = plan.steps[task.position.step].settings;
    if (const auto* evaluate = std::get_if<EvaluateStep>(&settings)) return *evaluate;
    if (const auto* train = std::get_if<TrainStep>(&settings); train != nullptr && task.position.evaluating)
      return EvaluateStep{train->block, train->endpoint, kDefaultBootstrap};
  }
  return Error{ErrorCode::kInternal, "no evaluation at this place of the plan"};
}

}  // namespace fedtrial
