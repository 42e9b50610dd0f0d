#pragma once

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coordinator/tasks/task.h"
#include "model/params/contribution.h"

namespace fedtrial::coordinator {

// A plan of one endpoint and one block of two features, with `repeats` of two folds.
inline Plan SmallPlan(unsigned repeats = 0) {
  Plan plan;
  plan.trial_id = "small";
  plan.endpoints = {{"os", "outcome.os_day", "outcome.os_event", {100, 200, 300}}};
  plan.cohort = {10, 5, {}};
  plan.features = {{"age", "participants.age", "", Transform::kNone, 0, 120, {}},
                   {"kps", "participants.kps", "", Transform::kNone, 0, 100, {}}};
  plan.blocks = {{"risk", BlockKind::kLinear, {0, 1}}};
  plan.precision = ScalarType::kFloat64;
  TrainStep train;
  train.block = "risk";
  train.endpoint = "os";
  train.rounds = 4;
  train.evaluate_every = 2;
  plan.steps = {{"normalise", NormaliseStep{}},
                {"grid", GridStep{"os", 3, 50, 500}},
                {"train", train},
                {"evaluate", EvaluateStep{"risk", "os", 4}}};
  plan.rules.sites = 10;
  plan.encoding = {64, 8.0, 100};
  plan.folds = {repeats, 2, ""};
  return plan;
}

inline constexpr StepPosition kNormaliseAt{0, 0, false}, kGridAt{1, 0, false}, kTrainAt{2, 0, false},
    kEvaluateAt{3, 0, false};

// What a site says: values by tensor and the weight by block; a block not named isn't filled.
struct Answer {
  std::map<std::string, std::vector<double>> values;
  std::map<std::string, std::uint64_t> weights;
};

// A round without masks: the words of the answers, added in the order given.
class RoundOf {
 public:
  RoundOf(Plan plan, const StepPosition& position, Model before)
      : plan_(std::move(plan)), task_(TaskAt(plan_, position, 1)), before_(std::move(before)) {
    auto manifest = Layout(plan_, task_, before_.Header(), {});
    EXPECT_TRUE(manifest.ok()) << manifest.error().message;
    if (manifest.ok()) manifest_ = std::move(manifest).value();
    words_ = ZeroWords(manifest_.encoding.word_bits, manifest_.Words());
  }

  RoundOf& Add(const Answer& answer) {
    Contribution contribution;
    for (const std::string& block : manifest_.Blocks()) {
      const auto weight = answer.weights.find(block);
      const std::uint64_t used = weight == answer.weights.end() ? 0 : weight->second;
      contribution.blocks.push_back({used, used > 0});
    }
    for (const TensorSpec& spec : manifest_.tensors) {
      const auto values = answer.values.find(spec.name);
      contribution.tensors.push_back(
          values == answer.values.end() ? Tensor::Zeros(spec) : Tensor::OfType(spec.type, spec.shape, values->second));
    }
    const auto encoded = EncodeContribution(manifest_, contribution, {});
    EXPECT_TRUE(encoded.ok()) << encoded.error().message;
    std::visit(
        [&](auto& sum) {
          const auto& words = std::get<std::decay_t<decltype(sum)>>(encoded->words);
          for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] = static_cast<std::decay_t<decltype(sum[0])>>(sum[i] + words[i]);
        },
        words_);
    ++sites_;
    return *this;
  }

  RoundOf& StartFrom(StartFileTensors start) {
    start_ = std::move(start);
    return *this;
  }

  Result<Outcome> Finish(ServerState& server) const {
    ASSIGN_OR_RETURN(const Sum sum, Sum::Over(manifest_, words_, sites_, 100));
    return coordinator::Finish(plan_, task_, sum, before_, server, start_);
  }
  Outcome MustFinish() const {
    ServerState server;
    auto outcome = Finish(server);
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    return outcome.ok() ? std::move(outcome).value() : Outcome{};
  }

  const Manifest& manifest() const { return manifest_; }
  const Plan& plan() const { return plan_; }

 private:
  Plan plan_;
  Task task_;
  Model before_;
  Manifest manifest_;
  Words words_;
  std::uint64_t sites_ = 0;
  StartFileTensors start_;
};

inline nlohmann::json Json(const Outcome& outcome) { return nlohmann::json::parse(outcome.result_json); }
inline std::vector<double> Values(const Model& model, const std::string& name) {
  const auto tensor = model.Find(name);
  EXPECT_TRUE(tensor.ok()) << name;
  return tensor.ok() ? (*tensor)->ToDoubles() : std::vector<double>{};
}

}  // namespace fedtrial::coordinator
