#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>
#include <utility>

#include "coordinator/tasks/kinds.h"
#include "coordinator/tasks/server_optimizer.h"
#include "proto/plan/network.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::size_t kChunk = 2048;  // values at a time: the buffers stay in the first-level cache

// Moves one tensor of the next model in place, chunk by chunk.
class Mover {
 public:
  Mover(const UpdateRule& rule, const Sum& sum, std::map<std::string, Tensor>& moments)
      : rule_(rule), sum_(sum), moments_(moments), kinds_(rule.moments()), buffers_(1 + kinds_.size()) {
    for (auto& buffer : buffers_) buffer.resize(kChunk);
  }

  // False if a value is no longer finite: the caller throws the model away.
  bool Move(std::size_t index, const TensorSpec& spec, Tensor& weights) {
    std::vector<Tensor*> kept;
    for (const auto& kind : kinds_) kept.push_back(&MomentOf(kind, spec));
    for (std::size_t first = 0; first < weights.size(); first += kChunk) {
      const std::size_t count = std::min(kChunk, weights.size() - first);
      const std::span<double> step(buffers_[0].data(), count);
      sum_.MeansInto(index, first, step);
      std::vector<std::span<double>> moments;
      for (std::size_t k = 0; k < kept.size(); ++k) {
        moments.emplace_back(buffers_[k + 1].data(), count);
        Load(*kept[k], first, moments[k]);
      }
      rule_.Step(step, moments);
      for (std::size_t k = 0; k < kept.size(); ++k) Store(*kept[k], first, moments[k]);
      if (!Add(weights, first, step)) return false;
    }
    return true;
  }

 private:
  Tensor& MomentOf(const UpdateRule::Moment& kind, const TensorSpec& spec) {
    const auto [place, is_new] = moments_.try_emplace(fmt::format("{}/{}", kind.name, spec.name));
    Tensor& moment = place->second;
    if (is_new || moment.shape != spec.shape || moment.type() != spec.type) {
      moment = Tensor::Zeros(spec);
      std::visit([&](auto& v) { std::fill(v.begin(), v.end(), static_cast<std::decay_t<decltype(v[0])>>(kind.start)); },
                 moment.values);
    }
    return moment;
  }
  static void Load(const Tensor& tensor, std::size_t first, std::span<double> out) {
    std::visit(
        [&](const auto& v) { std::copy_n(v.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin()); },
        tensor.values);
  }
  static void Store(Tensor& tensor, std::size_t first, std::span<const double> in) {
    std::visit(
        [&](auto& v) {
          for (std::size_t i = 0; i < in.size(); ++i) v[first + i] = static_cast<std::decay_t<decltype(v[0])>>(in[i]);
        },
        tensor.values);
  }
  static bool Add(Tensor& tensor, std::size_t first, std::span<const double> step) {
    return std::visit(
        [&](auto& v) {
          std::size_t bad = 0;
          auto* const w = v.data() + first;
          for (std::size_t i = 0; i < step.size(); ++i) {
            w[i] = static_cast<std::decay_t<decltype(v[0])>>(static_cast<double>(w[i]) + step[i]);
            bad += !(w[i] - w[i] == 0);
          }
          return bad == 0;
        },
        tensor.values);
  }

  const UpdateRule& rule_;
  const Sum& sum_;
  std::map<std::string, Tensor>& moments_;
  std::vector<UpdateRule::Moment> kinds_;
  std::vector<std::vector<double>> buffers_;
};

Status CheckModel(const Sum& sum, const Model& before, std::string_view loss_name) {
  for (const TensorSpec& spec : sum.manifest().tensors) {
    if (spec.name == loss_name) continue;
    ASSIGN_OR_RETURN(const Tensor* weights, before.Find(spec.name));
    if (weights->shape != spec.shape || weights->type() != spec.type)
      return Error{ErrorCode::kIntegrity, fmt::format("the model's \"{}\" isn't of the manifest's shape", spec.name)};
  }
  return {};
}

}  // namespace

Result<Outcome> FinishTrain(const FinishedSum& finished, Model before) {
  const auto& [plan, task, sum, server, start_file] = finished;
  const auto* step = std::get_if<TrainStep>(&plan.steps[task.position.step].settings);
  if (step == nullptr) return Error{ErrorCode::kInternal, "the plan has no train step here"};
  const std::string loss_name = "loss/" + step->block;
  RETURN_IF_ERROR(CheckModel(sum, before, loss_name));
  Outcome outcome;
  outcome.next = std::move(before);
  std::map<std::string, Tensor> moments;
  if (task.position.round_in_step > 0) moments = server.moments;
  const auto rule = MakeUpdateRule(step->server);
  const bool network = IsNetwork(plan, step->block);
  Mover mover(*rule, sum, moments);
  nlohmann::json kept = nlohmann::json::array();
  for (std::size_t t = 0; t < sum.manifest().tensors.size(); ++t) {
    const TensorSpec& spec = sum.manifest().tensors[t];
    if (spec.name == loss_name) continue;
    const std::size_t block = sum.block_of(t);
    if (sum.contributors(block) < kMinContributors ||
        (network && static_cast<double>(sum.weight(block)) < kMinBlockPatients))
      kept.push_back(spec.name);
    else if (!mover.Move(t, spec, outcome.next->tensors.at(spec.name)))
      return Error{ErrorCode::kInvalidInput, fmt::format("train: \"{}\" would no longer be finite", spec.name)};
  }
  server.moments = std::move(moments);
  ASSIGN_OR_RETURN(const std::size_t loss, sum.Find(loss_name));
  const std::uint64_t patients = sum.weight(sum.block_of(loss)), contributors = sum.contributors(sum.block_of(loss));
  nlohmann::json result = {{"block", step->block},
                           {"loss", nullptr},
                           {"patients", Published(plan, static_cast<double>(patients))},
                           {"contributors", contributors},
                           {"kept", std::move(kept)}};
  if (contributors >= kMinContributors) result["loss"] = sum.means(loss)[0];
  outcome.result_json = result.dump();
  return outcome;
}

}  // namespace fedtrial::coordinator
