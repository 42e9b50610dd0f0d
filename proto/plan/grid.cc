#include <algorithm>
#include <cmath>

#include "proto/plan/task_kinds.h"

namespace fedtrial {
namespace {

constexpr std::uint64_t kMaxFineBins = 10'000;

StepSettings Read(TomlTable& table, const Plan& plan) {
  GridStep step;
  step.endpoint = ReadEndpoint(table, plan);
  step.bins = static_cast<unsigned>(table.Unsigned("bins", {1, 200}, step.bins));
  step.width_days = table.Number("width_days", {1.0, 3650.0}, step.width_days);
  step.horizon_days = table.Number("horizon_days", {1.0, 36500.0}, step.horizon_days);
  if (FineBins(step) > kMaxFineBins || FineBins(step) < step.bins)
    table.Report("width_days", "horizon_days / width_days gives too many or too few fine bins, wanted bins to 10000");
  return step;
}

Result<std::vector<TensorSpec>> Tensors(const Plan& plan, const Task& task, const ModelHeader& before) {
  const auto& step = std::get<GridStep>(plan.steps[task.position.step].settings);
  const Endpoint* endpoint = plan.FindEndpoint(step.endpoint);
  if (endpoint != nullptr && endpoint->cuts.empty() && before.Find(CutsName(step.endpoint)) == nullptr)
    return std::vector<TensorSpec>{{"fine/at_risk", {FineBins(step)}}, {"fine/events", {FineBins(step)}}};
  ASSIGN_OR_RETURN(const std::uint64_t bins, BinsOf(plan, step.endpoint, before));
  const auto heads = static_cast<std::uint64_t>(std::ranges::count(plan.blocks, BlockKind::kHead, &Block::kind));
  std::vector<TensorSpec> tensors;
  if (heads > 0)
    for (const Block* modality : plan.Modalities())
      tensors.push_back({ModalityBlock(modality->name) + "/patients", {1}});
  for (const Replica& replica : Replicas(plan)) {
    tensors.push_back({replica.prefix + "grid/at_risk", {bins}});
    tensors.push_back({replica.prefix + "grid/events", {bins}});
    tensors.push_back({replica.prefix + "grid/patients", {1}});
    if (heads > 0) tensors.push_back({replica.prefix + "grid/labels", {heads}});
    if (endpoint == nullptr || endpoint->kind != EndpointKind::kIllnessDeath) continue;
    tensors.push_back({replica.prefix + "grid/steps", {3, bins}});
    tensors.push_back({replica.prefix + "grid/transitions", {3, bins}});
  }
  return tensors;
}

}  // namespace

const TaskKind kGrid{"grid", Read, Tensors, StatisticsEncoding};

std::uint64_t FineBins(const GridStep& step) {
  return static_cast<std::uint64_t>(std::ceil(step.horizon_days / step.width_days));
}

}  // namespace fedtrial
