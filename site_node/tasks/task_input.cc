#include "site_node/tasks/task_input.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace fedtrial::site {
namespace {

Status CheckSample(const Plan& plan, const Sample& sample, std::size_t row) {
  if (sample.features.size() != plan.features.size())
    return Error{ErrorCode::kInvalidInput, fmt::format("cohort: patient {} has {} features, the plan {}", row,
                                                       sample.features.size(), plan.features.size())};
  if (std::ranges::any_of(sample.features, [](double value) { return std::isinf(value); }))
    return Error{ErrorCode::kInvalidInput, fmt::format("cohort: a feature of patient {} is infinite", row)};
  if (!std::isfinite(sample.time_days) || sample.time_days < 0.0)
    return Error{ErrorCode::kInvalidInput, fmt::format("cohort: the time of patient {} is not finite and >= 0", row)};
  if (sample.holds_out) return {};
  if (sample.folds.size() != plan.folds.repeats)
    return Error{ErrorCode::kInvalidInput, fmt::format("cohort: patient {} has folds of {} repeats, the plan {}", row,
                                                       sample.folds.size(), plan.folds.repeats)};
  for (const int fold : sample.folds)
    if (fold < 1 || fold > static_cast<int>(plan.folds.folds))
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("cohort: patient {} is in fold {}, wanted 1 to {}", row, fold, plan.folds.folds)};
  return {};
}

}  // namespace

Result<std::vector<double>> ModelValues(const Model& model, const std::string& name, std::size_t wanted) {
  ASSIGN_OR_RETURN(const Tensor* tensor, model.Find(name));
  if (tensor->size() != wanted)
    return Error{ErrorCode::kIntegrity, fmt::format("the model's tensor \"{}\" has {} values, the plan wants {}", name,
                                                    tensor->size(), wanted)};
  std::vector<double> values = tensor->ToDoubles();
  RETURN_IF_ERROR(CheckValues(fmt::format("the model's tensor \"{}\"", name), values, wanted));
  return values;
}

Status CheckCohort(const Plan& plan, const Cohort& cohort) {
  for (std::size_t i = 0; i < cohort.samples.size(); ++i) RETURN_IF_ERROR(CheckSample(plan, cohort.samples[i], i));
  return {};
}

Result<ReplicaModel> LoadReplica(const Plan& plan, const Model& model, const Replica& replica, const Block& block,
                                 std::size_t bins) {
  ReplicaModel loaded;
  ASSIGN_OR_RETURN(loaded.hazards.beta, ModelValues(model, BetaName(replica, block.name), block.features.size()));
  ASSIGN_OR_RETURN(loaded.hazards.intercepts, ModelValues(model, InterceptName(replica, block.name), bins));
  ASSIGN_OR_RETURN(const auto mean, ModelValues(model, MeanName(replica), plan.features.size()));
  ASSIGN_OR_RETURN(const auto deviation, ModelValues(model, DeviationName(replica), plan.features.size()));
  for (const std::size_t feature : block.features) {
    if (!(deviation[feature] > 0.0))
      return Error{ErrorCode::kInvalidInput, fmt::format("the model's deviation of {} is {}, wanted > 0",
                                                         plan.features[feature].name, deviation[feature])};
    loaded.scaling.mean.push_back(mean[feature]);
    loaded.scaling.deviation.push_back(deviation[feature]);
  }
  return loaded;
}

Result<double> TrainingPatients(const Model& model, const Replica& replica) {
  ASSIGN_OR_RETURN(const auto patients, ModelValues(model, PatientsName(replica), 1));
  if (!(patients[0] >= 1.0))
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the model's {} is {}, wanted >= 1", PatientsName(replica), patients[0])};
  return patients[0];
}

Result<Grid> GridOf(const Plan& plan, std::string_view endpoint, const Model& model) {
  const Endpoint* found = plan.FindEndpoint(endpoint);
  if (found == nullptr || found != &plan.endpoints.front())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("endpoint \"{}\": only the plan's first endpoint can be used", endpoint)};
  if (!found->cuts.empty()) return Grid::FromCuts(found->cuts);
  ASSIGN_OR_RETURN(const Tensor* cuts, model.Find(CutsName(endpoint)));
  return Grid::FromCuts(cuts->ToDoubles());
}

Matrix FeaturesOf(const Block& block, const Cohort& cohort) {
  Matrix raw(cohort.samples.size(), block.features.size());
  for (std::size_t i = 0; i < raw.rows; ++i)
    for (std::size_t j = 0; j < raw.cols; ++j) raw(i, j) = cohort.samples[i].features[block.features[j]];
  return raw;
}

std::vector<Outcome> OutcomesOf(const Cohort& cohort) {
  std::vector<Outcome> outcomes;
  outcomes.reserve(cohort.samples.size());
  for (const Sample& sample : cohort.samples) outcomes.push_back({sample.time_days, sample.event});
  return outcomes;
}

bool HasBlock(const Block& block, const Cohort& cohort) {
  return std::ranges::any_of(cohort.samples, [&](const Sample& sample) {
    return !sample.holds_out &&
           std::ranges::any_of(block.features, [&](std::size_t j) { return !std::isnan(sample.features[j]); });
  });
}

std::vector<bool> TrainsIn(const Replica& replica, const Cohort& cohort) {
  std::vector<bool> trains;
  trains.reserve(cohort.samples.size());
  for (const Sample& sample : cohort.samples) trains.push_back(replica.TrainsOn(sample.folds, sample.holds_out));
  return trains;
}

std::size_t CountTrue(const std::vector<bool>& values) {
  return static_cast<std::size_t>(std::ranges::count(values, true));
}

std::size_t UnseenReplica(const Plan& plan, const Block& block, const Sample& sample, std::size_t repeat) {
  if (RepeatsOf(plan, block) == 0) return 0;
  return 1 + repeat * plan.folds.folds + static_cast<std::size_t>(sample.folds[repeat]) - 1;
}

ContributionBuilder::ContributionBuilder(const Manifest& manifest) : manifest_(manifest) {
  for (std::size_t i = 0; i < manifest.tensors.size(); ++i) {
    tensors_.emplace(manifest.tensors[i].name, i);
    contribution_.tensors.push_back(Tensor::Zeros(manifest.tensors[i]));
  }
  for (const std::string& block : manifest.Blocks()) blocks_.emplace(block, blocks_.size());
  contribution_.blocks.resize(blocks_.size());
}

void ContributionBuilder::FillBlock(std::string_view block, std::uint64_t weight) {
  if (const auto found = blocks_.find(block); found != blocks_.end())
    contribution_.blocks[found->second] = {.weight = weight, .contributes = true};
}

Status ContributionBuilder::Set(std::string_view tensor, const std::vector<double>& values) {
  const auto found = tensors_.find(tensor);
  if (found == tensors_.end() || contribution_.tensors[found->second].size() != values.size())
    return Error{ErrorCode::kInternal,
                 fmt::format("the round has no tensor \"{}\" of {} values", tensor, values.size())};
  Tensor& into = contribution_.tensors[found->second];
  for (std::size_t i = 0; i < values.size(); ++i) into.set(i, values[i]);
  return {};
}

namespace {

std::span<const std::uint8_t> RawBytes(const Tensor& tensor) {
  return std::visit(
      [](const auto& values) {
        return std::span(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(values[0]));
      },
      tensor.values);
}

}  // namespace

void ContributionBuilder::Save(ByteWriter& writer) const {
  for (const auto& [name, index] : blocks_) {
    const Contribution::Block& block = contribution_.blocks[index];
    writer.U8(block.contributes ? 1 : 0).U64(block.weight);
    if (!block.contributes) continue;
    for (std::size_t t = 0; t < contribution_.tensors.size(); ++t)
      if (manifest_.tensors[t].block() == name) writer.Enc(RawBytes(contribution_.tensors[t]));
  }
}

Status ContributionBuilder::Load(ByteReader& reader) {
  std::vector<Contribution::Block> blocks(contribution_.blocks.size());
  std::vector<std::pair<std::size_t, ByteView>> values;
  for (const auto& [name, index] : blocks_) {
    blocks[index].contributes = reader.U8() != 0;
    blocks[index].weight = reader.U64();
    if (!blocks[index].contributes) continue;
    for (std::size_t t = 0; t < contribution_.tensors.size(); ++t)
      if (manifest_.tensors[t].block() == name) values.emplace_back(t, reader.Enc());
  }
  RETURN_IF_ERROR(reader.Finish("kept contribution"));
  for (const auto& [t, bytes] : values)
    if (bytes.size() != RawBytes(contribution_.tensors[t]).size())
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("kept contribution: \"{}\" has {} bytes, wanted {}", manifest_.tensors[t].name,
                               bytes.size(), RawBytes(contribution_.tensors[t]).size())};
  contribution_.blocks = std::move(blocks);
  for (const auto& [t, bytes] : values)
    std::visit([&bytes](auto& into) { std::memcpy(into.data(), bytes.data(), bytes.size()); },
               contribution_.tensors[t].values);
  return {};
}

Contribution ContributionBuilder::Take(const Digest& cohort) && {
  contribution_.cohort = cohort;
  return std::move(contribution_);
}

}  // namespace fedtrial::site
