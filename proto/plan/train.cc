#include <algorithm>
#include <fmt/format.h>

#include "proto/plan/network.h"
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

NetworkLocalSettings ReadNetworkLocal(TomlTable table) {
  NetworkLocalSettings local;
  const auto rate = [&table](std::string_view key, double& value) {
    value = table.Number(key, {kSmallest, 1e3}, value);
  };
  const auto share = [&table](std::string_view key, double& value) { value = table.Number(key, {0.0, 0.9}, value); };
  table.Choice("optimizer", {"adamw"}, 0);
  local.epochs = static_cast<unsigned>(table.Unsigned("epochs", {1, 10'000}, local.epochs));
  local.batch = static_cast<unsigned>(table.Unsigned("batch", {0, 1'000'000}, local.batch));
  rate("rate", local.rate);
  rate("encoder_rate", local.encoder_rate);
  rate("linear_rate", local.linear_rate);
  local.rate_half = table.Number("rate_half", {0.0, 1e9}, local.rate_half);
  local.decay = table.Number("decay", {0.0, 10.0}, local.decay);
  local.ridge = table.Number("ridge", {0.0, 1e9}, local.ridge);
  local.proximal = table.Number("proximal", {0.0, 1e6}, local.proximal);
  share("dropout", local.dropout);
  share("modality_dropout", local.modality_dropout);
  share("visit_dropout", local.visit_dropout);
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
  if (const Block* block = plan.FindBlock(step.block); block != nullptr && block->kind == BlockKind::kHead)
    table.Report("block", fmt::format("\"{}\" is a head: train the fusion, and its heads with it", step.block));
  step.endpoint = ReadEndpoint(table, plan);
  step.rounds = static_cast<unsigned>(table.Unsigned("rounds", {1, 1'000'000}));
  step.evaluate_every = static_cast<unsigned>(table.Unsigned("evaluate_every", {0, 1'000'000}, step.evaluate_every));
  if (IsNetwork(plan, step.block)) {
    step.network = ReadNetworkLocal(table.Table("local", false));
    step.stage = static_cast<NetworkStage>(table.Choice("stage", {"heads", "encoder", "joint"}, 0));
    if (step.stage == NetworkStage::kEncoder &&
        std::ranges::find(plan.blocks, BlockKind::kMri, &Block::kind) == plan.blocks.end())
      table.Report("stage", "\"encoder\" wants a [[block]] of kind \"mri\"");
  } else {
    step.local = ReadLocal(table.Table("local", false));
  }
  step.server = ReadServer(table.Table("server", false));
  return step;
}

Status AddLinear(const Plan& plan, const TrainStep& step, const ModelHeader& before, const Replica& replica,
                 std::vector<TensorSpec>& tensors) {
  ASSIGN_OR_RETURN(const std::uint64_t bins, BinsOf(plan, step.endpoint, before));
  const std::uint64_t features = plan.FindBlock(step.block)->features.size();
  ASSIGN_OR_RETURN(const TensorSpec* beta,
                   FindInModel(before, BetaName(replica, step.block), plan.precision, {features}));
  ASSIGN_OR_RETURN(const TensorSpec* intercept,
                   FindInModel(before, InterceptName(replica, step.block), plan.precision, {bins}));
  tensors.push_back(*beta);
  tensors.push_back(*intercept);
  return {};
}

Status AddNetwork(const Plan& plan, const TrainStep& step, const ModelHeader& before, const Replica& replica,
                  std::vector<TensorSpec>& tensors) {
  ASSIGN_OR_RETURN(const NetworkShape shape, NetworkOf(plan, before));
  ASSIGN_OR_RETURN(const auto network, NetworkTensors(shape, plan.precision));
  const std::set<std::string> trained = TrainedBlocks(shape, step.stage);
  for (const NetworkTensor& tensor : network) {
    if (!trained.contains(std::string(tensor.spec.block()))) continue;
    ASSIGN_OR_RETURN(const TensorSpec* found,
                     FindInModel(before, replica.prefix + tensor.spec.name, plan.precision, tensor.spec.shape));
    tensors.push_back(*found);
  }
  return {};
}

Result<std::vector<TensorSpec>> Tensors(const Plan& plan, const Task& task, const ModelHeader& before) {
  const auto& step = std::get<TrainStep>(plan.steps[task.position.step].settings);
  std::vector<TensorSpec> tensors;
  for (const Replica& replica : Replicas(plan, *plan.FindBlock(step.block))) {
    RETURN_IF_ERROR(IsNetwork(plan, step.block) ? AddNetwork(plan, step, before, replica, tensors)
                                                : AddLinear(plan, step, before, replica, tensors));
  }
  tensors.push_back({"loss/" + step.block, {1}, plan.precision});
  return tensors;
}

}  // namespace

const TaskKind kTrain{"train", Read, Tensors, TrainEncoding};

}  // namespace fedtrial
