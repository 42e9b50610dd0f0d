#include "model/training/local_trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <algorithm>
#include <c10/core/GradMode.h>
#include <cmath>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include "model/nets/device.h"
#include "model/nets/linear_survival.h"
#include "model/nets/threads.h"
#include "model/nets/torch_guard.h"
#include "model/training/batch_order.h"
#include "model/training/local_optimizer.h"
#include "model/training/losses.h"

namespace fedtrial {
namespace {

constexpr std::size_t kGroupValues = std::size_t{1} << 21;  // of the largest array of a group of replicas: 16 MB

Status CheckReplicas(const TrainingData& data, std::span<const ReplicaTask> replicas) {
  for (const ReplicaTask& replica : replicas) {
    RETURN_IF_ERROR(CheckValues("training: coefficients", replica.before.beta, data.raw.cols));
    RETURN_IF_ERROR(
        CheckValues("training: intercepts", replica.before.intercepts, replicas.front().before.intercepts.size()));
    RETURN_IF_ERROR(CheckValues("training: means", replica.scaling.mean, data.raw.cols));
    RETURN_IF_ERROR(CheckValues("training: deviations", replica.scaling.deviation, data.raw.cols));
    for (const double deviation : replica.scaling.deviation)
      if (!(deviation > 0.0))
        return Error{ErrorCode::kInvalidInput, fmt::format("training: a deviation is {}, wanted > 0", deviation)};
    if (replica.trains.size() != data.places.size())
      return Error{ErrorCode::kInvalidInput, fmt::format("training: {} patients, {} are told whether they train",
                                                         data.places.size(), replica.trains.size())};
    if (!std::isfinite(replica.patients) || replica.patients < 1.0)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("training: {} patients of all sites, wanted >= 1", replica.patients)};
  }
  return {};
}

Status CheckData(const TrainingData& data, std::size_t bins) {
  if (data.raw.rows != data.places.size())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("training: {} rows for {} outcomes", data.raw.rows, data.places.size())};
  for (const double value : data.raw.values)
    if (std::isinf(value)) return Error{ErrorCode::kInvalidInput, "training: an infinite feature"};
  for (const GridPlace& place : data.places)
    if (place.at_risk > bins || (place.event && place.at_risk == 0))
      return Error{ErrorCode::kInvalidInput, fmt::format("training: an outcome doesn't lie on the {} bins", bins)};
  return {};
}

// Patients by replica, as the network takes them. weight sums to 1 in each replica that has patients.
struct Batch {
  at::Tensor x;        // [R, m, features]
  at::Tensor at_risk;  // [R or 1, m, bins]
  at::Tensor event;    // as at_risk
  at::Tensor weight;   // [R, m]
};

// A few replicas in one batch.
class ReplicaGroup {
 public:
  ReplicaGroup(const TrainingData& data, std::span<const ReplicaTask> replicas, std::size_t first,
               const TrainingSettings& settings, c10::Device device)
      : data_(data),
        replicas_(replicas),
        first_(first),
        settings_(settings),
        options_(OptionsOf(settings, device)),
        net_(Size(replicas.size()), Size(data.raw.cols), Size(replicas.front().before.intercepts.size()), options_) {
    Load();
  }

  Result<std::vector<ReplicaUpdate>> Train() {
    std::vector<ReplicaUpdate> updates(replicas_.size());
    MeasureLoss(updates);
    const std::vector<at::Tensor> parameters = {net_.beta, net_.intercept};
    const auto method = MakeLocalMethod(settings_.local, parameters);
    const double rate = LocalRate(settings_.local, settings_.round_in_step);
    for (unsigned step = 0; step < settings_.local.steps; ++step) {
      if (settings_.cancelled && settings_.cancelled()) return Error{ErrorCode::kUnavailable, "training: cancelled"};
      const at::Tensor loss = Loss(orders_.empty() ? full_ : NextBatch());
      method->Step(parameters, torch::autograd::grad({loss}, parameters), rate);
    }
    RETURN_IF_ERROR(TakeDeltas(updates));
    return updates;
  }

 private:
  static int64_t Size(std::size_t size) { return static_cast<int64_t>(size); }
  static at::TensorOptions OptionsOf(const TrainingSettings& settings, c10::Device device) {
    return at::TensorOptions()
        .dtype(settings.precision == ScalarType::kFloat32 ? at::kFloat : at::kDouble)
        .device(device);
  }
  // Doubles of ours as a tensor of the group's type, on its device.
  at::Tensor Given(std::vector<double>& values, at::IntArrayRef shape) const {
    return at::from_blob(values.data(), shape, at::kDouble).to(options_, /*non_blocking=*/false, /*copy=*/true);
  }

  void Load() {
    const std::size_t patients = data_.places.size();
    const std::size_t bins = replicas_.front().before.intercepts.size();
    std::vector<double> beta, intercept, ridge, weight, x;
    for (std::size_t r = 0; r < replicas_.size(); ++r) {
      const ReplicaTask& replica = replicas_[r];
      beta.insert(beta.end(), replica.before.beta.begin(), replica.before.beta.end());
      intercept.insert(intercept.end(), replica.before.intercepts.begin(), replica.before.intercepts.end());
      ridge.push_back(settings_.local.ridge / replica.patients);
      std::vector<std::size_t> who;
      for (std::size_t i = 0; i < patients; ++i)
        if (replica.trains[i]) who.push_back(i);
      patients_.push_back(who.size());
      for (std::size_t i = 0; i < patients; ++i)
        weight.push_back(replica.trains[i] ? 1.0 / static_cast<double>(who.size()) : 0.0);
      const std::size_t start = x.size();
      x.insert(x.end(), data_.raw.values.begin(), data_.raw.values.end());
      for (std::size_t i = 0; i < patients; ++i)
        ScaleRow(std::span(x).subspan(start + i * data_.raw.cols, data_.raw.cols), replica.scaling);
      if (settings_.local.batch > 0)
        orders_.emplace_back(who.empty() ? std::vector<std::size_t>{0} : who, settings_.local.batch,
                             BatchSeed(settings_.seed, settings_.cohort, first_ + r));
    }
    std::vector<double> at_risk(patients * bins, 0.0), event(patients * bins, 0.0);
    for (std::size_t i = 0; i < patients; ++i) {
      const GridPlace place = data_.places[i];
      std::fill_n(at_risk.begin() + static_cast<std::ptrdiff_t>(i * bins), place.at_risk, 1.0);
      if (place.event) event[i * bins + place.at_risk - 1] = 1.0;
    }
    const int64_t replicas = Size(replicas_.size());
    const int64_t rows = Size(patients);
    const at::NoGradGuard no_grad;
    net_.beta.copy_(Given(beta, {replicas, Size(data_.raw.cols)}));
    net_.intercept.copy_(Given(intercept, {replicas, Size(bins)}));
    ridge_ = Given(ridge, {replicas, 1});
    full_ = {Given(x, {replicas, rows, Size(data_.raw.cols)}), Given(at_risk, {1, rows, Size(bins)}),
             Given(event, {1, rows, Size(bins)}), Given(weight, {replicas, rows})};
  }

  // The next mini-batch of every replica; a smaller one is filled up with patients of weight 0.
  Batch NextBatch() {
    std::vector<std::vector<std::size_t>> drawn;
    std::size_t width = 1;
    for (BatchOrder& order : orders_) {
      const auto next = order.Next();
      drawn.emplace_back(next.begin(), next.end());
      width = std::max(width, next.size());
    }
    std::vector<int64_t> index;
    std::vector<double> weight;
    for (std::size_t r = 0; r < drawn.size(); ++r) {
      const double each = patients_[r] == 0 ? 0.0 : 1.0 / static_cast<double>(drawn[r].size());
      for (std::size_t i = 0; i < width; ++i) {
        index.push_back(i < drawn[r].size() ? Size(drawn[r][i]) : 0);
        weight.push_back(i < drawn[r].size() ? each : 0.0);
      }
    }
    const int64_t replicas = Size(drawn.size());
    const int64_t rows = Size(width);
    const at::Tensor who =
        at::from_blob(index.data(), {replicas, rows}, at::kLong).to(options_.device(), at::kLong, false, true);
    const auto of_patients = [&](const at::Tensor& all) {
      return all.squeeze(0).index_select(0, who.flatten()).view({replicas, rows, all.size(2)});
    };
    return {full_.x.gather(1, who.unsqueeze(2).expand({replicas, rows, full_.x.size(2)})), of_patients(full_.at_risk),
            of_patients(full_.event), Given(weight, {replicas, rows})};
  }

  // Sum over the replicas: their gradients don't mix.
  at::Tensor Loss(const Batch& batch) {
    const at::Tensor losses = HazardLosses(net_.Logits(batch.x), batch.at_risk, batch.event);
    return (losses * batch.weight).sum() + 0.5 * (ridge_ * net_.beta.square()).sum();
  }

  void MeasureLoss(std::vector<ReplicaUpdate>& updates) {
    const at::NoGradGuard no_grad;
    const at::Tensor losses = HazardLosses(net_.Logits(full_.x), full_.at_risk, full_.event);
    const at::Tensor means = (losses * full_.weight).sum(1).to(at::kCPU, at::kDouble);
    for (std::size_t r = 0; r < updates.size(); ++r) {
      updates[r].patients = patients_[r];
      updates[r].loss_before = means[Size(r)].item<double>();
    }
  }

  // Before and after are both of the network's type, so with float32 the difference is that of two floats.
  Status TakeDeltas(std::vector<ReplicaUpdate>& updates) {
    const auto difference = [&](const at::Tensor& after, auto&& before_of, auto&& delta_of) -> Status {
      const at::Tensor values = after.detach().to(at::kCPU, at::kDouble).contiguous();
      const double* next = values.data_ptr<double>();
      for (std::size_t r = 0; r < updates.size(); ++r) {
        const std::vector<double>& before = before_of(replicas_[r].before);
        std::vector<double>& delta = delta_of(updates[r].delta);
        delta.assign(before.size(), 0.0);
        for (std::size_t j = 0; j < before.size(); ++j, ++next) {
          if (!std::isfinite(*next))
            return Error{ErrorCode::kInvalidInput,
                         "training diverged: a coefficient is not finite, the rate is too large"};
          const double start = settings_.precision == ScalarType::kFloat32
                                   ? static_cast<double>(static_cast<float>(before[j]))
                                   : before[j];
          if (patients_[r] > 0) delta[j] = *next - start;
        }
      }
      return {};
    };
    const auto beta = [](auto& model) -> auto& { return model.beta; };
    const auto intercepts = [](auto& model) -> auto& { return model.intercepts; };
    RETURN_IF_ERROR(difference(net_.beta, beta, beta));
    return difference(net_.intercept, intercepts, intercepts);
  }

  const TrainingData& data_;
  std::span<const ReplicaTask> replicas_;
  std::size_t first_;  // index of the first replica of this group among all
  const TrainingSettings& settings_;
  at::TensorOptions options_;
  LinearSurvival net_;
  Batch full_;
  at::Tensor ridge_;                   // [R, 1]
  std::vector<std::size_t> patients_;  // who train, by replica
  std::vector<BatchOrder> orders_;     // empty: full batch
};

}  // namespace

Result<std::vector<ReplicaUpdate>> TrainReplicas(const TrainingData& data, std::span<const ReplicaTask> replicas,
                                                 const TrainingSettings& settings) {
  if (replicas.empty()) return std::vector<ReplicaUpdate>{};
  const std::size_t bins = replicas.front().before.intercepts.size();
  RETURN_IF_ERROR(CheckData(data, bins));
  RETURN_IF_ERROR(CheckReplicas(data, replicas));
  ASSIGN_OR_RETURN(const c10::Device device, FindDevice(settings.device));
  return GuardTorch("training", [&]() -> Result<std::vector<ReplicaUpdate>> {
    SetThreads(settings.threads);
    const std::size_t values = std::max<std::size_t>(data.places.size() * std::max(data.raw.cols, bins), 1);
    const std::size_t group = std::clamp<std::size_t>(kGroupValues / values, 1, replicas.size());
    std::vector<ReplicaUpdate> updates;
    for (std::size_t first = 0; first < replicas.size(); first += group) {
      const auto some = replicas.subspan(first, std::min(group, replicas.size() - first));
      if (data.places.empty()) {
        for (const ReplicaTask& replica : some)
          updates.push_back({.delta = {std::vector<double>(bins), std::vector<double>(replica.before.beta.size())}});
        continue;
      }
      ASSIGN_OR_RETURN(auto trained, ReplicaGroup(data, some, first, settings, device).Train());
      std::ranges::move(trained, std::back_inserter(updates));
      if (settings.on_way) settings.on_way(static_cast<double>(updates.size()) / static_cast<double>(replicas.size()));
    }
    return updates;
  });
}

}  // namespace fedtrial
