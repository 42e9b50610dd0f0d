#include "model/training/network_trainer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <cmath>
#include <fmt/format.h>

#include "model/nets/device.h"
#include "model/nets/network.h"
#include "model/nets/threads.h"
#include "model/nets/torch_guard.h"
#include "model/training/local_state.h"
#include "model/training/network_inputs.h"
#include "model/training/network_losses.h"
#include "model/training/step_loop.h"

namespace fedtrial {
namespace {

// What makes a patient's illness come back also kills: how far a coefficient of one transition lies from the mean of
// the three costs this much more than the mean itself (the ridge form of Sennhenn-Reulen & Kneib 2016, Stat Med
// 35:4637, section 3).
constexpr double kApart = 2.0;

constexpr std::size_t kChunk = 64;  // patients at a time where only the loss is wanted

Status CheckTask(const NetworkTask& task, std::span<const PatientInput> inputs) {
  const std::size_t heads = task.shape.heads.size();
  const auto wrong = [](std::string what) { return Error{ErrorCode::kInvalidInput, "training: " + std::move(what)}; };
  if (task.weights.labels.size() != heads || task.weights.weight.size() != heads)
    return wrong(fmt::format("{} counts of labels and {} weights for {} heads", task.weights.labels.size(),
                             task.weights.weight.size(), heads));
  if (!std::isfinite(task.weights.patients) || task.weights.patients < 1.0)
    return wrong(fmt::format("{} patients of all sites, wanted >= 1", task.weights.patients));
  for (const auto& [modality, share] : task.weights.coverage)
    if (!(share > 0.0 && share <= 1.0))
      return wrong(fmt::format("a share of {} of all patients have \"{}\", wanted above 0 up to 1", share, modality));
  for (std::size_t h = 0; h < heads; ++h)
    if (!(task.weights.labels[h] >= 0.0) || !(task.weights.weight[h] > 0.0))
      return wrong(fmt::format("head \"{}\" has {} labels of all sites and the weight {}", task.shape.heads[h].name,
                               task.weights.labels[h], task.weights.weight[h]));
  for (const PatientInput& input : inputs)
    if (input.statics.size() != task.shape.statics.size() || input.panels.size() != task.shape.panels.size() ||
        input.heads.size() != heads)
      return wrong("a patient's inputs are of another network");
  return {};
}

class Trainer {
 public:
  Trainer(const NetworkTask& task, std::vector<PatientInput> inputs, const ImageInputs& images,
          const NetworkSettings& settings, LocalState state)
      : task_(task),
        inputs_(std::move(inputs)),
        images_(images),
        settings_(settings),
        state_(std::move(state)),
        network_(task.shape, state_.parameters()),
        patients_(PatientsPerBlock(task.shape, inputs_, settings.input_dropout.modality > 0.0)),
        labels_(LabelsPerHead(task.shape, inputs_)),
        trains_encoder_(!task.shape.mri.empty() && task.trained.contains(task.shape.mri)) {}

  Result<NetworkUpdate> Run() {
    NetworkUpdate update;
    update.patients = patients_;
    update.labels = labels_;
    update.loss_before.assign(task_.shape.heads.size(), 0.0);
    if (!inputs_.empty()) {
      RETURN_IF_ERROR(MeasureLoss(update));
      RETURN_IF_ERROR(RunSteps(
          "network", inputs_.size(), settings_, state_,
          [this](std::span<const std::size_t> drawn, SeededRandom& random) { return TakeStep(drawn, random); }));
    }
    ASSIGN_OR_RETURN(update.delta, state_.Deltas(update.patients));
    return update;
  }

 private:
  using LinearRules = std::map<std::string, LocalState::LinearRule>;

  // Every volume of the inputs, once the loss was measured.
  VolumeTokens& Seen() { return images_.tokens != nullptr && !trains_encoder_ ? *images_.tokens : tokens_; }

  Result<const VolumeTokens*> TokensOf(std::span<const VolumeId> ids) {
    VolumeTokens& tokens = Seen();
    const auto there = [&](const VolumeId& id) { return tokens.contains(id.key); };
    if (images_.source != nullptr)
      RETURN_IF_ERROR(AddVolumeTokens(network_, *images_.source, ids, state_.options(), tokens));
    else if (!std::ranges::all_of(ids, there))
      return Error{ErrorCode::kInvalidInput, "training: a patient has images and there is no source of volumes"};
    return &tokens;
  }

  // Under the model given, in chunks and without dropout.
  Status MeasureLoss(NetworkUpdate& update) {
    const at::NoGradGuard no_grad;
    ASSIGN_OR_RETURN(const VolumeTokens* tokens, TokensOf(VolumesOf(inputs_)));
    const std::span<const PatientInput> all(inputs_);
    for (std::size_t first = 0; first < all.size(); first += kChunk) {
      const auto some = all.subspan(first, std::min(kChunk, all.size() - first));
      const auto outputs = network_.Forward(CollateWithTokens(task_.shape, some, *tokens, state_.options()));
      for (std::size_t h = 0; h < outputs.size(); ++h) {
        ASSIGN_OR_RETURN(const TargetBatch targets, CollateTargets(task_.shape, task_.map, h, some, state_.options()));
        update.loss_before[h] += HeadLosses(task_.shape.heads[h], outputs[h], targets).sum().item<double>();
      }
    }
    for (std::size_t h = 0; h < update.labels.size(); ++h)
      if (update.labels[h] > 0) update.loss_before[h] /= static_cast<double>(update.labels[h]);
    return {};
  }

  Status TakeStep(std::span<const std::size_t> drawn, Random& random) {
    const InputDropout& hidden = settings_.input_dropout;
    std::vector<PatientInput> whole, batch;
    for (const std::size_t i : drawn) {
      whole.push_back(inputs_[i]);
      batch.push_back(hidden.modality > 0.0 || hidden.visit > 0.0 ? WithDropout(task_.shape, inputs_[i], hidden, random)
                                                                  : inputs_[i]);
    }
    const Dropout dropout{settings_.dropout,
                          at::make_generator<at::CPUGeneratorImpl>(UniformBelow(std::uint64_t{1} << 53, random))};
    ASSIGN_OR_RETURN(NetworkBatch collated, CollateBatch(batch));
    collated.linear = CollateLinear(task_.shape, whole, Seen(), state_.options());
    const auto outputs = network_.Forward(collated, settings_.dropout > 0.0 ? &dropout : nullptr);

    const std::vector<std::size_t> labels = LabelsPerHead(task_.shape, batch);
    LinearRules linear;
    at::Tensor loss = at::zeros({}, state_.options());
    for (std::size_t h = 0; h < outputs.size(); ++h) {
      if (labels[h] == 0 || task_.weights.labels[h] <= 0.0) continue;
      ASSIGN_OR_RETURN(const TargetBatch targets, CollateTargets(task_.shape, task_.map, h, batch, state_.options()));
      const double weight = task_.weights.weight[h] * task_.weights.patients / task_.weights.labels[h] /
                            static_cast<double>(batch.size());
      loss = loss + HeadLosses(task_.shape.heads[h], outputs[h], targets).sum() * weight;
      // The linear tensors of a head see the mean over its labels in the batch, as a linear model alone would.
      const double ridge = settings_.ridge / task_.weights.labels[h];
      linear[task_.shape.heads[h].name] = {1.0 / (weight * static_cast<double>(labels[h])), ridge,
                                           task_.shape.heads[h].kind == HeadKind::kIllnessDeath ? kApart * ridge : 0.0};
    }
    const std::set<std::string> touched = TouchedBlocks(batch, linear);
    state_.Step(loss, touched, settings_.rates, task_.shape.mri, linear);
    return {};
  }

  // Blocks that a batch fills, without those of heads that it doesn't teach; skips of the others get their rules,
  // whoever of the site is drawn.
  std::set<std::string> TouchedBlocks(std::span<const PatientInput> batch, LinearRules& linear) const {
    std::set<std::string> touched;
    for (const auto& [block, patients] : PatientsPerBlock(task_.shape, batch, false))
      if (patients > 0) touched.insert(block);
    std::vector<std::string> modalities;
    for (const StaticShape& block : task_.shape.statics) modalities.push_back(block.name);
    for (const PanelShape& panel : task_.shape.panels) modalities.push_back(panel.name);
    if (!task_.shape.mri.empty()) modalities.push_back(task_.shape.mri);
    for (std::size_t h = 0; h < labels_.size(); ++h) {
      const std::string& head = task_.shape.heads[h].name;
      const auto rule = linear.find(head);
      if (rule == linear.end()) touched.erase(head);
      for (const std::string& modality : modalities) {
        const std::string skip = LinearBlock(head, modality);
        touched.erase(skip);
        const auto have = patients_.find(skip);
        if (rule == linear.end() || have == patients_.end() || have->second == 0) continue;
        linear[skip] =
            SkipRule(rule->second, modality, static_cast<double>(have->second) / static_cast<double>(labels_[h]));
        touched.insert(skip);
      }
    }
    return touched;
  }

  // From the mean over all labels to that over those who have the modality: `here` of this site's, `coverage` of all.
  LocalState::LinearRule SkipRule(LocalState::LinearRule rule, const std::string& modality, double here) const {
    const auto found = task_.weights.coverage.find(modality);
    const double coverage = found == task_.weights.coverage.end() ? 1.0 : found->second;
    rule.factor /= here;
    rule.ridge /= coverage;
    rule.apart /= coverage;
    return rule;
  }

  Result<NetworkBatch> CollateBatch(std::span<const PatientInput> batch) {
    const std::vector<VolumeId> ids = VolumesOf(batch);
    if (!trains_encoder_ || ids.empty()) {
      ASSIGN_OR_RETURN(const VolumeTokens* tokens, TokensOf(ids));
      return CollateWithTokens(task_.shape, batch, *tokens, state_.options());
    }
    if (images_.source == nullptr)
      return Error{ErrorCode::kInvalidInput, "training: the encoder is trained and there is no source of volumes"};
    NetworkBatch collated = Collate(task_.shape, batch, Seen(), state_.options());
    ASSIGN_OR_RETURN(const VolumeStack stack, LoadVolumes(task_.shape.sizes, *images_.source, ids, state_.options()));
    collated.images.embeddings = network_.EncodeVolumes(stack.volumes, stack.no_lesion);
    return collated;
  }

  const NetworkTask& task_;
  std::vector<PatientInput> inputs_;  // those with a label
  ImageInputs images_;
  const NetworkSettings& settings_;
  LocalState state_;
  Network network_;
  std::map<std::string, std::size_t> patients_;  // of this site: who fill each block
  std::vector<std::size_t> labels_;              // of this site, by head
  bool trains_encoder_;
  VolumeTokens tokens_;  // where the caller keeps none
};

}  // namespace

Result<NetworkUpdate> TrainNetwork(const NetworkTask& task, std::span<const PatientInput> inputs,
                                   const ImageInputs& images, const NetworkSettings& settings) {
  ASSIGN_OR_RETURN(std::vector<NetworkTensor> tensors, NetworkTensors(task.shape, task.precision));
  RETURN_IF_ERROR(CheckTask(task, inputs));
  ASSIGN_OR_RETURN(const c10::Device device, FindDevice(settings.device));
  std::vector<PatientInput> labelled;
  std::ranges::copy_if(inputs, std::back_inserter(labelled), [](const PatientInput& input) {
    return std::ranges::any_of(input.heads, &PatientInput::Head::labelled);
  });
  return GuardTorch("training", [&]() -> Result<NetworkUpdate> {
    SetThreads(settings.threads);
    ASSIGN_OR_RETURN(LocalState state,
                     LocalState::Make(std::move(tensors), *task.model, task.prefix, device, task.trained));
    return Trainer(task, std::move(labelled), images, settings, std::move(state)).Run();
  });
}

}  // namespace fedtrial
