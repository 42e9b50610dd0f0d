#include "site_node/tasks/network.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "model/training/network_inputs.h"
#include "model/training/network_predict.h"
#include "model/training/pretraining.h"
#include "proto/plan/network.h"
#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"

namespace fedtrial::site {
namespace {

Result<Scaling> ScalingOf(const ScoredInput& input, const Replica& replica, const Block& block) {
  ASSIGN_OR_RETURN(const auto mean, ModelValues(input.model, MeanName(replica), input.plan.features.size()));
  ASSIGN_OR_RETURN(const auto deviation, ModelValues(input.model, DeviationName(replica), input.plan.features.size()));
  Scaling scaling;
  for (const std::size_t feature : block.features) {
    scaling.mean.push_back(mean[feature]);
    scaling.deviation.push_back(deviation[feature]);
  }
  return scaling;
}

Result<InputMap::Head> HeadMap(const ScoredInput& input, const Block& block) {
  InputMap::Head head;
  if (block.target == HeadTarget::kLabel) {
    head.label = block.label;
    head.share = block.share;
    return head;
  }
  if (block.target == HeadTarget::kPseudoProgression) {
    head.suspicion = true;
    return head;
  }
  const std::string& endpoint = block.target == HeadTarget::kEndpoint ? block.endpoint : input.plan.endpoints[0].name;
  ASSIGN_OR_RETURN(const Grid grid, GridOf(input.plan, endpoint, input.model));
  head.cuts_days = grid.cuts();
  return head;
}

Result<InputMap> MapOf(const ScoredInput& input, const Replica& replica) {
  InputMap map;
  for (const Block& block : input.plan.blocks) {
    if (block.kind == BlockKind::kStatic) {
      ASSIGN_OR_RETURN(Scaling scaling, ScalingOf(input, replica, block));
      map.statics.push_back({block.features, std::move(scaling)});
    } else if (block.kind == BlockKind::kPanel) {
      ASSIGN_OR_RETURN(Scaling scaling, ScalingOf(input, replica, block));
      map.panels.push_back({map.panels.size(), std::move(scaling)});
    } else if (block.kind == BlockKind::kHead) {
      ASSIGN_OR_RETURN(InputMap::Head head, HeadMap(input, block));
      map.heads.push_back(std::move(head));
    }
  }
  return map;
}

// The share of patients who have each modality, by grid's counts; 0 where too few sites or patients do.
Result<std::map<std::string, double>> ModalityShares(const Plan& plan, const Model& model) {
  const std::vector<const Block*> modalities = plan.Modalities();
  ASSIGN_OR_RETURN(const auto values, ModelValues(model, ModalitiesName(), modalities.size()));
  std::map<std::string, double> shares;
  for (std::size_t m = 0; m < modalities.size(); ++m) shares[modalities[m]->name] = values[m];
  return shares;
}

// Nobody's is read, so that its blocks stay at their start.
Result<std::set<std::string>> UntrainedModalities(const ScoredInput& input) {
  ASSIGN_OR_RETURN(const auto shares, ModalityShares(input.plan, input.model));
  std::set<std::string> untrained;
  for (const auto& [modality, share] : shares)
    if (share == 0.0) untrained.insert(modality);
  return untrained;
}

bool HasLabel(const Block& head, const Sample& sample) {
  if (head.target == HeadTarget::kPseudoProgression) return LabelOf(head, sample).has_value();
  return head.target != HeadTarget::kLabel || !std::isnan(sample.features[head.label]) ||
         (head.share && !std::isnan(sample.features[*head.share]));
}

Result<TaskWeights> WeightsOf(const TaskInput& input, const Replica& replica, const NetworkShape& shape) {
  TaskWeights weights;
  ASSIGN_OR_RETURN(weights.patients, TrainingPatients(input.before, replica));
  ASSIGN_OR_RETURN(weights.labels, ModelValues(input.before, LabelsName(replica), shape.heads.size()));
  for (const HeadShape& head : shape.heads) weights.weight.push_back(DefaultWeight(head.kind));
  ASSIGN_OR_RETURN(weights.coverage, ModalityShares(input.plan, input.before));
  std::erase_if(weights.coverage, [](const auto& entry) { return entry.second == 0.0; });
  return weights;
}

NetworkSettings SettingsOf(const TaskInput& input, const TrainStep& step, const TaskContext& context) {
  const NetworkLocalSettings& local = step.network;
  const double decline =
      local.rate_half > 0.0 ? 1.0 / (1.0 + input.task.position.round_in_step / local.rate_half) : 1.0;
  NetworkSettings settings;
  settings.rates = {local.rate * decline, local.encoder_rate * decline, local.linear_rate * decline, local.decay,
                    local.proximal};
  settings.epochs = local.epochs;
  settings.batch = local.batch;
  settings.ridge = local.ridge;
  settings.dropout = local.dropout;
  settings.input_dropout = {local.modality_dropout, local.visit_dropout};
  settings.threads = context.threads;
  settings.device = context.device;
  settings.seed = input.task.seed;
  settings.cohort = context.cohort;
  settings.cancelled = [&context] { return context.cancelled(); };
  return settings;
}

// Without a source of volumes patients are taken as without images, whatever their samples name.
void DropVolumes(std::vector<PatientInput>& inputs) {
  for (PatientInput& input : inputs) input.volumes.clear();
}

// The tokens of this replica's encoder; those of another are forgotten.
VolumeTokens& TokensFor(const NetworkShape& shape, const Model& model, const Replica& replica, TokenCache& cache) {
  ByteWriter writer;
  writer.Label("fl/encoder/v1");
  const std::string block = replica.prefix + shape.mri + "/";
  for (auto tensor = model.tensors.lower_bound(block);
       !shape.mri.empty() && tensor != model.tensors.end() && tensor->first.starts_with(block); ++tensor)
    for (const double value : tensor->second.ToDoubles()) writer.U64(std::bit_cast<std::uint64_t>(value));
  const Digest encoder = Sha256(writer.bytes());
  EncodedVolumes& encoded = cache[replica.prefix];
  if (encoded.encoder != encoder) encoded = {encoder, {}};
  return encoded.tokens;
}

// Death whatever came before: its hazard in each bin, and how much of the horizon the patient is expected to lose.
Status PutCourse(const HeadAnswer& answer, const std::vector<double>& cuts_days, double landmark_day, std::size_t row,
                 Scores& scores) {
  constexpr double kSmallest = 1e-12;
  ASSIGN_OR_RETURN(const IllnessDeathCurves curves, CurvesOf(answer, cuts_days, landmark_day));
  double before = 1.0;
  for (std::size_t k = 0; k < cuts_days.size(); ++k) {
    const double after = curves.overall[static_cast<std::size_t>(cuts_days[k] / kStepDays) - 1];
    const double hazard = std::clamp(1.0 - after / std::max(before, kSmallest), kSmallest, 1.0 - kSmallest);
    scores.logits(row, k) = std::log(hazard / (1.0 - hazard));
    before = after;
  }
  for (const double alive : curves.overall) scores.risk[row] += 1.0 - alive;
  return {};
}

class NetworkTraining {
 public:
  NetworkTraining(const TaskInput& input, const TrainStep& step, TaskContext& context)
      : input_(input),
        step_(step),
        context_(context),
        settings_(SettingsOf(input, step, context)),
        landmarks_(DrawLandmarks(input.plan, input.cohort, input.task.seed, context.cohort)),
        builder_(input.manifest) {}

  Result<Contribution> Run() {
    const std::vector<Replica> replicas = Replicas(input_.plan, *input_.plan.Fusion());
    for (std::size_t r = Recall(replicas.size()); r < replicas.size(); ++r) {
      settings_.replica = r;
      if (context_.memory != nullptr) settings_.save = [this, r](const Bytes& state) { return Keep(r, state); };
      if (context_.progress)
        settings_.on_way = [this, r, all = replicas.size()](double fraction) {
          context_.progress((static_cast<double>(r) + fraction) / static_cast<double>(all), "training");
        };
      RETURN_IF_ERROR(TrainIn(replicas[r]));
      settings_.resume.clear();
      if (context_.memory != nullptr && r + 1 < replicas.size() && context_.memory->due())
        RETURN_IF_ERROR(Keep(r + 1, {}));
    }
    return std::move(builder_).Take(context_.cohort);
  }

 private:
  // The replica that a killed process was in, with its state and what the replicas before gave; else the first.
  std::size_t Recall(std::size_t replicas) {
    if (context_.memory == nullptr) return 0;
    settings_.save_due = context_.memory->due;
    ByteReader reader(context_.memory->kept);
    const std::uint64_t replica = reader.U64();
    const ByteView state = reader.Enc();
    if (replica >= replicas || !builder_.Load(reader).ok()) return 0;
    settings_.resume = ToBytes(state);
    return replica;
  }

  Status Keep(std::size_t replica, const Bytes& state) const {
    ByteWriter writer;
    writer.U64(replica).Enc(state);
    builder_.Save(writer);
    return context_.memory->keep(writer.bytes());
  }

  Status TrainIn(const Replica& replica) {
    const std::vector<bool> trains = TrainsIn(replica, input_.cohort);
    if (CountTrue(trains) == 0) return {};
    ASSIGN_OR_RETURN(NetworkView view, ViewNetwork({input_.plan, input_.cohort, input_.before}, replica, landmarks_));
    if (context_.volumes == nullptr) DropVolumes(view.inputs);
    std::vector<PatientInput> inputs;
    for (std::size_t i = 0; i < trains.size(); ++i)
      if (trains[i]) inputs.push_back(std::move(view.inputs[i]));

    NetworkTask task{view.shape, std::move(view.map), input_.plan.precision, &input_.before.tensors, replica.prefix, {},
                     {}};
    task.trained = TrainedBlocks(view.shape, step_.stage);
    ASSIGN_OR_RETURN(task.weights, WeightsOf(input_, replica, view.shape));
    auto trained = Train(task, inputs, replica);
    if (!trained.ok() && trained.error().code == ErrorCode::kInvalidInput && !settings_.resume.empty()) {
      settings_.resume.clear();  // what was kept is of another program: from the start
      trained = Train(task, inputs, replica);
    }
    if (!trained.ok()) return trained.error();
    const NetworkUpdate& update = *trained;
    for (const auto& [block, patients] : update.patients)
      if (patients > 0) builder_.FillBlock(replica.prefix + block, Capped(patients));
    for (const auto& [name, delta] : update.delta)
      RETURN_IF_ERROR(builder_.Set(replica.prefix + name, delta.ToDoubles()));
    return replica.repeat == 0 ? SetLoss(view.shape, update) : Status();
  }

  Result<NetworkUpdate> Train(const NetworkTask& task, const std::vector<PatientInput>& inputs,
                              const Replica& replica) const {
    if (step_.stage == NetworkStage::kEncoder) {
      if (context_.volumes == nullptr || VolumesOf(inputs).empty()) return NetworkUpdate{};
      return PretrainEncoder(task, inputs, *context_.volumes, settings_);
    }
    TokenCache own;
    TokenCache& cache = context_.tokens == nullptr ? own : *context_.tokens;
    return TrainNetwork(task, inputs, {context_.volumes, &TokensFor(task.shape, input_.before, replica, cache)},
                        settings_);
  }

  // Of the head that predicts the step's endpoint, or of the encoder's own stage; in the full replica.
  Status SetLoss(const NetworkShape& shape, const NetworkUpdate& update) {
    if (step_.stage == NetworkStage::kEncoder) {
      const auto volumes = update.patients.find(shape.mri);
      if (volumes == update.patients.end() || volumes->second == 0) return {};
      builder_.FillBlock("loss", Capped(volumes->second));
      return builder_.Set("loss/" + step_.block, {update.loss_before.front()});
    }
    const Block* head = HeadOf(input_.plan, step_.endpoint);
    const auto found = std::ranges::find(shape.heads, head == nullptr ? "" : head->name, &HeadShape::name);
    if (found == shape.heads.end()) return {};
    const auto h = static_cast<std::size_t>(found - shape.heads.begin());
    if (update.labels[h] == 0) return {};
    builder_.FillBlock("loss", Capped(update.labels[h]));
    return builder_.Set("loss/" + step_.block, {update.loss_before[h]});
  }

  std::uint64_t Capped(std::size_t patients) const {
    return std::min<std::uint64_t>(patients, input_.plan.encoding.patient_cap);
  }

  const TaskInput& input_;
  const TrainStep& step_;
  TaskContext& context_;
  NetworkSettings settings_;
  const std::vector<double> landmarks_;  // by sample
  ContributionBuilder builder_;
};

}  // namespace

std::optional<bool> LabelOf(const Block& head, const Sample& sample) {
  if (head.target == HeadTarget::kPseudoProgression)
    return sample.suspicion ? sample.suspicion->pseudo : std::optional<bool>();
  const double label = sample.features[head.label];
  return std::isnan(label) ? std::optional<bool>() : label == 1.0;
}

std::vector<double> DrawLandmarks(const Plan& plan, const Cohort& cohort, std::uint64_t seed, const Digest& digest) {
  const std::vector<double>& landmarks = plan.endpoints.front().landmarks;
  SeededRandom random(Sha256(ByteWriter().Label("fl/landmarks/v1").U64(seed).Raw(digest).bytes()));
  std::vector<double> drawn;
  for (const Sample& sample : cohort.samples) {
    const auto at_risk = static_cast<std::uint64_t>(
        std::ranges::count_if(landmarks, [&sample](double landmark) { return landmark < sample.time_days; }));
    drawn.push_back(landmarks[UniformBelow(std::max<std::uint64_t>(at_risk, 1), random)]);
  }
  return drawn;
}

Result<NetworkView> ViewNetwork(const ScoredInput& input, const Replica& replica,
                                const std::vector<double>& landmarks) {
  NetworkView view;
  ASSIGN_OR_RETURN(view.shape, NetworkOf(input.plan, input.model.Header()));
  ASSIGN_OR_RETURN(view.map, MapOf(input, replica));
  RETURN_IF_ERROR(CheckInputMap(view.shape, view.map, input.cohort));
  ASSIGN_OR_RETURN(const std::set<std::string> untrained, UntrainedModalities(input));
  const auto hidden = [&untrained](std::string_view block) { return untrained.contains(std::string(block)); };
  for (std::size_t i = 0; i < input.cohort.samples.size(); ++i) {
    ASSIGN_OR_RETURN(PatientInput patient, InputOf(view.shape, view.map, input.cohort.samples[i], landmarks[i]));
    view.inputs.push_back(Without(view.shape, std::move(patient), hidden));
  }
  return view;
}

std::vector<double> CountLabels(const Plan& plan, const Replica& replica, const Cohort& cohort) {
  std::vector<double> labels;
  if (plan.Fusion() == nullptr) return labels;
  const std::vector<bool> trains = TrainsIn(replica, cohort);
  for (const Block& block : plan.blocks) {
    if (block.kind != BlockKind::kHead) continue;
    std::size_t count = 0;
    for (std::size_t i = 0; i < trains.size(); ++i) count += trains[i] && HasLabel(block, cohort.samples[i]);
    labels.push_back(static_cast<double>(count));
  }
  return labels;
}

Result<Scores> ScoreNetwork(const ScoredInput& input, const TaskContext& context, const Replica& replica,
                            const Block& head, std::size_t bins) {
  const std::vector<double> landmarks(input.cohort.samples.size(),
                                      input.landmark_days.value_or(input.plan.endpoints.front().landmarks.front()));
  ASSIGN_OR_RETURN(NetworkView view, ViewNetwork(input, replica, landmarks));
  if (context.volumes == nullptr) DropVolumes(view.inputs);
  const auto found = std::ranges::find(view.shape.heads, head.name, &HeadShape::name);
  if (found == view.shape.heads.end() || found->kind == HeadKind::kEmbedding)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("block \"{}\" predicts neither survival nor a label", head.name)};
  const auto h = static_cast<std::size_t>(found - view.shape.heads.begin());
  Scores scores{std::vector<double>(view.inputs.size()), Matrix(view.inputs.size(), bins)};
  if (view.inputs.empty()) return scores;
  ASSIGN_OR_RETURN(const NetworkPredictor predictor,
                   NetworkPredictor::Make(view.shape, input.plan.precision, input.model.tensors, replica.prefix,
                                          context.threads, context.device));
  TokenCache own;
  TokenCache& cache = context.tokens == nullptr ? own : *context.tokens;
  ASSIGN_OR_RETURN(
      const auto answers,
      predictor.Answers(view.inputs, {context.volumes, &TokensFor(view.shape, input.model, replica, cache)}, h));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (found->kind == HeadKind::kHazard) {
      std::ranges::copy(answers[i][h].logits, scores.logits.row(i).begin());
      scores.risk[i] = answers[i][h].logits.front();
    } else if (PredictsLabel(head)) {
      scores.risk[i] = scores.logits(i, 0) = answers[i][h].logits.front();
    } else {
      RETURN_IF_ERROR(PutCourse(answers[i][h], view.map.heads[h].cuts_days, view.inputs[i].landmark_day, i, scores));
    }
  }
  return scores;
}

Result<Contribution> TrainNetworkTask(const TaskInput& input, const TrainStep& step, TaskContext& context) {
  return NetworkTraining(input, step, context).Run();
}

}  // namespace fedtrial::site
