#include <algorithm>

#include "model/training/local_trainer.h"
#include "site_node/tasks/network.h"
#include "site_node/tasks/task_kinds.h"

namespace fedtrial::site {
namespace {

TrainingSettings SettingsOf(const TaskInput& input, const TrainStep& step, const TaskContext& context) {
  TrainingSettings settings;
  settings.local = step.local;
  settings.round_in_step = input.task.position.round_in_step;
  settings.precision = input.plan.precision;
  settings.threads = context.threads;
  settings.device = context.device;
  settings.seed = input.task.seed;
  settings.cohort = context.cohort;
  settings.cancelled = [&context] { return context.cancelled(); };
  if (context.progress) settings.on_way = [&context](double fraction) { context.progress(fraction, "training"); };
  return settings;
}

}  // namespace

Result<Contribution> AnswerTrain(const TaskInput& input, TaskContext& context) {
  const auto* step = std::get_if<TrainStep>(&input.plan.steps[input.task.position.step].settings);
  const Block* block = step == nullptr ? nullptr : input.plan.FindBlock(step->block);
  if (block == nullptr) return Error{ErrorCode::kInternal, "train: the plan has another task at this step"};
  if (block->kind == BlockKind::kFusion) return TrainNetworkTask(input, *step, context);
  ASSIGN_OR_RETURN(const Grid grid, GridOf(input.plan, step->endpoint, input.before));

  const std::vector<Replica> replicas = Replicas(input.plan, *block);
  std::vector<ReplicaTask> tasks;
  for (const Replica& replica : replicas) {
    ASSIGN_OR_RETURN(ReplicaModel model, LoadReplica(input.plan, input.before, replica, *block, grid.bins()));
    ASSIGN_OR_RETURN(const double patients, TrainingPatients(input.before, replica));
    tasks.push_back({std::move(model.hazards), std::move(model.scaling), patients, TrainsIn(replica, input.cohort)});
  }
  ContributionBuilder builder(input.manifest);
  if (CountTrue(tasks.front().trains) == 0) return std::move(builder).Take(context.cohort);

  const TrainingData data{FeaturesOf(*block, input.cohort), grid.PlacesOf(OutcomesOf(input.cohort))};
  ASSIGN_OR_RETURN(const auto updates, TrainReplicas(data, tasks, SettingsOf(input, *step, context)));
  const auto weight = [&](std::size_t patients) {
    return std::min<std::uint64_t>(patients, input.plan.encoding.patient_cap);
  };
  const bool has_block = HasBlock(*block, input.cohort);
  for (std::size_t r = 0; r < replicas.size() && has_block; ++r) {
    builder.FillBlock(replicas[r].prefix + block->name, weight(updates[r].patients));
    RETURN_IF_ERROR(builder.Set(BetaName(replicas[r], block->name), updates[r].delta.beta));
    RETURN_IF_ERROR(builder.Set(InterceptName(replicas[r], block->name), updates[r].delta.intercepts));
  }
  builder.FillBlock("loss", weight(updates.front().patients));
  RETURN_IF_ERROR(builder.Set("loss/" + block->name, {updates.front().loss_before}));
  return std::move(builder).Take(context.cohort);
}

}  // namespace fedtrial::site
