#include "tests/bench/network/training.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>

#include "common/base/random.h"
#include "model/training/network_trainer.h"
#include "model/training/pretraining.h"
#include "security/crypto/seeded_random.h"

namespace fedtrial::bench {
namespace {

constexpr std::size_t kBins = 12, kBatchPatients = 8;
constexpr double kBinDays = 56.0;
const std::array<std::size_t, 2> kFeatures = {11, 5};  // of the two tables
const std::array<std::size_t, 2> kAnalytes = {12, 8};  // of the two panels

NetworkShape ShapeOf(const std::string& preset) {
  NetworkShape shape;
  shape.sizes = SizesOf(preset);
  for (std::size_t t = 0; t < kFeatures.size(); ++t) shape.statics.push_back({fmt::format("table{}", t), kFeatures[t]});
  for (std::size_t p = 0; p < kAnalytes.size(); ++p) shape.panels.push_back({fmt::format("panel{}", p), kAnalytes[p]});
  shape.mri = "mri";
  shape.pretrains = true;
  shape.heads.push_back({"survival", HeadKind::kHazard, kBins, {}});
  return shape;
}

// Between -1 and 1, from places alone.
double Wave(std::size_t a, std::size_t b) {
  return std::sin(1.7 * static_cast<double>(a) + 0.9 * static_cast<double>(b));
}

PatientInput PatientOf(std::size_t i) {
  PatientInput patient;
  for (const std::size_t features : kFeatures) {
    PatientInput::Statics statics;
    for (std::size_t j = 0; j < features; ++j) {
      statics.values.push_back(Wave(i, j));
      statics.measured.push_back(true);
    }
    patient.statics.push_back(std::move(statics));
  }
  for (const std::size_t analytes : kAnalytes) {
    std::vector<PanelInput> visits;
    for (std::size_t visit = 0; visit < 4; ++visit) {
      PanelInput input;
      input.day = 28.0 * static_cast<double>(visit);
      for (std::size_t a = 0; a < analytes; ++a) {
        PanelInput::Value value;
        value.analyte = a;
        value.value = Wave(i + visit, a);
        value.change = value.value - Wave(i, a);
        input.values.push_back(value);
      }
      visits.push_back(std::move(input));
    }
    patient.panels.push_back(std::move(visits));
  }
  for (std::size_t v = 0; v < kVolumesOfPatient; ++v)
    patient.volumes.push_back({static_cast<MriSequence>(v % kMriSequences),
                               56.0 * static_cast<double>(v / kMriSequences), fmt::format("{}/{}", i, v)});
  patient.landmark_day = 168.0;
  patient.heads.resize(1);
  patient.heads[0].target = GridPlace{1 + i % kBins, i % 4 != 0};
  return patient;
}

NetworkTask TaskOf(const NetworkShape& shape, const std::map<std::string, Tensor>& model, std::size_t patients) {
  NetworkTask task;
  task.shape = shape;
  InputMap::Head head;
  for (std::size_t k = 1; k <= kBins; ++k) head.cuts_days.push_back(kBinDays * static_cast<double>(k));
  task.map.heads.push_back(std::move(head));
  task.model = &model;
  task.weights = {static_cast<double>(patients), {static_cast<double>(patients)}, {1.0}, {}};
  return task;
}

NetworkSettings SettingsOf(std::size_t batch) {
  NetworkSettings settings;
  settings.batch = batch;
  settings.threads = 1;
  settings.seed = 1;
  return settings;
}

}  // namespace

NetworkSizes SizesOf(const std::string& preset) {
  return preset == "tiny" ? NetworkSizes::Tiny() : NetworkSizes::Small();
}

// One volume with its lesion, whatever the key.
class BenchSite::Volumes : public VolumeSource {
 public:
  explicit Volumes(std::size_t side) {
    volume_.size = {side, side, side};
    const std::size_t voxels = side * side * side;
    for (std::size_t v = 0; v < voxels; ++v) {
      volume_.image.push_back(static_cast<float>(Wave(v, v / side)));
      volume_.lesion.push_back(v % side < side / 4 ? 1.0f : 0.0f);
    }
  }
  Result<Volume> Load(const VolumeId&) const override { return volume_; }

 private:
  Volume volume_;
};

BenchSite::BenchSite(const std::string& preset, std::size_t side, std::size_t patients)
    : shape_(ShapeOf(preset)), side_(side), volumes_(std::make_unique<Volumes>(side)) {
  SeededRandom random(1);
  model_ = Must(StartTensors(shape_, ScalarType::kFloat32, random));
  for (std::size_t i = 0; i < patients; ++i) inputs_.push_back(PatientOf(i));
  for (const PatientInput& patient : inputs_)
    for (const VolumeId& volume : patient.volumes)
      for (std::size_t j = 0; j < shape_.sizes.width; ++j)
        tokens_[volume.key].token.push_back(Wave(j, volume.key.size()));
}

BenchSite::~BenchSite() = default;

double BenchSite::EncoderStep(Clock clock) const {
  NetworkTask task = TaskOf(shape_, model_, 1);
  task.trained = {shape_.mri, DecoderBlock(shape_.mri)};
  PatientInput patient = inputs_.front();  // of two batches
  patient.volumes.resize(2 * kBatchVolumes);
  NetworkSettings settings = SettingsOf(kBatchVolumes);
  const Stopwatch watch(clock);
  std::vector<double> ends;
  settings.on_way = [&](double) { ends.push_back(watch.Seconds()); };
  Must(PretrainEncoder(task, {&patient, 1}, *volumes_, settings));
  return ends.at(1) - ends.at(0);
}

double BenchSite::HeadsEpoch(Clock clock) const {
  NetworkTask task = TaskOf(shape_, model_, inputs_.size());
  for (const std::string& block : NetworkBlocks(shape_))
    if (block != shape_.mri && block != DecoderBlock(shape_.mri)) task.trained.insert(block);
  return SecondsOf(clock, [&] {
    Must(TrainNetwork(task, inputs_, {.source = nullptr, .tokens = &tokens_}, SettingsOf(kBatchPatients)));
  });
}

}  // namespace fedtrial::bench
