#include "coordinator/tasks/task.h"

#include <array>
#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "coordinator/tasks/kinds.h"

namespace fedtrial::coordinator {
namespace {

struct Row {
  std::string_view kind;
  Result<Outcome> (*finish)(const FinishedSum&, Model);
};
constexpr std::array<Row, 5> kRows{{
    {"normalise", FinishNormalise},
    {"grid", FinishGrid},
    {"train", FinishTrain},
    {"evaluate", FinishEvaluate},
    {"recalibrate", FinishRecalibrate},
}};

}  // namespace

Result<Bytes> ServerState::Encode() const {
  Model model;
  model.tensors = moments;
  return EncodeModel(model);
}

Result<ServerState> ServerState::Decode(ByteView bytes) {
  ASSIGN_OR_RETURN(Model model, DecodeModel(bytes));
  return ServerState{std::move(model.tensors)};
}

Result<Outcome> Finish(const Plan& plan, const Task& task, const Sum& sum, Model before, ServerState& server,
                       const StartFileTensors& start) {
  for (const Row& row : kRows) {
    if (row.kind == task.kind && !IsFinished(plan, task.position))
      return row.finish({plan, task, sum, server, start}, std::move(before));
  }
  return Error{ErrorCode::kInternal, fmt::format("no task \"{}\" at step {}", task.kind, task.position.step)};
}

void Identify(Model& model, const ModelIdentity& identity) {
  model.metadata = {{"trial", identity.trial_id},
                    {"plan", ToHex(identity.plan)},
                    {"round", std::to_string(identity.round)},
                    {"before", ToHex(identity.before)},
                    {"included", ToHex(identity.included)}};
}

Result<std::vector<double>> Statistic(const Sum& sum, std::string_view name) {
  ASSIGN_OR_RETURN(const std::size_t tensor, sum.Find(name));
  return sum.values(tensor);
}

Result<std::vector<double>> Counts(const Sum& sum, std::string_view name) {
  ASSIGN_OR_RETURN(std::vector<double> counts, Statistic(sum, name));
  for (const double count : counts) {
    if (count < 0.0 || count != std::floor(count))
      return Error{ErrorCode::kIntegrity, fmt::format("\"{}\" adds up to {}, which counts nothing", name, count)};
  }
  return counts;
}

Result<std::uint64_t> Contributors(const Sum& sum, std::string_view name) {
  ASSIGN_OR_RETURN(const std::size_t tensor, sum.Find(name));
  return sum.contributors(sum.block_of(tensor));
}

nlohmann::json Published(const Plan& plan, double count) {
  constexpr double kLargest = 9e15;  // whole numbers are exact up to here
  if (!(count >= 0.0 && count <= kLargest)) return nullptr;
  if (count > 0.0 && count < static_cast<double>(plan.cohort.min_cell)) return nullptr;
  return static_cast<std::uint64_t>(count);
}

nlohmann::json Published(const Plan& plan, const std::vector<double>& counts) {
  nlohmann::json list = nlohmann::json::array();
  for (const double count : counts) list.push_back(Published(plan, count));
  return list;
}

}  // namespace fedtrial::coordinator
