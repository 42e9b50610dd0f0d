#include "model/training/pretraining.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool3d.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/square.h>
#include <ATen/ops/upsample_nearest3d.h>
#include <algorithm>
#include <array>
#include <c10/core/GradMode.h>

#include "model/nets/device.h"
#include "model/nets/threads.h"
#include "model/nets/torch_guard.h"
#include "model/nets/volume_encoder.h"
#include "model/training/local_state.h"
#include "model/training/step_loop.h"

namespace fedtrial {
namespace {

constexpr std::size_t kChunk = 4;  // volumes at a time where only the loss is wanted

// [N, 1, z, y, x] of ones, with cubes of zeros.
at::Tensor DrawMask(const at::Tensor& volumes, Random& random) {
  constexpr auto kSide = static_cast<int64_t>(kMaskedSide);
  const at::Generator generator =
      at::make_generator<at::CPUGeneratorImpl>(UniformBelow(std::uint64_t{1} << 53, random));
  const at::Tensor kept =
      at::empty({volumes.size(0), 1, volumes.size(2) / kSide, volumes.size(3) / kSide, volumes.size(4) / kSide})
          .bernoulli_(1.0 - kMaskedShare, generator);
  return at::upsample_nearest3d(kept, {volumes.size(2), volumes.size(3), volumes.size(4)}).to(volumes.options());
}

// Mean of each figure of kLesionCentre.
class LesionMeans {
 public:
  void Add(MriSequence sequence, const LesionFigures& lesion) {
    const std::size_t place = LesionPlace(sequence);
    Add(0, lesion.size);
    Add(place, lesion.mean);
    Add(place + 1, lesion.deviation);
  }
  // Those that are known in place of what `centre` has.
  at::Tensor Over(const at::Tensor& centre) const {
    at::Tensor means = centre.to(at::kCPU, at::kDouble, /*non_blocking=*/false, /*copy=*/true);
    for (std::size_t j = 0; j < kLesionFigures; ++j)
      if (counts_[j] > 0.0) means.data_ptr<double>()[j] = sums_[j] / counts_[j];
    return means;
  }

 private:
  void Add(std::size_t place, double value) {
    counts_[place] += 1.0;
    sums_[place] += value;
  }

  std::array<double, kLesionFigures> counts_{}, sums_{};
};

class Pretrainer {
 public:
  Pretrainer(const NetworkTask& task, std::vector<VolumeId> ids, const VolumeSource& source,
             const NetworkSettings& settings, LocalState state)
      : task_(task),
        ids_(std::move(ids)),
        source_(source),
        settings_(settings),
        state_(std::move(state)),
        network_(task.shape, state_.parameters()) {}

  Result<NetworkUpdate> Run(std::size_t patients) {
    NetworkUpdate update;
    for (const std::string& block : NetworkBlocks(task_.shape)) update.patients[block] = 0;
    const std::set<std::string> blocks = {task_.shape.mri, DecoderBlock(task_.shape.mri)};
    for (const std::string& block : blocks) update.patients[block] = patients;
    update.loss_before = {0.0};
    if (!ids_.empty()) {
      LesionMeans means;
      ASSIGN_OR_RETURN(update.loss_before.front(), MeasureLoss(means));
      RETURN_IF_ERROR(RunSteps("encoder", ids_.size(), settings_, state_,
                               [&](std::span<const std::size_t> drawn, SeededRandom& random) -> Status {
                                 ASSIGN_OR_RETURN(const VolumeStack stack, Load(drawn));
                                 state_.Step(LossOf(stack, random), blocks, settings_.rates, task_.shape.mri, {});
                                 return {};
                               }));
      state_.Put(task_.shape.mri + "/" + kLesionCentre, means.Over(network_.LesionCentre()));
    }
    ASSIGN_OR_RETURN(update.delta, state_.Deltas(update.patients));
    return update;
  }

 private:
  Result<VolumeStack> Load(std::span<const std::size_t> drawn) const {
    std::vector<VolumeId> some;
    for (const std::size_t i : drawn) some.push_back(ids_[i]);
    ASSIGN_OR_RETURN(VolumeStack stack, LoadVolumes(task_.shape.sizes, source_, some, state_.options()));
    for (int64_t axis = 2; axis < 5; ++axis)
      if (stack.volumes.size(axis) % static_cast<int64_t>(kMaskedSide) != 0)
        return Error{ErrorCode::kInvalidInput, "volume: a side isn't a multiple of 8 voxels"};
    return stack;
  }

  at::Tensor LossOf(const VolumeStack& stack, Random& random) const {
    return MaskedLoss(network_, stack, DrawMask(stack.volumes, random));
  }

  // All volumes once, for the loss and for means. The same masks whatever the round, so that the figures of two rounds
  // compare.
  Result<double> MeasureLoss(LesionMeans& means) const {
    const at::NoGradGuard no_grad;
    SeededRandom random(0);
    double sum = 0.0;
    for (std::size_t first = 0; first < ids_.size(); first += kChunk) {
      std::vector<std::size_t> some;
      for (std::size_t i = first; i < std::min(first + kChunk, ids_.size()); ++i) some.push_back(i);
      ASSIGN_OR_RETURN(const VolumeStack stack, Load(some));
      sum += LossOf(stack, random).item<double>() * static_cast<double>(some.size());
      for (std::size_t i = 0; i < some.size(); ++i)
        if (stack.lesions[i]) means.Add(ids_[some[i]].sequence, *stack.lesions[i]);
    }
    return sum / static_cast<double>(ids_.size());
  }

  const NetworkTask& task_;
  std::vector<VolumeId> ids_;
  const VolumeSource& source_;
  const NetworkSettings& settings_;
  LocalState state_;
  Network network_;
};

}  // namespace

at::Tensor MaskedLoss(const Network& network, const VolumeStack& stack, const at::Tensor& mask) {
  const at::Tensor& volumes = stack.volumes;
  const at::Tensor rebuilt = network.DecodeVolumes(volumes * mask, stack.no_lesion);
  const int64_t shrink = volumes.size(2) / rebuilt.size(2);  // of the target
  const at::Tensor target = at::avg_pool3d(volumes.narrow(1, 0, 1), shrink);
  const at::Tensor masked = 1.0 - at::avg_pool3d(mask, shrink);  // the share of each place that was masked
  return (at::square(rebuilt - target) * masked).sum() / at::clamp_min(masked.sum(), 1.0);
}

Result<NetworkUpdate> PretrainEncoder(const NetworkTask& task, std::span<const PatientInput> inputs,
                                      const VolumeSource& source, const NetworkSettings& settings) {
  ASSIGN_OR_RETURN(std::vector<NetworkTensor> tensors, NetworkTensors(task.shape, task.precision));
  if (task.shape.mri.empty() || !task.shape.pretrains)
    return Error{ErrorCode::kInvalidInput, "pretraining: the network has no encoder with a decoder"};
  ASSIGN_OR_RETURN(const c10::Device device, FindDevice(settings.device));
  const auto patients = static_cast<std::size_t>(
      std::ranges::count_if(inputs, [](const PatientInput& input) { return !input.volumes.empty(); }));
  return GuardTorch("pretraining", [&]() -> Result<NetworkUpdate> {
    SetThreads(settings.threads);
    ASSIGN_OR_RETURN(LocalState state,
                     LocalState::Make(std::move(tensors), *task.model, task.prefix, device, task.trained));
    return Pretrainer(task, VolumesOf(inputs), source, settings, std::move(state)).Run(patients);
  });
}

}  // namespace fedtrial
