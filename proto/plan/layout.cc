#include "proto/plan/layout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "model/params/fixed_point.h"
#include "proto/plan/task_kinds.h"
#include "security/crypto/sha256.h"

namespace fedtrial {
namespace {

constexpr unsigned kStatisticsWordBits = 64, kMaxFractionBits = 32;

const TrainStep* TrainAt(const Plan& plan, std::uint32_t step) {
  return step < plan.steps.size() ? std::get_if<TrainStep>(&plan.steps[step].settings) : nullptr;
}

const RecalibrateStep* RecalibrateAt(const Plan& plan, std::uint32_t step) {
  return step < plan.steps.size() ? std::get_if<RecalibrateStep>(&plan.steps[step].settings) : nullptr;
}

bool EvaluatesAfter(const TrainStep& step, std::uint32_t finished) {
  return step.evaluate_every > 0 && (finished % step.evaluate_every == 0 || finished >= step.rounds);
}

}  // namespace

const TaskKind* FindTaskKind(std::string_view name) {
  for (const TaskKind* kind : {&kNormalise, &kGrid, &kTrain, &kEvaluate, &kRecalibrate}) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

std::uint64_t RoundSeed(const Plan& plan, std::uint64_t round) {
  const Bytes input = ByteWriter().Label("fl/seed/v1").U64(plan.seed).U64(round).Take();
  return ByteReader(Sha256(input)).U64();
}

Task TaskAt(const Plan& plan, const StepPosition& position, std::uint64_t round) {
  Task task{"", position, round, RoundSeed(plan, round)};
  if (!IsFinished(plan, position)) task.kind = position.evaluating ? "evaluate" : plan.steps[position.step].task;
  return task;
}

bool IsFinished(const Plan& plan, const StepPosition& position) { return position.step >= plan.steps.size(); }

StepPosition NextPosition(const Plan& plan, const StepPosition& position, bool again) {
  StepPosition next = position;
  next.evaluating = false;
  const TrainStep* train = TrainAt(plan, position.step);
  if (train == nullptr) {
    const RecalibrateStep* recalibrate = RecalibrateAt(plan, position.step);
    if (again || (recalibrate != nullptr && position.round_in_step + 1 < recalibrate->rounds))
      ++next.round_in_step;
    else
      next = {position.step + 1, 0, false};
    return next;
  }
  if (!position.evaluating) {
    ++next.round_in_step;
    if (EvaluatesAfter(*train, next.round_in_step)) {
      next.evaluating = true;
      return next;
    }
  }
  if (next.round_in_step >= train->rounds) next = {position.step + 1, 0, false};
  return next;
}

std::uint64_t PlannedRounds(const Plan& plan) {
  std::uint64_t rounds = 0;
  for (const Step& step : plan.steps) {
    rounds += 1;
    if (const auto* train = std::get_if<TrainStep>(&step.settings)) {
      rounds += train->rounds - 1u;
      if (train->evaluate_every > 0) rounds += (train->rounds + train->evaluate_every - 1u) / train->evaluate_every;
    }
    if (const auto* recalibrate = std::get_if<RecalibrateStep>(&step.settings)) rounds += recalibrate->rounds - 1u;
    if (const auto* grid = std::get_if<GridStep>(&step.settings)) {
      const Endpoint* endpoint = plan.FindEndpoint(grid->endpoint);
      if (endpoint != nullptr && endpoint->cuts.empty()) rounds += 1;
    }
  }
  return rounds;
}

Result<Manifest> Layout(const Plan& plan, const Task& task, const ModelHeader& before, const Digest& model) {
  const TaskKind* kind = FindTaskKind(task.kind);
  if (kind == nullptr || IsFinished(plan, task.position) || task.kind != TaskAt(plan, task.position, task.round).kind)
    return Error{ErrorCode::kInternal,
                 fmt::format("task \"{}\" isn't at step {} of the plan", task.kind, task.position.step)};
  Manifest manifest;
  manifest.step = task.position.step;
  manifest.task = task.kind;
  manifest.seed = task.seed;
  manifest.model = model;
  ASSIGN_OR_RETURN(manifest.encoding, kind->encoding(plan));
  ASSIGN_OR_RETURN(manifest.tensors, kind->layout(plan, task, before));
  return manifest;
}

Result<Encoding> StatisticsEncoding(const Plan& plan) {
  Encoding encoding{kStatisticsWordBits, kMaxFractionBits, std::exp2(30)};
  const auto fits = [&] {
    const auto f = LargestFractionBits(encoding.clip, plan.rules.sites, plan.rules.sites, kStatisticsWordBits);
    return f.ok() && *f >= kMaxFractionBits;
  };
  while (encoding.clip > 1.0 && !fits()) encoding.clip /= 2;
  if (!fits())
    return Error{ErrorCode::kInvalidInput, fmt::format("statistics of {} sites fit into no word", plan.rules.sites)};
  return encoding;
}

Result<Encoding> TrainEncoding(const Plan& plan) {
  const EncodingRules& rules = plan.encoding;
  ASSIGN_OR_RETURN(const unsigned f, LargestFractionBits(rules.train_clip, rules.patient_cap * plan.rules.sites,
                                                         plan.rules.sites, rules.train_word_bits));
  return Encoding{rules.train_word_bits, std::min(f, kMaxFractionBits), rules.train_clip};
}

std::string_view BlockOf(const Plan& plan, const Task& task) {
  if (const TrainStep* train = TrainAt(plan, task.position.step)) return train->block;
  if (IsFinished(plan, task.position)) return "";
  if (const RecalibrateStep* recalibrate = RecalibrateAt(plan, task.position.step)) return recalibrate->block;
  const auto* evaluate = std::get_if<EvaluateStep>(&plan.steps[task.position.step].settings);
  return evaluate == nullptr ? std::string_view() : evaluate->block;
}

std::string_view EndpointOf(const Plan& plan, const Task& task) {
  if (const TrainStep* train = TrainAt(plan, task.position.step)) return train->endpoint;
  if (IsFinished(plan, task.position)) return "";
  if (const RecalibrateStep* recalibrate = RecalibrateAt(plan, task.position.step)) return recalibrate->endpoint;
  const auto& settings = plan.steps[task.position.step].settings;
  if (const auto* grid = std::get_if<GridStep>(&settings)) return grid->endpoint;
  const auto* evaluate = std::get_if<EvaluateStep>(&settings);
  return evaluate == nullptr ? std::string_view() : evaluate->endpoint;
}

std::string_view WithoutReplica(std::string_view block) {
  const std::size_t slash = block.find('/');
  if (slash == std::string_view::npos || block.front() != 'r') return block;
  const std::string_view prefix = block.substr(1, slash - 1);
  const std::size_t k = prefix.find('k');
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (k == std::string_view::npos || !is_number(prefix.substr(0, k)) || !is_number(prefix.substr(k + 1))) return block;
  return block.substr(slash + 1);
}

Result<const TensorSpec*> FindInModel(const ModelHeader& before, std::string_view name, ScalarType type,
                                      const std::vector<std::uint64_t>& shape) {
  const TensorSpec* spec = before.Find(name);
  if (spec == nullptr)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the model has no tensor \"{}\", which this task starts from", name)};
  if (spec->type != type || (shape.empty() ? spec->shape.size() != 1 : spec->shape != shape))
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the model's tensor \"{}\" is {} of {}, the plan wants {} of {}", name,
                             ShapeText(spec->shape), ToString(spec->type), ShapeText(shape), ToString(type))};
  return spec;
}

Result<std::uint64_t> BinsOf(const Plan& plan, std::string_view endpoint, const ModelHeader& before) {
  const Endpoint* found = plan.FindEndpoint(endpoint);
  if (found == nullptr) return Error{ErrorCode::kInternal, fmt::format("the plan has no endpoint \"{}\"", endpoint)};
  if (!found->cuts.empty()) return std::uint64_t{found->cuts.size()};
  ASSIGN_OR_RETURN(const TensorSpec* cuts, FindInModel(before, CutsName(endpoint), ScalarType::kFloat64));
  return cuts->elements();
}

std::string MeanName(const Replica& replica) { return replica.prefix + "constants/mean"; }
std::string DeviationName(const Replica& replica) { return replica.prefix + "constants/deviation"; }
std::string PatientsName(const Replica& replica) { return replica.prefix + "constants/patients"; }
std::string LabelsName(const Replica& replica) { return replica.prefix + "constants/labels"; }
std::string ModalitiesName() { return "constants/modalities"; }
std::string ModalityBlock(std::string_view modality) { return fmt::format("modality_{}", modality); }
std::string CutsName(std::string_view endpoint) { return fmt::format("constants/cuts.{}", endpoint); }
std::string BetaName(const Replica& replica, std::string_view block) {
  return fmt::format("{}{}/beta", replica.prefix, block);
}
std::string InterceptName(const Replica& replica, std::string_view block) {
  return fmt::format("{}{}/intercept", replica.prefix, block);
}

}  // namespace fedtrial
