#include "proto/plan/task_kinds.h"

namespace fedtrial {
namespace {

constexpr double kSmallest = 1e-12;  // of a number that must be above 0

LocalSettings ReadLocal(TomlTable table) {
  LocalSettings local;
  local.optimizer = static_cast<LocalOptimizer>(table.Choice("optimizer", {"sgd", "fedprox"}, 0));
  local.steps = static_cast<unsigned>(table.Unsigned("steps", {1, 1'000'000}, local.steps));
  local.batch = static_cast<unsigned>(table.Unsigned("batch", {0, 1'000'000}, local.batch));
  local.rate = table.Number("rate", {kSmallest, 1e3}, local.rate);
  local.rate_half = table.Number("rate_half", {0.0, 1e9}, local.rate_half);
  local.ridge = table.Number("ridge", {0.0, 1e9}, local.ridge);
  local.proximal = table.Number("proximal", {0.0, 1e6}, local.proximal);
  if ((local.optimizer == LocalOptimizer::kFedProx) != (local.proximal > 0.0))
    table.Report("proximal", "optimizer \"fedprox\" wants proximal above 0, \"sgd\" wants none");
  return local;
}

ServerSettings ReadServer(TomlTable table) {
  ServerSettings server;
  server.optimizer =
      static_cast<ServerOptimizer>(table.Choice("optimizer", {"fedavg", "fedavgm", "fedadam", "fedyogi"}, 0));
  server.rate = table.Number("rate", {kSmallest, 1e3}, server.rate);
  server.momentum = table.Number("momentum", {0.0, 0.9999}, server.momentum);
  server.beta2 = table.Number("beta2", {0.0, 0.9999}, server.beta2);
  server.tau = table.Number("tau", {kSmallest, 1e3}, server.tau);
  return server;
}

StepSettings Read(TomlTable& table, const Plan& plan) {
  TrainStep step;
  step.block = ReadBlock(table, plan);
  step.endpoint = ReadEndpoint(table, plan);
  step.rounds = static_cast<unsigned>(table.Unsigned("rounds", {1, 1'000'000}));
  step.evaluate_every = static_cast<unsigned>(table.Unsigned("evaluate_every", {0, 1'000'000}, step.evaluate_every));
  step.local = ReadLocal(table.Table("local", false));
  step.server = ReadServer(table.Table("server", false));
  return step;
}

Result<std::vector<TensorSpec>> Tensors(const Plan& plan, const Task& task, const ModelHeader& before) {
  const auto& step = std::get<TrainStep>(plan.steps[task.position.step].settings);
  ASSIGN_OR_RETURN(const std::uint64_t bins, BinsOf(plan, step.endpoint, before));
  const std::uint64_t features = plan.FindBlock(step.block)->features.size();
  std::vector<TensorSpec> tensors;
  for (const Replica& replica : Replicas(plan)) {
    ASSIGN_OR_RETURN(const TensorSpec* beta,
                     FindInModel(before, BetaName(replica, step.block), plan.precision, {features}));
    ASSIGN_OR_RETURN(const TensorSpec* intercept,
                     FindInModel(before, InterceptName(replica, step.block), plan.precision, {bins}));
    tensors.push_back(*beta);
    tensors.push_back(*intercept);
  }
  tensors.push_back({"loss/" + step.block, {1}, plan.precision});
  return tensors;
}

}  // namespace

const TaskKind kTrain{"train", Read, Tensors, TrainEncoding};

}  // namespace fedtrial
