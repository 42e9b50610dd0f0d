#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

#include "coordinator/tasks/cuts.h"
#include "coordinator/tasks/kinds.h"
#include "coordinator/tasks/network_start.h"
#include "model/params/network_shape.h"
#include "model/survival/discrete_hazard.h"
#include "model/survival/transition_counts.h"
#include "proto/plan/network.h"

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

// The linear blocks that are trained against the endpoint.
std::vector<const Block*> BlocksOf(const Plan& plan, const std::string& endpoint) {
  std::vector<const Block*> blocks;
  for (const Step& step : plan.steps) {
    const auto* train = std::get_if<TrainStep>(&step.settings);
    if (train == nullptr || train->endpoint != endpoint) continue;
    const Block* block = plan.FindBlock(train->block);
    if (block != nullptr && block->kind == BlockKind::kLinear &&
        std::find(blocks.begin(), blocks.end(), block) == blocks.end())
      blocks.push_back(block);
  }
  return blocks;
}

// Where a replica's training starts.
struct Start {
  std::vector<double> intercepts;
  std::vector<double> patients;
  std::vector<double> labels;       // by head; empty without a network
  std::vector<double> transitions;  // of an illness-death endpoint: logits as rows 0->1, 0->2, 1->2; else empty
};

Result<Start> StartOf(const Sum& sum, const Replica& replica) {
  const std::string block = replica.prefix + "grid";
  ASSIGN_OR_RETURN(const BinCounts counts, ReadBins(sum, block));
  ASSIGN_OR_RETURN(std::vector<double> patients, Counts(sum, block + "/patients"));
  Start start{StartIntercepts(counts), std::move(patients), {}, {}};
  if (sum.Find(block + "/labels").ok()) {
    ASSIGN_OR_RETURN(start.labels, Counts(sum, block + "/labels"));
  }
  if (sum.Find(block + "/transitions").ok()) {
    TransitionCounts transitions(counts.at_risk.size());
    ASSIGN_OR_RETURN(transitions.at_risk, Counts(sum, block + "/steps"));
    ASSIGN_OR_RETURN(transitions.events, Counts(sum, block + "/transitions"));
    for (std::size_t k = 0; k < transitions.events.size(); ++k) {
      if (transitions.events[k] > transitions.at_risk[k])
        return Error{ErrorCode::kIntegrity, fmt::format("\"{}\": {} transitions in {} steps at risk", block,
                                                        transitions.events[k], transitions.at_risk[k])};
    }
    start.transitions = StartTransitions(transitions);
  }
  return start;
}

void PutStart(const Plan& plan, const std::vector<const Block*>& blocks, const Replica& replica, const Start& start,
              Model& model) {
  model.tensors[PatientsName(replica)] = Tensor::Of(start.patients);
  if (!start.labels.empty()) model.tensors[LabelsName(replica)] = Tensor::Of(start.labels);
  for (const Block* block : blocks) {
    const std::uint64_t features = block->features.size(), bins = start.intercepts.size();
    model.tensors[BetaName(replica, block->name)] = Tensor::Zeros({"", {features}, plan.precision});
    model.tensors[InterceptName(replica, block->name)] = Tensor::OfType(plan.precision, {bins}, start.intercepts);
  }
}

// Start values of the plan's network, if it has one.
class NetworkStart {
 public:
  static Result<NetworkStart> Make(const Plan& plan, const Model& model, const StartFileTensors& from_file) {
    NetworkStart start;
    if (plan.Fusion() == nullptr) return start;
    if (plan.network.start && from_file.empty())
      return Error{ErrorCode::kInternal,
                   fmt::format("grid: the plan's start file {} hasn't been read", plan.network.start->file)};
    ASSIGN_OR_RETURN(start.shape_, NetworkOf(plan, model.Header()));
    ASSIGN_OR_RETURN(start.tensors_, NetworkStartValues(plan, start.shape_, from_file));
    for (const auto& [name, tensor] : from_file) start.of_file_.insert(name);
    return start;
  }

  // With the hazards of all patients alike, but for a head of the start file; in the replicas that the network is in.
  // Of heads of other endpoints nothing that is there already moves.
  void Put(const Plan& plan, std::string_view endpoint, const Replica& replica, const Start& start,
           Model& model) const {
    if (tensors_.empty() || replica.repeat > RepeatsOf(plan, *plan.Fusion())) return;
    for (const auto& [name, tensor] : tensors_) model.tensors.try_emplace(replica.prefix + name, tensor);
    for (const HeadShape& head : shape_.heads) {
      const Block& block = *plan.FindBlock(head.name);
      const bool embedding = block.target == HeadTarget::kEmbedding;  // learns from the plan's first endpoint
      if (endpoint != (embedding ? plan.endpoints.front().name : block.endpoint)) continue;
      if (of_file_.contains(head.name + "/intercept")) continue;
      Tensor& intercept = model.tensors[replica.prefix + head.name + "/intercept"];
      if (head.kind == HeadKind::kIllnessDeath)
        intercept = Tensor::OfType(plan.precision, {3, head.bins}, start.transitions);
      else
        intercept = Tensor::OfType(plan.precision, {1, head.bins}, start.intercepts);
    }
  }

 private:
  NetworkShape shape_;
  std::map<std::string, Tensor> tensors_;
  std::set<std::string> of_file_;  // names of those that the start file gives
};

// The share of the patients who have each modality, by the plan's order; 0 for those that aren't trained, whose names
// go to `frozen`.
Result<Tensor> TrainedModalities(const Plan& plan, const Sum& sum, double all, nlohmann::json& frozen) {
  std::vector<double> trained;
  for (const Block* modality : plan.Modalities()) {
    const std::string tensor = ModalityBlock(modality->name) + "/patients";
    ASSIGN_OR_RETURN(const auto patients, Counts(sum, tensor));
    ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, tensor));
    const bool enough = contributors >= kMinContributors && patients[0] >= kMinBlockPatients;
    if (patients[0] > all)
      return Error{ErrorCode::kIntegrity,
                   fmt::format("grid: {} patients have \"{}\" of {}", patients[0], modality->name, all)};
    trained.push_back(enough ? patients[0] / all : 0.0);
    if (!enough) frozen.push_back(modality->name);
  }
  return Tensor::Of(std::move(trained));
}

}  // namespace

Result<Outcome> FinishGrid(const FinishedSum& finished, Model before) {
  const auto& [plan, task, sum, server, start_file] = finished;
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
  ASSIGN_OR_RETURN(const NetworkStart network, NetworkStart::Make(plan, *outcome.next, start_file));
  nlohmann::json not_folded = nlohmann::json::array();
  for (const Replica& replica : Replicas(plan)) {
    ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, replica.prefix + "grid/events"));
    if (contributors < kMinContributors) {
      not_folded.push_back(replica.prefix);
      PutStart(plan, blocks, replica, full, *outcome.next);
      network.Put(plan, step.endpoint, replica, full, *outcome.next);
      continue;
    }
    ASSIGN_OR_RETURN(const Start start, StartOf(sum, replica));
    PutStart(plan, blocks, replica, start, *outcome.next);
    network.Put(plan, step.endpoint, replica, start, *outcome.next);
  }
  ASSIGN_OR_RETURN(const BinCounts counts, ReadBins(sum, "grid"));
  nlohmann::json result = {{"cuts_days", cuts.ToDoubles()},
                           {"at_risk", Published(plan, counts.at_risk)},
                           {"events", Published(plan, counts.events)},
                           {"patients", Published(plan, full.patients[0])},
                           {"not_folded", std::move(not_folded)}};
  if (plan.Fusion() != nullptr) {
    result["frozen"] = nlohmann::json::array();
    ASSIGN_OR_RETURN(outcome.next->tensors[ModalitiesName()],
                     TrainedModalities(plan, sum, full.patients[0], result["frozen"]));
  }
  outcome.result_json = result.dump();
  return outcome;
}

}  // namespace fedtrial::coordinator
