#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "coordinator/tasks/cuts.h"
#include "coordinator/tasks/kinds.h"
#include "model/survival/discrete_hazard.h"

namespace fedtrial::coordinator {
namespace {

Result<BinCounts> ReadBins(const Sum& sum, const std::string& block) {
  BinCounts counts;
  ASSIGN_OR_RETURN(counts.at_risk, Counts(sum, block + "/at_risk"));
  ASSIGN_OR_RETURN(counts.events, Counts(sum, block + "/events"));
  for (std::size_t k = 0; k < counts.events.size(); ++k) {
    if (counts.events[k] > counts.at_risk[k])
      return Error{ErrorCode::kIntegrity, fmt::format("\"{}\": bin {} has {} events of {} patients at risk", block, k,
                                                      counts.events[k], counts.at_risk[k])};
  }
  return counts;
}

Status CheckEnough(const Sum& sum, const std::string& tensor) {
  ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, tensor));
  if (contributors < kMinContributors)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("grid: {} sites contribute, wanted {} at least", contributors, kMinContributors)};
  return {};
}

Result<Outcome> FindCuts(const Plan& plan, const GridStep& step, const Sum& sum, Model before) {
  RETURN_IF_ERROR(CheckEnough(sum, "fine/events"));
  ASSIGN_OR_RETURN(const BinCounts fine, ReadBins(sum, "fine"));
  ASSIGN_OR_RETURN(const auto cuts,
                   ChooseCuts(fine, step.width_days, step.bins, static_cast<double>(plan.cohort.min_cell)));
  Outcome outcome;
  outcome.next = std::move(before);
  outcome.next->tensors[CutsName(step.endpoint)] = Tensor::Of(cuts);
  outcome.result_json = nlohmann::json{{"cuts_days", cuts}}.dump();
  outcome.again = true;
  return outcome;
}

// The blocks that are trained against the endpoint.
std::vector<const Block*> BlocksOf(const Plan& plan, const std::string& endpoint) {
  std::vector<const Block*> blocks;
  for (const Step& step : plan.steps) {
    const auto* train = std::get_if<TrainStep>(&step.settings);
    if (train == nullptr || train->endpoint != endpoint) continue;
    const Block* block = plan.FindBlock(train->block);
    if (block != nullptr && std::find(blocks.begin(), blocks.end(), block) == blocks.end()) blocks.push_back(block);
  }
  return blocks;
}

// Where a replica's training starts.
struct Start {
  std::vector<double> intercepts;
  std::vector<double> patients;
};

Result<Start> StartOf(const Sum& sum, const Replica& replica) {
  const std::string block = replica.prefix + "grid";
  ASSIGN_OR_RETURN(const BinCounts counts, ReadBins(sum, block));
  ASSIGN_OR_RETURN(std::vector<double> patients, Counts(sum, block + "/patients"));
  return Start{StartIntercepts(counts), std::move(patients)};
}

void PutStart(const Plan& plan, const std::vector<const Block*>& blocks, const Replica& replica, const Start& start,
              Model& model) {
  model.tensors[PatientsName(replica)] = Tensor::Of(start.patients);
  for (const Block* block : blocks) {
    const std::uint64_t features = block->features.size(), bins = start.intercepts.size();
    model.tensors[BetaName(replica, block->name)] = Tensor::Zeros({"", {features}, plan.precision});
    model.tensors[InterceptName(replica, block->name)] = Tensor::OfType(plan.precision, {bins}, start.intercepts);
  }
}

}  // namespace

Result<Outcome> FinishGrid(const Plan& plan, const Task& task, const Sum& sum, Model before, ServerState&) {
  const auto& step = std::get<GridStep>(plan.steps[task.position.step].settings);
  if (sum.Find("fine/events").ok()) return FindCuts(plan, step, sum, std::move(before));
  RETURN_IF_ERROR(CheckEnough(sum, "grid/events"));
  Outcome outcome;
  outcome.next = std::move(before);
  Tensor& cuts = outcome.next->tensors[CutsName(step.endpoint)];
  if (const Endpoint* endpoint = plan.FindEndpoint(step.endpoint); endpoint != nullptr && !endpoint->cuts.empty())
    cuts = Tensor::Of(endpoint->cuts);
  ASSIGN_OR_RETURN(const Start full, StartOf(sum, Replica{}));
  const std::vector<const Block*> blocks = BlocksOf(plan, step.endpoint);
  nlohmann::json not_folded = nlohmann::json::array();
  for (const Replica& replica : Replicas(plan)) {
    ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, replica.prefix + "grid/events"));
    if (contributors < kMinContributors) {
      not_folded.push_back(replica.prefix);
      PutStart(plan, blocks, replica, full, *outcome.next);
      continue;
    }
    ASSIGN_OR_RETURN(const Start start, StartOf(sum, replica));
    PutStart(plan, blocks, replica, start, *outcome.next);
  }
  ASSIGN_OR_RETURN(const BinCounts counts, ReadBins(sum, "grid"));
  outcome.result_json = nlohmann::json{{"cuts_days", cuts.ToDoubles()},
                                       {"at_risk", Published(plan, counts.at_risk)},
                                       {"events", Published(plan, counts.events)},
                                       {"patients", Published(plan, full.patients[0])},
                                       {"not_folded", std::move(not_folded)}}
                            .dump();
  return outcome;
}

}  // namespace fedtrial::coordinator
