#include "site_node/shell/what_leaves.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

#include "model/params/network_shape.h"
#include "proto/plan/layout.h"
#include "proto/plan/network.h"
#include "proto/plan/recalibrate.h"
#include "site_node/core/release_policy.h"

namespace fedtrial::site {
namespace {

// The model's header as the coordinator's tasks make it, step by step.
class HeaderForecast {
 public:
  explicit HeaderForecast(const Plan& plan) : plan_(plan) {}

  const ModelHeader& header() const { return header_; }

  void AfterNormalise() {
    for (const Replica& replica : Replicas(plan_)) {
      Add({MeanName(replica), {plan_.features.size()}});
      Add({DeviationName(replica), {plan_.features.size()}});
    }
  }
  void AfterCuts(const GridStep& step) { Add({CutsName(step.endpoint), {step.bins}}); }
  void AfterCentres(const RecalibrateStep& step) {
    const Block& block = *plan_.FindBlock(step.block);
    const Block& predictor = *PredictorOf(plan_, block, step.endpoint);
    const std::uint64_t landmarks = RecalibratedDays(plan_, predictor, step.endpoint).size();
    const TensorSpec* cuts = header_.Find(CutsName(step.endpoint));
    for (const Replica& replica : Replicas(plan_, block))
      Add({RecalibrationName(replica, predictor.name), {landmarks, 2 + cuts->elements()}});
  }
  Status AfterGrid(const GridStep& step) {
    const Endpoint* endpoint = plan_.FindEndpoint(step.endpoint);
    const std::uint64_t bins = endpoint->cuts.empty() ? step.bins : endpoint->cuts.size();
    Add({CutsName(step.endpoint), {bins}});
    std::set<std::string> linear;
    for (const Step& later : plan_.steps)
      if (const auto* train = std::get_if<TrainStep>(&later.settings); train && train->endpoint == step.endpoint)
        if (plan_.FindBlock(train->block)->kind == BlockKind::kLinear) linear.insert(train->block);
    std::vector<NetworkTensor> network;
    if (plan_.Fusion() != nullptr) {
      ASSIGN_OR_RETURN(const NetworkShape shape, NetworkOf(plan_, header_));
      ASSIGN_OR_RETURN(network, NetworkTensors(shape, plan_.precision));
    }
    for (const Replica& replica : Replicas(plan_)) {
      Add({PatientsName(replica), {1}});
      for (const std::string& block : linear) {
        Add({BetaName(replica, block), {plan_.FindBlock(block)->features.size()}, plan_.precision});
        Add({InterceptName(replica, block), {bins}, plan_.precision});
      }
      if (plan_.Fusion() == nullptr || replica.repeat > RepeatsOf(plan_, *plan_.Fusion())) continue;
      for (const NetworkTensor& tensor : network)
        Add({replica.prefix + tensor.spec.name, tensor.spec.shape, tensor.spec.type});
    }
    return {};
  }

 private:
  void Add(TensorSpec spec) {
    const auto place = std::ranges::lower_bound(header_.tensors, spec.name, {}, &TensorSpec::name);
    if (place == header_.tensors.end() || place->name != spec.name) header_.tensors.insert(place, std::move(spec));
  }

  const Plan& plan_;
  ModelHeader header_;
};

std::string Describe(const Plan& plan, const Task& task) {
  const std::string_view block = BlockOf(plan, task);
  const std::string_view endpoint = EndpointOf(plan, task);
  if (task.kind == "normalise") return "normalise: count, sum and sum of squares of each feature";
  if (task.kind == "grid")
    return fmt::format("grid: patients at risk and events per time bin of endpoint {}", endpoint);
  if (task.kind == "train") {
    constexpr std::string_view kParts[] = {"", ", its volume encoder alone", ", all of it"};
    const auto stage = std::get<TrainStep>(plan.steps[task.position.step].settings).stage;
    return fmt::format("train: what a round changes in block {}{}, weighted by patients", block,
                       kParts[static_cast<std::size_t>(stage)]);
  }
  if (task.kind == "recalibrate" && task.position.round_in_step == 0)
    return fmt::format("recalibrate: patients at risk and the sum of predictions of block {} by landmark and time bin",
                       block);
  if (task.kind == "recalibrate")
    return fmt::format(
        "recalibrate: events, score and information of two constants a landmark on the predictions of block {}", block);
  return fmt::format("evaluate: pairs, losses and calibration sums of block {}", block);
}

std::uint64_t RoundsAt(const Plan& plan, const Task& task) {
  const auto& settings = plan.steps[task.position.step].settings;
  if (const auto* recalibrate = std::get_if<RecalibrateStep>(&settings))
    return task.position.round_in_step == 0 ? 1 : recalibrate->rounds - 1;
  const auto* train = std::get_if<TrainStep>(&settings);
  if (train == nullptr) return 1;
  if (!task.position.evaluating) return train->rounds;
  return (train->rounds + train->evaluate_every - 1) / train->evaluate_every;
}

nlohmann::json TensorsJson(const LeavingVector& vector) {
  nlohmann::json tensors = nlohmann::json::array();
  for (const TensorSpec& spec : vector.manifest.tensors)
    tensors.push_back({{"name", spec.name}, {"shape", spec.shape}, {"values", spec.elements()}});
  return tensors;
}

// Replicas of cross-validation hold the same tensors once more: told in one line.
bool IsOfReplica(std::string_view name) { return WithoutReplica(name) != name; }

// Of cross-validation, without the full model.
std::size_t ReplicasIn(const Manifest& manifest) {
  std::set<std::string_view> prefixes;
  for (const TensorSpec& spec : manifest.tensors)
    if (IsOfReplica(spec.name)) prefixes.insert(std::string_view(spec.name).substr(0, spec.name.find('/')));
  return prefixes.size();
}

}  // namespace

Result<std::vector<LeavingVector>> WhatLeaves(const Plan& plan, const CohortReading& reading) {
  std::vector<LeavingVector> vectors;
  HeaderForecast forecast(plan);
  const auto add = [&](const StepPosition& position) -> Status {
    const Task task = TaskAt(plan, position, 0);
    LeavingVector vector;
    vector.task = task.kind;
    vector.what = Describe(plan, task);
    vector.rounds = RoundsAt(plan, task);
    ASSIGN_OR_RETURN(vector.manifest, Layout(plan, task, forecast.header(), {}));
    vector.filled = BlocksFilled(plan, vector.manifest.Blocks(), reading.summary);
    vectors.push_back(std::move(vector));
    return {};
  };
  for (std::uint32_t step = 0; step < plan.steps.size(); ++step) {
    RETURN_IF_ERROR(add({step, 0, false}));
    const auto& settings = plan.steps[step].settings;
    if (std::holds_alternative<NormaliseStep>(settings)) forecast.AfterNormalise();
    if (const auto* grid = std::get_if<GridStep>(&settings)) {
      if (plan.FindEndpoint(grid->endpoint)->cuts.empty()) {
        forecast.AfterCuts(*grid);
        RETURN_IF_ERROR(add({step, 1, false}));
      }
      RETURN_IF_ERROR(forecast.AfterGrid(*grid));
    }
    if (const auto* recalibrate = std::get_if<RecalibrateStep>(&settings)) {
      forecast.AfterCentres(*recalibrate);
      RETURN_IF_ERROR(add({step, 1, false}));
    }
    if (const auto* train = std::get_if<TrainStep>(&settings); train && train->evaluate_every > 0)
      RETURN_IF_ERROR(add({step, std::min(train->evaluate_every, train->rounds), true}));
  }
  return vectors;
}

std::string WhatLeavesText(const Plan& plan, const CohortReading& reading, const std::vector<LeavingVector>& vectors) {
  std::string text = fmt::format(
      "What leaves this hospital under plan {} (SHA-256 {})\n\n"
      "Each round sends one vector of whole numbers, masked so that the coordinator learns the sum over at least {} "
      "sites\n"
      "and nothing of this one. Before it: whether each block is filled, yes or no, and signatures. With fewer than "
      "{}\n"
      "patients nothing is sent; this site has {}. No value, date or name of a patient is in it.\n",
      plan.trial_id, ToHex(plan.hash), plan.rules.min_sites, plan.cohort.min_patients, reading.summary.patients);
  for (const LeavingVector& vector : vectors) {
    const Manifest& manifest = vector.manifest;
    text +=
        fmt::format("\n{}\n  {} rounds, {} words of {} bits each time ({} bytes)\n", vector.what, vector.rounds,
                    manifest.Words(), manifest.encoding.word_bits, manifest.Words() * manifest.encoding.word_bits / 8);
    if (const std::size_t replicas = ReplicasIn(manifest); replicas > 0)
      text += fmt::format("  each of the following once more for each of {} replicas of cross-validation\n", replicas);
    const std::vector<std::string> blocks = manifest.Blocks();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (IsOfReplica(blocks[i])) continue;
      text += fmt::format("  {}: {}\n", blocks[i],
                          vector.filled[i] ? "filled by this site" : "not filled by this site: zeros");
      for (const TensorSpec& spec : manifest.tensors)
        if (spec.block() == blocks[i]) text += fmt::format("    {} {}\n", spec.name, ShapeText(spec.shape));
    }
  }
  return text;
}

std::string WhatLeavesJson(const Plan& plan, const std::vector<LeavingVector>& vectors) {
  nlohmann::json list = nlohmann::json::array();
  for (const LeavingVector& vector : vectors) {
    nlohmann::json filled = nlohmann::json::object();
    const std::vector<std::string> blocks = vector.manifest.Blocks();
    for (std::size_t i = 0; i < blocks.size(); ++i) filled[blocks[i]] = static_cast<bool>(vector.filled[i]);
    list.push_back({{"task", vector.task},
                    {"what", vector.what},
                    {"rounds", vector.rounds},
                    {"words", vector.manifest.Words()},
                    {"word_bits", vector.manifest.encoding.word_bits},
                    {"blocks_filled", filled},
                    {"tensors", TensorsJson(vector)}});
  }
  return nlohmann::json({{"trial", plan.trial_id},
                         {"plan_sha256", ToHex(plan.hash)},
                         {"min_sites", plan.rules.min_sites},
                         {"vectors", list}})
      .dump(2);
}

}  // namespace fedtrial::site
