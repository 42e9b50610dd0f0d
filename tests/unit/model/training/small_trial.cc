#include "tests/unit/model/training/small_trial.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "security/crypto/seeded_random.h"

namespace fedtrial {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

Scaling Units(std::size_t features) { return {std::vector<double>(features, 0.1), std::vector<double>(features, 1.5)}; }

// Evenly from 0 to 1 and normal, the same on every machine.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : random_(seed) {}
  double Uniform() { return static_cast<double>(UniformBelow(1u << 30, random_)) / (1u << 30); }
  double Normal() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }
  bool Chance(double share) { return Uniform() < share; }

 private:
  SeededRandom random_;
};

void AddVisits(Draws& draws, std::size_t panel, std::size_t analytes, std::size_t visits, Sample& sample) {
  for (std::size_t v = 0; v < visits; ++v) {
    PanelVisit visit{panel, -7.0 + 56.0 * static_cast<double>(v), {}};
    for (std::size_t a = 0; a < analytes; ++a)
      if (a == 0 || draws.Chance(0.7)) visit.values.push_back({a, draws.Normal(), draws.Chance(0.2)});
    sample.panel_visits.push_back(std::move(visit));
  }
}

Sample SmallPatient(Draws& draws, std::size_t number) {
  Sample sample;
  sample.key = fmt::format("p{}", number);
  for (int j = 0; j < 3; ++j) sample.features.push_back(draws.Chance(0.1) ? kMissing : draws.Normal());
  const bool methylated = draws.Chance(0.5), known = draws.Chance(0.7);
  sample.features.push_back(known ? (methylated ? 1.0 : 0.0) : kMissing);
  sample.features.push_back(known && draws.Chance(0.8) ? (methylated ? 60.0 : 5.0) : kMissing);
  sample.features.push_back(static_cast<double>(number % 2));
  const bool suspicious = draws.Chance(0.4);
  if (suspicious) sample.suspicion = Suspicion{54.0, draws.Chance(0.5)};
  const double risk = std::isnan(sample.features[0]) ? 0.0 : sample.features[0];
  sample.time_days = 20.0 - 150.0 * std::exp(-0.7 * risk) * std::log(1.0 - 0.999 * draws.Uniform());
  sample.event = draws.Chance(0.8);
  if (draws.Chance(0.8)) AddVisits(draws, 0, 3, 1 + number % 3, sample);
  if (draws.Chance(0.6)) AddVisits(draws, 1, 2, 2, sample);
  if (draws.Chance(0.8))
    for (const double day : {-3.0, 53.0})
      for (const MriSequence sequence : {MriSequence::kT1Contrast, MriSequence::kFlair})
        sample.volumes.push_back({sequence, day, fmt::format("p{} {} {}", number, day, ToString(sequence))});
  if (draws.Chance(0.85)) {
    Course course{.last_negative_day = 0.0, .recurrence_day = {}, .last_day = sample.time_days, .died = sample.event};
    if (draws.Chance(0.6)) {
      course.last_negative_day = std::floor(sample.time_days / 120.0) * 56.0;
      course.recurrence_day = std::min(course.last_negative_day + 56.0, sample.time_days);
      if (*course.recurrence_day <= course.last_negative_day) course.recurrence_day = course.last_negative_day + 1.0;
      course.last_day = std::max(course.last_day, *course.recurrence_day);
    }
    sample.course = course;
  }
  return sample;
}

}  // namespace

NetworkShape SmallShape() {
  NetworkShape shape;
  shape.sizes = {.width = 16,
                 .layers = 2,
                 .attention_heads = 2,
                 .feed_forward = 32,
                 .hidden = 8,
                 .embedding = 8,
                 .volume_channels = 2,
                 .channels = {8, 8, 16}};
  shape.statics = {{"clinical", 3}, {"mgmt", 2}, {"arm", 1, true}};
  shape.panels = {{"cytokine", 3}, {"methylome", 2}};
  shape.mri = "mri";
  shape.heads = {{"os", HeadKind::kHazard, 4, {}},
                 {"course", HeadKind::kIllnessDeath, 3, {}},
                 {"methylation", HeadKind::kMethylation, 0, {"mgmt", "methylome"}},
                 {"pseudo", HeadKind::kBinary, 0, {}},
                 {"profile", HeadKind::kEmbedding, 4, {}}};
  return shape;
}

InputMap SmallMap() {
  InputMap map;
  map.statics = {{{0, 1, 2}, Units(3)}, {{3, 4}, {{0.5, 30.0}, {0.5, 30.0}}}, {{5}, Units(1)}};
  map.panels = {{0, Units(3)}, {1, Units(2)}};
  map.heads.resize(5);
  map.heads[kOs].cuts_days = {80.0, 160.0, 240.0, 400.0};
  map.heads[kCourse].cuts_days = {56.0, 140.0, 420.0};
  map.heads[kMethyl].label = 3;
  map.heads[kMethyl].share = 4;
  map.heads[kPseudo].suspicion = true;
  map.heads[kProfile].cuts_days = map.heads[kOs].cuts_days;
  return map;
}

Cohort SmallCohort(std::size_t patients, std::uint64_t seed) {
  Cohort cohort;
  cohort.feature_names = {"age", "kps", "volume", "methylated", "share", "arm"};
  cohort.panels = {{"cytokine", {"IL-6", "IL-10", "TNF"}}, {"methylome", {"cg1", "cg2"}}};
  Draws draws(seed);
  for (std::size_t i = 0; i < patients; ++i) cohort.samples.push_back(SmallPatient(draws, i));
  return cohort;
}

std::map<std::string, Tensor> SmallModel(const NetworkShape& shape, ScalarType type, std::uint64_t seed, bool stirred) {
  SeededRandom random(seed);
  auto model = StartTensors(shape, type, random);
  EXPECT_TRUE(model.ok()) << (model.ok() ? "" : model.error().message);
  if (!model.ok()) return {};
  Draws draws(seed + 1);
  if (stirred)
    for (auto& [name, tensor] : *model)
      for (std::size_t i = 0; i < tensor.size(); ++i) tensor.set(i, tensor.at(i) + 0.25 * draws.Normal());
  return *model;
}

Result<Volume> RuleVolumes::Load(const VolumeId& id) const {
  ++loaded;
  std::uint64_t seed = 0;
  for (const char c : id.key) seed = seed * 31 + static_cast<unsigned char>(c);
  Draws draws(seed);
  Volume volume{{16, 16, 16}, std::vector<float>(4096), {}};
  const double phase = draws.Uniform(), scale = 0.2 + draws.Uniform();
  for (std::size_t i = 0; i < volume.image.size(); ++i)
    volume.image[i] = static_cast<float>(std::sin(6.0 * phase + scale * static_cast<double>(i % 16)) +
                                         std::cos(scale * static_cast<double>(i / 256)));
  if (seed % 3 != 0) {
    volume.lesion.assign(4096, 0.0f);
    for (std::size_t i = 2000; i < 2200; ++i) volume.lesion[i] = 1.0f;
  }
  return volume;
}

std::vector<PatientInput> InputsOf(const NetworkShape& shape, const InputMap& map, const Cohort& cohort,
                                   double landmark_day) {
  const Status fits = CheckInputMap(shape, map, cohort);
  EXPECT_TRUE(fits.ok()) << (fits.ok() ? "" : fits.error().message);
  std::vector<PatientInput> inputs;
  for (const Sample& sample : cohort.samples) {
    auto input = InputOf(shape, map, sample, landmark_day);
    EXPECT_TRUE(input.ok()) << (input.ok() ? "" : input.error().message);
    if (input.ok()) inputs.push_back(std::move(*input));
  }
  return inputs;
}

NetworkTask TaskOf(const NetworkShape& shape, const InputMap& map, const std::map<std::string, Tensor>& model,
                   std::span<const PatientInput> inputs) {
  NetworkTask task;
  task.shape = shape;
  task.map = map;
  task.precision = model.begin()->second.type();
  task.model = &model;
  for (const std::string& block : NetworkBlocks(shape)) task.trained.insert(block);
  task.weights.patients = static_cast<double>(PatientsPerBlock(shape, inputs, false).at(shape.fusion));
  for (const std::size_t labels : LabelsPerHead(shape, inputs))
    task.weights.labels.push_back(static_cast<double>(labels));
  for (const HeadShape& head : shape.heads) task.weights.weight.push_back(DefaultWeight(head.kind));
  return task;
}

}  // namespace fedtrial
