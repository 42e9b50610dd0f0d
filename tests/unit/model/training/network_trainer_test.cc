#include "model/training/network_trainer.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/nets/parameters.h"
#include "model/training/local_trainer.h"
#include "model/training/network_inputs.h"
#include "model/training/pretraining.h"
#include "tests/unit/model/training/small_trial.h"

namespace fedtrial {
namespace {

using ::testing::HasSubstr;

NetworkSettings QuietSettings() {
  NetworkSettings settings;
  settings.dropout = 0.0;
  settings.input_dropout = {0.0, 0.0};
  return settings;
}

NetworkUpdate Trained(const NetworkTask& task, std::span<const PatientInput> inputs, const ImageInputs& images,
                      const NetworkSettings& settings) {
  auto update = TrainNetwork(task, inputs, images, settings);
  EXPECT_TRUE(update.ok()) << (update.ok() ? "" : update.error().message);
  return update.ok() ? *update : NetworkUpdate{};
}

double Largest(const Tensor& tensor) {
  double largest = 0.0;
  for (const double value : tensor.ToDoubles()) largest = std::max(largest, std::abs(value));
  return largest;
}

double LargestOfBlock(const NetworkUpdate& update, std::string_view block) {
  double largest = 0.0;
  for (const auto& [name, delta] : update.delta)
    if (TensorSpec{name, {}, {}}.block() == block) largest = std::max(largest, Largest(delta));
  return largest;
}

double LargestDifference(const NetworkUpdate& a, const NetworkUpdate& b) {
  double largest = 0.0;
  EXPECT_EQ(a.delta.size(), b.delta.size());
  for (const auto& [name, delta] : a.delta) {
    const std::vector<double> mine = delta.ToDoubles(), other = b.delta.at(name).ToDoubles();
    for (std::size_t i = 0; i < mine.size(); ++i) largest = std::max(largest, std::abs(mine[i] - other[i]));
  }
  return largest;
}

// Everything at once: panels, images, five heads, float32.
class NetworkTrainer : public ::testing::Test {
 protected:
  NetworkShape shape_ = SmallShape();
  InputMap map_ = SmallMap();
  RuleVolumes volumes_;
  std::map<std::string, Tensor> model_ = SmallModel(shape_, ScalarType::kFloat32, 1, true);
  std::vector<PatientInput> inputs_ = InputsOf(shape_, map_, SmallCohort(12, 21), 56.0);
  NetworkTask task_ = TaskOf(shape_, map_, model_, inputs_);
  ImageInputs images_{&volumes_, nullptr};
};

// One linear block, no token worth a word: what is left is the linear model.
TEST(NetworkLinearSkip, AloneIsTheLinearModelStepByStep) {
  NetworkShape shape = SmallShape();
  shape.statics = {{"clinical", 3}};
  shape.panels.clear();
  shape.mri.clear();
  shape.heads = {{"os", HeadKind::kHazard, 4, {}}};
  InputMap map;
  map.statics = {SmallMap().statics[0]};
  map.heads = {SmallMap().heads[kOs]};
  const Cohort cohort = SmallCohort(30, 3);
  const auto inputs = InputsOf(shape, map, cohort, 0.0);
  auto model = SmallModel(shape, ScalarType::kFloat64, 2, false);
  for (std::size_t k = 0; k < 4; ++k) model.at("os/intercept").set(k, -1.0 - 0.1 * static_cast<double>(k));
  NetworkTask task = TaskOf(shape, map, model, inputs);
  task.weights.patients = task.weights.labels[0] = 90.0;
  NetworkSettings settings = QuietSettings();
  settings.rates = {.rate = 0.0, .linear_rate = 0.2};
  settings.epochs = 3;
  settings.batch = 8;
  settings.ridge = 12.0;
  settings.seed = 4;
  const NetworkUpdate network = Trained(task, inputs, {}, settings);

  TrainingData data{Matrix(30, 3), {}};
  for (std::size_t i = 0; i < 30; ++i) {
    std::copy_n(cohort.samples[i].features.begin(), 3, data.raw.row(i).begin());
    data.places.push_back(std::get<GridPlace>(inputs[i].heads[0].target));
  }
  const ReplicaTask replica{
      {{-1.0, -1.1, -1.2, -1.3}, {0.0, 0.0, 0.0}}, map.statics[0].scaling, 90.0, std::vector<bool>(30, true)};
  TrainingSettings linear;
  linear.local = {.steps = 12, .batch = 8, .rate = 0.2, .ridge = 12.0};
  linear.seed = 4;
  const auto wanted = TrainReplicas(data, std::vector{replica}, linear);
  ASSERT_TRUE(wanted.ok());
  EXPECT_NEAR(network.loss_before[0], wanted->front().loss_before, 1e-12);
  for (std::size_t j = 0; j < 3; ++j)
    EXPECT_NEAR(network.delta.at("os.clinical/beta").at(j), wanted->front().delta.beta[j], 1e-12);
  for (std::size_t k = 0; k < 4; ++k)
    EXPECT_NEAR(network.delta.at("os/intercept").at(k), wanted->front().delta.intercepts[k], 1e-12);
  EXPECT_EQ(LargestOfBlock(network, "fusion"), 0.0);
}

// Two hospitals, of which one has no cytokines at all, against both in one: each skip by who has its modality.
TEST(NetworkLinearSkip, OfAModalityThatOneSiteLacksMovesAsIfAllPatientsWereAtOneSite) {
  NetworkShape shape = SmallShape();
  shape.mri.clear();
  shape.heads.resize(1);
  InputMap map = SmallMap();
  map.heads.resize(1);
  auto inputs = InputsOf(shape, map, SmallCohort(20, 5), 56.0);
  constexpr std::size_t kFirst = 12;
  for (std::size_t i = kFirst; i < inputs.size(); ++i) inputs[i].panels[0].clear();
  const auto model = SmallModel(shape, ScalarType::kFloat64, 6, true);
  NetworkTask task = TaskOf(shape, map, model, inputs);
  const auto all = PatientsPerBlock(shape, inputs, false);
  for (const char* modality : {"clinical", "cytokine"})
    task.weights.coverage[modality] =
        static_cast<double>(all.at(std::string("os.") + modality)) / task.weights.labels[0];
  NetworkSettings settings = QuietSettings();
  settings.rates.linear_rate = 0.2;
  settings.ridge = 12.0;
  const NetworkUpdate together = Trained(task, inputs, {}, settings);
  const NetworkUpdate one = Trained(task, std::span(inputs).first(kFirst), {}, settings);
  const NetworkUpdate other = Trained(task, std::span(inputs).subspan(kFirst), {}, settings);
  ASSERT_LT(task.weights.coverage["cytokine"], 0.7);
  EXPECT_EQ(other.patients.at("os.cytokine"), 0u);
  for (const char* skip : {"os.clinical", "os.cytokine"}) {
    SCOPED_TRACE(skip);
    const std::string name = std::string(skip) + "/beta";
    const auto here = static_cast<double>(one.patients.at(skip)), there = static_cast<double>(other.patients.at(skip));
    for (std::size_t j = 0; j < together.delta.at(name).size(); ++j)
      EXPECT_NEAR((here * one.delta.at(name).at(j) + there * other.delta.at(name).at(j)) / (here + there),
                  together.delta.at(name).at(j), 1e-12);
  }
}

TEST_F(NetworkTrainer, MovesEveryBlockThatItsPatientsFill) {
  NetworkSettings settings;
  settings.epochs = 4;
  settings.batch = 6;
  const NetworkUpdate update = Trained(task_, inputs_, images_, settings);
  std::size_t tensors = 0;
  for (const auto& [name, tensor] : model_) {
    ASSERT_TRUE(update.delta.contains(name)) << name;
    EXPECT_EQ(update.delta.at(name).shape, tensor.shape);
    ++tensors;
  }
  EXPECT_EQ(update.delta.size(), tensors);
  for (const std::string& block : NetworkBlocks(shape_)) {
    ASSERT_TRUE(update.patients.contains(block)) << block;
    if (block == "arm.missing") continue;
    EXPECT_GT(update.patients.at(block), 0u) << block;
    if (!block.ends_with(".missing")) {
      EXPECT_GT(LargestOfBlock(update, block), 0.0) << block;
    }
  }
  for (std::size_t h = 0; h < shape_.heads.size(); ++h) EXPECT_GT(update.loss_before[h], 0.0);
}

TEST_F(NetworkTrainer, SendsExactZerosForABlockThatNobodyHereFills) {
  for (PatientInput& input : inputs_) {
    input.panels[1].clear();
    input.volumes.clear();
    input.heads[kPseudo].target = std::monostate{};
  }
  NetworkSettings settings = QuietSettings();
  settings.epochs = 3;
  settings.rates.proximal = 0.1;
  settings.ridge = 5.0;
  const NetworkUpdate update = Trained(task_, inputs_, {}, settings);
  for (const char* block : {"methylome", "mri", "mri.sequences", "pseudo", "pseudo.clinical", "arm.missing"}) {
    EXPECT_EQ(update.patients.at(block), 0u) << block;
    EXPECT_EQ(LargestOfBlock(update, block), 0.0) << block;  // weight decay and ridge alone would move it
  }
  EXPECT_EQ(update.patients.at("methylome.missing"), update.patients.at("fusion"));
  EXPECT_GT(LargestOfBlock(update, "methylome.missing"), 0.0);
  EXPECT_GT(LargestOfBlock(update, "fusion"), 0.0);
}

TEST_F(NetworkTrainer, MovesNothingButTheBlocksOfTheRound) {
  task_.trained = {"fusion", "os", "os.clinical"};
  const NetworkUpdate update = Trained(task_, inputs_, images_, QuietSettings());
  for (const auto& [name, delta] : update.delta)
    EXPECT_TRUE(task_.trained.contains(std::string(TensorSpec{name, {}, {}}.block()))) << name;
  EXPECT_TRUE(update.delta.contains("fusion/layer0.attention.in.weight"));
}

TEST_F(NetworkTrainer, AHeadWithoutLabelsAnywhereTeachesNothing) {
  task_.weights.labels[kPseudo] = 0.0;
  const NetworkUpdate update = Trained(task_, inputs_, images_, QuietSettings());
  EXPECT_EQ(LargestOfBlock(update, "pseudo"), 0.0);
  EXPECT_GT(LargestOfBlock(update, "methylation"), 0.0);
}

TEST_F(NetworkTrainer, RepeatsBitForBitAndGoesOnInsideAnEpoch) {
  inputs_.resize(8);
  NetworkSettings settings;
  settings.epochs = 2;
  settings.batch = 3;
  settings.seed = 17;
  settings.cohort[1] = 5;
  std::size_t steps = 0;
  settings.cancelled = [&] { return ++steps, false; };
  const NetworkUpdate whole = Trained(task_, inputs_, images_, settings);
  const std::size_t all = steps;
  EXPECT_EQ(Trained(task_, inputs_, images_, settings).delta, whole.delta);
  std::vector<Bytes> saved;
  settings.save_every = 3;
  settings.save = [&](Bytes state) -> Status {
    saved.push_back(std::move(state));
    return {};
  };
  EXPECT_EQ(Trained(task_, inputs_, images_, settings).delta, whole.delta);
  ASSERT_GE(saved.size(), 2u);
  settings.save_every = 0;
  settings.resume = saved[0];
  steps = 0;
  const NetworkUpdate resumed = Trained(task_, inputs_, images_, settings);
  EXPECT_EQ(resumed.delta, whole.delta);
  EXPECT_EQ(resumed.loss_before, whole.loss_before);
  EXPECT_EQ(steps, all - 3);  // three were done before

  settings.seed = 18;
  EXPECT_EQ(TrainNetwork(task_, inputs_, images_, settings).error().code, ErrorCode::kInvalidInput);
  settings.seed = 17;
  settings.resume.pop_back();
  EXPECT_FALSE(TrainNetwork(task_, inputs_, images_, settings).ok());
  settings.resume.clear();
  settings.seed = 18;
  EXPECT_NE(Trained(task_, inputs_, images_, settings).delta, whole.delta);
}

TEST_F(NetworkTrainer, TheOrderOfPatientsDoesNotMatterBeyondRounding) {
  const auto model = SmallModel(shape_, ScalarType::kFloat64, 1, true);
  NetworkTask task = TaskOf(shape_, map_, model, inputs_);
  task.trained.erase("mri");
  // AdamW divides by the size of a gradient: only where that isn't itself rounding is the step well defined.
  NetworkSettings settings = QuietSettings();
  const NetworkUpdate forward = Trained(task, inputs_, images_, settings);
  std::ranges::reverse(inputs_);
  const NetworkUpdate backward = Trained(task, inputs_, images_, settings);
  EXPECT_LT(LargestDifference(forward, backward), 1e-7);
  for (std::size_t h = 0; h < shape_.heads.size(); ++h)
    EXPECT_NEAR(forward.loss_before[h], backward.loss_before[h], 1e-12);
}

TEST_F(NetworkTrainer, KeptTokensOfVolumesTrainLikeTheVolumesThemselves) {
  task_.trained.erase("mri");
  const NetworkUpdate loaded = Trained(task_, inputs_, images_, QuietSettings());
  VolumeTokens tokens;
  EXPECT_EQ(Trained(task_, inputs_, {&volumes_, &tokens}, QuietSettings()).delta, loaded.delta);
  volumes_.loaded = 0;
  EXPECT_EQ(Trained(task_, inputs_, {nullptr, &tokens}, QuietSettings()).delta, loaded.delta);
  EXPECT_EQ(volumes_.loaded, 0u);
}

TEST_F(NetworkTrainer, ATinyNetworkOverfitsTwentyPatients) {
  NetworkShape shape = SmallShape();
  shape.mri.clear();
  shape.heads.resize(1);
  InputMap map = SmallMap();
  map.heads.resize(1);
  shape.heads[0].bins = 1;  // with more, proportional hazards keep one number a patient from fitting every bin
  map.heads[0].cuts_days = {160.0};
  Cohort cohort = SmallCohort(20, 8);
  for (Sample& sample : cohort.samples) sample.event = true;
  const auto inputs = InputsOf(shape, map, cohort, 0.0);
  auto model = SmallModel(shape, ScalarType::kFloat32, 9, false);
  NetworkTask task = TaskOf(shape, map, model, inputs);
  NetworkSettings settings = QuietSettings();
  settings.rates = {.rate = 1e-2, .linear_rate = 0.3, .decay = 0.0};
  settings.epochs = 150;
  const NetworkUpdate update = Trained(task, inputs, {}, settings);
  for (auto& [name, tensor] : model)
    for (std::size_t i = 0; i < tensor.size(); ++i) tensor.set(i, tensor.at(i) + update.delta.at(name).at(i));
  settings.epochs = 1;
  const double after = Trained(task, inputs, {}, settings).loss_before[0];
  std::printf("loss of 20 patients: %.3f before, %.3f after 150 steps\n", update.loss_before[0], after);
  EXPECT_LT(after, 0.3 * update.loss_before[0]);
}

TEST_F(NetworkTrainer, TheEncodersOwnStageRebuildsMaskedVolumesBetter) {
  shape_.pretrains = true;
  auto model = SmallModel(shape_, ScalarType::kFloat32, 4, false);
  NetworkTask task = TaskOf(shape_, map_, model, inputs_);
  task.trained = {"mri", "mri.decoder"};
  NetworkSettings settings;
  settings.rates.rate = settings.rates.encoder_rate = 3e-3;
  settings.epochs = 24;
  settings.batch = 8;
  inputs_.resize(6);
  std::vector<Bytes> saved;
  settings.save_every = 20;
  settings.save = [&](Bytes state) -> Status {
    saved.push_back(std::move(state));
    return {};
  };
  const auto update = PretrainEncoder(task, inputs_, volumes_, settings);
  ASSERT_TRUE(update.ok()) << update.error().message;
  EXPECT_GT(LargestOfBlock(*update, "mri"), 0.0);
  EXPECT_GT(update->patients.at("mri"), 0u);
  EXPECT_EQ(update->patients.at("fusion"), 0u);
  ASSERT_FALSE(saved.empty());
  settings.resume = saved.back();
  EXPECT_EQ(PretrainEncoder(task, inputs_, volumes_, settings)->delta, update->delta);

  for (const auto& [name, delta] : update->delta)
    for (std::size_t i = 0; i < delta.size(); ++i) model.at(name).set(i, model.at(name).at(i) + delta.at(i));
  settings.resume.clear();
  settings.epochs = 1;
  const double after = PretrainEncoder(task, inputs_, volumes_, settings)->loss_before[0];
  std::printf("masked error: %.3f before, %.3f after\n", update->loss_before[0], after);
  EXPECT_LT(after, 0.7 * update->loss_before[0]);
  shape_.pretrains = false;
  task.shape = shape_;
  EXPECT_FALSE(PretrainEncoder(task, inputs_, volumes_, settings).ok());
}

// The figures of a volume's lesion by their places in kLesionCentre.
std::map<std::size_t, double> PlacedFigures(const VolumeId& id, const LesionFigures& lesion) {
  const std::size_t place = LesionPlace(id.sequence);
  return {{0, lesion.size}, {place, lesion.mean}, {place + 1, lesion.deviation}};
}

TEST_F(NetworkTrainer, TheEncodersOwnStageBringsTheCentreOfLesionsToTheMeanOfItsVolumes) {
  shape_.pretrains = true;
  auto model = SmallModel(shape_, ScalarType::kFloat64, 4, false);
  for (std::size_t j = 0; j < kLesionFigures; ++j) model.at("mri/lesion_centre").set(j, 0.5);
  NetworkTask task = TaskOf(shape_, map_, model, inputs_);
  task.trained = {"mri", "mri.decoder"};
  std::vector<double> sums(kLesionFigures), counts(kLesionFigures);
  for (const VolumeId& id : VolumesOf(inputs_))
    if (const auto lesion = FiguresOf(*volumes_.Load(id)))
      for (const auto& [place, value] : PlacedFigures(id, *lesion)) {
        sums[place] += value;
        counts[place] += 1.0;
      }
  const auto update = PretrainEncoder(task, inputs_, volumes_, {});
  ASSERT_TRUE(update.ok()) << update.error().message;
  ASSERT_GT(counts[0], 5.0);
  for (std::size_t j = 0; j < kLesionFigures; ++j)
    EXPECT_NEAR(0.5 + update->delta.at("mri/lesion_centre").at(j), counts[j] > 0.0 ? sums[j] / counts[j] : 0.5, 1e-12);
  const NetworkUpdate other = Trained(TaskOf(shape_, map_, model, inputs_), inputs_, images_, QuietSettings());
  EXPECT_EQ(Largest(other.delta.at("mri/lesion_centre")), 0.0) << "no gradient moves it";
}

TEST_F(NetworkTrainer, LesionsAreReadAboutTheirCentre) {
  const auto parameters = ParametersFrom(*NetworkTensors(shape_, ScalarType::kFloat32), model_, "", c10::kCPU);
  ASSERT_TRUE(parameters.ok()) << parameters.error().message;
  const std::vector<VolumeId> ids = VolumesOf(inputs_);
  VolumeTokens tokens;
  ASSERT_TRUE(AddVolumeTokens(Network(shape_, *parameters), volumes_, ids, c10::kFloat, tokens).ok());
  std::size_t lesions = 0;
  for (const VolumeId& id : ids) {
    const auto raw = FiguresOf(*volumes_.Load(id));
    const auto& seen = tokens.at(id.key).lesion;
    ASSERT_EQ(seen.has_value(), raw.has_value());
    if (!raw) continue;
    ++lesions;
    const auto about = PlacedFigures(id, *seen);
    for (const auto& [place, value] : PlacedFigures(id, *raw))
      EXPECT_DOUBLE_EQ(about.at(place), value - model_.at("mri/lesion_centre").at(place));
  }
  EXPECT_GT(lesions, 5u);
}

TEST_F(NetworkTrainer, StopsWhenCancelledAndSaysWhatDiverged) {
  NetworkSettings settings = QuietSettings();
  settings.cancelled = [] { return true; };
  EXPECT_EQ(TrainNetwork(task_, inputs_, images_, settings).error().code, ErrorCode::kUnavailable);
  settings.cancelled = nullptr;
  settings.ridge = 1e30;
  settings.epochs = 4;
  const auto update = TrainNetwork(task_, inputs_, images_, settings);
  ASSERT_FALSE(update.ok());
  EXPECT_EQ(update.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(update.error().message, HasSubstr("diverged"));
}

TEST_F(NetworkTrainer, GivesZerosForASiteWithoutAPatient) {
  const NetworkUpdate update = Trained(task_, {}, {}, QuietSettings());
  EXPECT_EQ(update.delta.size(), model_.size());
  for (const auto& [name, delta] : update.delta) EXPECT_EQ(Largest(delta), 0.0) << name;
  for (const auto& [block, patients] : update.patients) EXPECT_EQ(patients, 0u) << block;
}

TEST_F(NetworkTrainer, RefusesWhatDoesNotFit) {
  const auto fails = [&](const NetworkTask& task, const ImageInputs& images) {
    const auto update = TrainNetwork(task, inputs_, images, QuietSettings());
    EXPECT_FALSE(update.ok());
    EXPECT_NE(update.ok() ? ErrorCode::kInternal : update.error().code, ErrorCode::kInternal);
  };
  fails(task_, {});  // images and no source
  NetworkTask task = task_;
  task.weights.labels.pop_back();
  fails(task, images_);
  task = task_;
  task.weights.weight[0] = 0.0;
  fails(task, images_);
  task = task_;
  task.weights.patients = 0.0;
  fails(task, images_);
  task = task_;
  for (const double share : {0.0, 1.5}) {
    task.weights.coverage = {{"cytokine", share}};
    fails(task, images_);
  }
  task = task_;
  task.prefix = "r01k1/";
  fails(task, images_);
  task = task_;
  task.precision = ScalarType::kFloat64;
  fails(task, images_);
}

}  // namespace
}  // namespace fedtrial
