#include "model/training/network_inputs.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

namespace fedtrial {
namespace {

constexpr double kDaysAWeek = 7.0;

int64_t Size(std::size_t size) { return static_cast<int64_t>(size); }

// What each token of a patient is and who sees it, in the order of NetworkBatch.
class Tokens {
 public:
  Tokens(const NetworkShape& shape, std::size_t patients) : shape_(shape), patients_(patients) {}

  void Add(bool valid, const std::vector<bool>& seen) {
    valid_.push_back(valid ? 1 : 0);
    for (const bool each : seen) visible_.push_back(each ? 1.0 : 0.0);
  }
  // Visits of a modality, padded to `slots`, then the token that says there is none to those heads that see no visit.
  template <typename Visit>
  void AddVisits(const std::string& block, const PatientInput& input, const std::vector<Visit>& visits,
                 std::size_t slots) {
    const std::size_t heads = shape_.heads.size();
    std::vector<bool> none(heads);
    for (std::size_t h = 0; h < heads; ++h) none[h] = !Hides(shape_.heads[h], block);
    for (const Visit& visit : visits) {
      std::vector<bool> seen(heads);
      for (std::size_t h = 0; h < heads; ++h) {
        const auto& last = input.heads[h].last_day;
        seen[h] = !Hides(shape_.heads[h], block) && (!last || visit.day <= *last);
        if (seen[h]) none[h] = false;
      }
      Add(true, seen);
    }
    for (std::size_t v = visits.size(); v < slots; ++v) Add(false, std::vector<bool>(heads, false));
    Add(visits.empty() || std::ranges::find(none, true) != none.end(), none);
  }
  void Store(NetworkBatch& batch, const at::TensorOptions& options) const {
    const int64_t patients = Size(patients_), heads = Size(shape_.heads.size());
    const int64_t tokens = Size(valid_.size()) / patients;
    batch.valid = IndicesOf(valid_, {patients, tokens}, options).to(at::kBool);
    batch.visible = TensorOf(visible_, {patients, tokens, heads}, options);
  }

 private:
  const NetworkShape& shape_;
  std::size_t patients_;
  std::vector<int64_t> valid_;
  std::vector<double> visible_;
};

// Slots for visits: at least one, so that no tensor is empty.
template <typename VisitsOf>
std::size_t Slots(std::span<const PatientInput> inputs, VisitsOf&& visits_of) {
  std::size_t slots = 1;
  for (const PatientInput& input : inputs) slots = std::max(slots, visits_of(input).size());
  return slots;
}

NetworkBatch::Statics CollateStatics(std::span<const PatientInput> inputs, std::size_t s, std::size_t features,
                                     const at::TensorOptions& options) {
  std::vector<double> values, mask, present;
  for (const PatientInput& input : inputs) {
    const PatientInput::Statics& statics = input.statics[s];
    values.insert(values.end(), statics.values.begin(), statics.values.end());
    for (const bool measured : statics.measured) mask.push_back(measured ? 1.0 : 0.0);
    present.push_back(statics.present() ? 1.0 : 0.0);
  }
  const int64_t rows = Size(inputs.size()), columns = Size(features);
  return {TensorOf(values, {rows, columns}, options), TensorOf(mask, {rows, columns}, options),
          TensorOf(present, {rows, 1}, options)};
}

NetworkBatch::Panel CollatePanel(std::span<const PatientInput> inputs, std::size_t p, std::size_t analytes,
                                 std::size_t slots, const at::TensorOptions& options) {
  std::vector<double> values(inputs.size() * slots * analytes * 3), measured(inputs.size() * slots * analytes),
      weeks(inputs.size() * slots);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto& visits = inputs[i].panels[p];
    for (std::size_t v = 0; v < visits.size(); ++v) {
      const std::size_t slot = i * slots + v;
      weeks[slot] = visits[v].day / kDaysAWeek;
      for (const PanelInput::Value& each : visits[v].values) {
        const std::size_t place = slot * analytes + each.analyte;
        measured[place] = 1.0;
        values[3 * place] = each.value;
        values[3 * place + 1] = each.change;
        values[3 * place + 2] = each.below_detection ? 1.0 : 0.0;
      }
    }
  }
  const int64_t rows = Size(inputs.size()), visits = Size(slots), columns = Size(analytes);
  return {TensorOf(values, {rows, visits, columns, 3}, options), TensorOf(measured, {rows, visits, columns}, options),
          TensorOf(weeks, {rows, visits}, options)};
}

// What is smaller costs more under the same ridge. Chosen on simulated slopes, interactions and lesions, and so that
// pbcseq stays above the last values alone.
constexpr double kTrendScale = 6.0, kLesionScale = 2.0, kGrowthScale = 0.5, kProductScale = 0.5;
constexpr double kTrendDays = 56.0;

// How fast a value rises in eight weeks: the least-squares slope of a patient's visits, pulled to 0 as if noise and
// true slopes had the same variance (the random slope of Laird & Ware 1982, Biometrics 38:963, section 3). A day
// late on tells more than one early on, and coefficients mean the same at every landmark.
class Trend {
 public:
  void Add(double day, double value) {
    const double time = day / kTrendDays, step = time - mean_time_, before = value - mean_value_;
    count_ += 1.0;
    mean_time_ += step / count_;
    mean_value_ += before / count_;
    times_ += step * (time - mean_time_);
    both_ += step * (value - mean_value_);
  }
  double Slope() const { return both_ / (times_ + 1.0); }

 private:
  double count_ = 0.0, mean_time_ = 0.0, mean_value_ = 0.0;
  double times_ = 0.0, both_ = 0.0;  // centred sums of squares and of products
};

// The last value of each analyte that a head may see, then how fast each rises.
std::vector<double> LatestValues(const PatientInput& input, std::size_t panel, std::size_t analytes, std::size_t head) {
  const auto& last = input.heads[head].last_day;
  std::vector<double> values(2 * analytes);
  std::vector<Trend> trends(analytes);
  for (const PanelInput& visit : input.panels[panel]) {
    if (last && !(visit.day <= *last)) continue;
    for (const PanelInput::Value& each : visit.values) {
      values[each.analyte] = each.value;
      trends[each.analyte].Add(visit.day, each.value);
    }
  }
  for (std::size_t a = 0; a < analytes; ++a) values[analytes + a] = kTrendScale * trends[a].Slope();
  return values;
}

// The figures of a patient's lesion that a head may see (kLesionInputs): the latest, and how much it grew.
std::vector<double> LatestLesion(const PatientInput& input, const VolumeTokens& seen, std::size_t head) {
  const auto& last = input.heads[head].last_day;
  std::vector<double> values(kLesionInputs);
  std::optional<double> first;
  for (const VolumeId& volume : input.volumes) {
    if (last && !(volume.day <= *last)) continue;
    values[0] = 1.0;
    const auto found = seen.find(volume.key);
    if (found == seen.end() || !found->second.lesion) continue;
    const LesionFigures& lesion = *found->second.lesion;
    if (!first) first = lesion.size;
    values[1] = kLesionScale * lesion.size;
    values[2] = kGrowthScale * (lesion.size - *first);
    const std::size_t place = 2 + LesionPlace(volume.sequence);
    values[place] = kLesionScale * lesion.mean;
    values[place + 1] = kLesionScale * lesion.deviation;
  }
  return values;
}

// What the linear skips of one head read of one patient: LinearInputs.
void AddLinear(const NetworkShape& shape, const PatientInput& input, const VolumeTokens& seen, std::size_t h,
               std::vector<double>& all) {
  const HeadShape& head = shape.heads[h];
  std::vector<double> treatment;
  for (std::size_t s = 0; s < shape.statics.size(); ++s)
    if (shape.statics[s].treatment && !Hides(head, shape.statics[s].name))
      treatment.insert(treatment.end(), input.statics[s].values.begin(), input.statics[s].values.end());
  const auto add = [&](const std::vector<double>& values, std::size_t multiplied) {
    all.insert(all.end(), values.begin(), values.end());
    for (const double given : treatment)
      for (std::size_t k = 0; k < multiplied; ++k) all.push_back(kProductScale * given * values[k]);
  };
  for (std::size_t s = 0; s < shape.statics.size(); ++s)
    if (!Hides(head, shape.statics[s].name))
      add(input.statics[s].values, shape.statics[s].treatment ? 0 : shape.statics[s].features);
  for (std::size_t p = 0; p < shape.panels.size(); ++p)
    if (const std::size_t analytes = shape.panels[p].analytes; !Hides(head, shape.panels[p].name))
      add(LatestValues(input, p, analytes, h), analytes);
  if (!shape.mri.empty() && !Hides(head, shape.mri)) add(LatestLesion(input, seen, h), kLesionInputs);
}

// `centre` as Network::LesionCentre.
std::optional<LesionFigures> AboutCentre(std::optional<LesionFigures> lesion, MriSequence sequence,
                                         const at::Tensor& centre) {
  if (!lesion) return lesion;
  const double* values = centre.data_ptr<double>();
  const std::size_t place = LesionPlace(sequence);
  return LesionFigures{lesion->size - values[0], lesion->mean - values[place], lesion->deviation - values[place + 1]};
}

NetworkBatch::Images CollateImages(std::span<const PatientInput> inputs, std::size_t slots,
                                   const at::TensorOptions& options) {
  std::vector<int64_t> place, sequence(inputs.size() * slots);
  std::vector<double> weeks(inputs.size() * slots);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t v = 0; v < inputs[i].volumes.size(); ++v) {
      const std::size_t slot = i * slots + v;
      place.push_back(Size(slot));
      sequence[slot] = static_cast<int64_t>(inputs[i].volumes[v].sequence);
      weeks[slot] = inputs[i].volumes[v].day / kDaysAWeek;
    }
  const int64_t rows = Size(inputs.size()), visits = Size(slots);
  return {.embeddings = {},
          .place = IndicesOf(place, {Size(place.size())}, options),
          .sequence = IndicesOf(sequence, {rows, visits}, options),
          .weeks = TensorOf(weeks, {rows, visits}, options)};
}

Status CheckVolume(const Volume& volume, const Volume& first, const NetworkSizes& sizes) {
  const auto wrong = [](std::string what) { return Error{ErrorCode::kInvalidInput, "volume: " + std::move(what)}; };
  const std::size_t step = std::size_t{1} << sizes.channels.size();
  const auto [x, y, z] = volume.size;
  if (volume.size != first.size)
    return wrong(fmt::format("{} x {} x {} voxels, the first has {} x {} x {}", x, y, z, first.size[0], first.size[1],
                             first.size[2]));
  for (const std::size_t side : volume.size)
    if (side == 0 || side % step != 0 || side > 1024)
      return wrong(fmt::format("a side of {} voxels, wanted a multiple of {} up to 1024", side, step));
  const std::size_t voxels = x * y * z;
  if (volume.image.size() != voxels) return wrong(fmt::format("{} values for {} voxels", volume.image.size(), voxels));
  if (!volume.lesion.empty() && volume.lesion.size() != voxels)
    return wrong(fmt::format("{} values of the lesion for {} voxels", volume.lesion.size(), voxels));
  return {};
}

}  // namespace

at::Tensor TensorOf(const std::vector<double>& values, at::IntArrayRef shape, const at::TensorOptions& options) {
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(at::kDouble));
  std::ranges::copy(values, tensor.data_ptr<double>());
  return tensor.to(options);
}

at::Tensor IndicesOf(const std::vector<int64_t>& values, at::IntArrayRef shape, const at::TensorOptions& options) {
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(at::kLong));
  std::ranges::copy(values, tensor.data_ptr<int64_t>());
  return tensor.to(options.device());
}

std::vector<at::Tensor> CollateLinear(const NetworkShape& shape, std::span<const PatientInput> inputs,
                                      const VolumeTokens& seen, const at::TensorOptions& options) {
  std::vector<at::Tensor> linear;
  for (std::size_t h = 0; h < shape.heads.size(); ++h) {
    std::vector<double> values;
    for (const PatientInput& input : inputs) AddLinear(shape, input, seen, h, values);
    const int64_t rows = Size(inputs.size());
    linear.push_back(TensorOf(values, {rows, Size(values.size()) / rows}, options));
  }
  return linear;
}

NetworkBatch Collate(const NetworkShape& shape, std::span<const PatientInput> inputs, const VolumeTokens& seen,
                     const at::TensorOptions& options) {
  NetworkBatch batch;
  std::vector<std::size_t> slots;
  for (std::size_t s = 0; s < shape.statics.size(); ++s)
    batch.statics.push_back(CollateStatics(inputs, s, shape.statics[s].features, options));
  for (std::size_t p = 0; p < shape.panels.size(); ++p) {
    slots.push_back(Slots(
        inputs, [p](const PatientInput& input) -> auto& { return input.panels[p]; }));
    batch.panels.push_back(CollatePanel(inputs, p, shape.panels[p].analytes, slots.back(), options));
  }
  const std::size_t volumes = Slots(
      inputs, [](const PatientInput& input) -> auto& { return input.volumes; });
  if (!shape.mri.empty()) batch.images = CollateImages(inputs, volumes, options);
  Tokens tokens(shape, inputs.size());
  std::vector<double> landmark;
  for (const PatientInput& input : inputs) {
    for (const PatientInput::Head& head : input.heads)
      landmark.push_back(head.last_day.value_or(input.landmark_day) / kDaysAWeek);
    for (const StaticShape& block : shape.statics) {
      std::vector<bool> seen;
      for (const HeadShape& head : shape.heads) seen.push_back(!Hides(head, block.name));
      tokens.Add(true, seen);
    }
    for (std::size_t p = 0; p < shape.panels.size(); ++p)
      tokens.AddVisits(shape.panels[p].name, input, input.panels[p], slots[p]);
    if (!shape.mri.empty()) tokens.AddVisits(shape.mri, input, input.volumes, volumes);
  }
  tokens.Store(batch, options);
  batch.linear = CollateLinear(shape, inputs, seen, options);
  batch.landmark_weeks = TensorOf(landmark, {Size(inputs.size()), Size(shape.heads.size())}, options);
  return batch;
}

std::vector<VolumeId> VolumesOf(std::span<const PatientInput> inputs) {
  std::vector<VolumeId> ids;
  for (const PatientInput& input : inputs) ids.insert(ids.end(), input.volumes.begin(), input.volumes.end());
  return ids;
}

Result<VolumeStack> LoadVolumes(const NetworkSizes& sizes, const VolumeSource& source, std::span<const VolumeId> ids,
                                const at::TensorOptions& options) {
  std::vector<Volume> volumes;
  for (const VolumeId& id : ids) {
    ASSIGN_OR_RETURN(Volume volume, source.Load(id));
    volumes.push_back(std::move(volume));
    RETURN_IF_ERROR(CheckVolume(volumes.back(), volumes.front(), sizes));
  }
  const auto [x, y, z] = volumes.front().size;
  const std::size_t voxels = x * y * z, channels = sizes.volume_channels;
  at::Tensor stack = at::zeros({Size(ids.size()), Size(channels), Size(z), Size(y), Size(x)});
  std::vector<double> no_lesion;
  float* out = stack.data_ptr<float>();
  for (const Volume& volume : volumes) {
    std::ranges::copy(volume.image, out);
    if (channels == 2) std::ranges::copy(volume.lesion, out + voxels);
    no_lesion.push_back(volume.lesion.empty() ? 1.0 : 0.0);
    out += channels * voxels;
  }
  VolumeStack result{stack.to(options), {}, {}};
  for (const Volume& volume : volumes) result.lesions.push_back(FiguresOf(volume));
  if (channels == 2) result.no_lesion = TensorOf(no_lesion, {Size(ids.size()), 1}, options);
  return result;
}

Status AddVolumeTokens(const Network& network, const VolumeSource& source, std::span<const VolumeId> ids,
                       const at::TensorOptions& options, VolumeTokens& tokens) {
  const at::NoGradGuard no_grad;
  if (ids.empty()) return {};
  const at::Tensor centre = network.LesionCentre().to(at::kCPU, at::kDouble);
  for (const VolumeId& id : ids) {
    if (tokens.contains(id.key)) continue;
    ASSIGN_OR_RETURN(const VolumeStack stack, LoadVolumes(network.shape().sizes, source, std::span(&id, 1), options));
    const at::Tensor token =
        network.EncodeVolumes(stack.volumes, stack.no_lesion).to(at::kCPU, at::kDouble).contiguous();
    const double* values = token.data_ptr<double>();
    tokens.emplace(
        id.key, SeenVolume{{values, values + token.numel()}, AboutCentre(stack.lesions.front(), id.sequence, centre)});
  }
  return {};
}

NetworkBatch CollateWithTokens(const NetworkShape& shape, std::span<const PatientInput> inputs,
                               const VolumeTokens& tokens, const at::TensorOptions& options) {
  NetworkBatch batch = Collate(shape, inputs, tokens, options);
  if (shape.mri.empty()) return batch;
  const std::vector<VolumeId> ids = VolumesOf(inputs);
  std::vector<double> values;
  for (const VolumeId& id : ids) {
    const std::vector<double>& token = tokens.at(id.key).token;
    values.insert(values.end(), token.begin(), token.end());
  }
  batch.images.embeddings = TensorOf(values, {Size(ids.size()), Size(shape.sizes.width)}, options);
  return batch;
}

}  // namespace fedtrial
