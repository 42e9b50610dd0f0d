#include "model/training/local_trainer.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "model/training/batch_order.h"

namespace fedtrial {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Five patients, two features, three bins; scaling is the identity.
TrainingData SmallData() {
  TrainingData data{Matrix(5, 2), {{2, true}, {3, false}, {1, true}, {0, false}, {3, true}}};
  data.raw.values = {0.5, -1.0, -1.5, kMissing, 2.0, 0.25, kMissing, 1.0, -0.75, 0.5};
  return data;
}

ReplicaTask SmallReplica() {
  return {{{-1.0, -0.5, -2.0}, {0.1, -0.2}}, {{0.0, 0.0}, {1.0, 1.0}}, 40.0, std::vector<bool>(5, true)};
}

TrainingSettings SmallSettings() {
  TrainingSettings settings;
  settings.local.steps = 5;
  settings.local.rate = 0.3;
  settings.local.ridge = 10.0;
  return settings;
}

std::vector<ReplicaUpdate> Trained(const TrainingData& data, const std::vector<ReplicaTask>& replicas,
                                   const TrainingSettings& settings) {
  auto updates = TrainReplicas(data, replicas, settings);
  EXPECT_TRUE(updates.ok()) << (updates.ok() ? "" : updates.error().message);
  return updates.ok() ? *updates : std::vector<ReplicaUpdate>(replicas.size());
}

void ExpectNear(const std::vector<double>& got, const std::vector<double>& wanted, double tolerance) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], tolerance) << i;
}

// As many patients as wanted, from a fixed rule; some values are missing.
TrainingData ManyPatients(std::size_t patients, std::size_t features, std::size_t bins) {
  TrainingData data{Matrix(patients, features), {}};
  for (std::size_t i = 0; i < patients; ++i) {
    for (std::size_t j = 0; j < features; ++j)
      data.raw(i, j) = (i + j) % 7 == 0 ? kMissing : 50.0 + 10.0 * std::sin(static_cast<double>(3 * i + 5 * j));
    const std::size_t at_risk = i % (bins + 1);
    data.places.push_back({at_risk, at_risk > 0 && i % 3 != 0});
  }
  return data;
}

std::vector<ReplicaTask> ManyReplicas(const TrainingData& data, std::size_t replicas, std::size_t bins) {
  std::vector<ReplicaTask> tasks;
  for (std::size_t r = 0; r < replicas; ++r) {
    ReplicaTask task;
    task.before = {std::vector<double>(bins, -1.0 - 0.01 * static_cast<double>(r)),
                   std::vector<double>(data.raw.cols, 0.02 * static_cast<double>(r))};
    task.scaling = {std::vector<double>(data.raw.cols, 50.0 + static_cast<double>(r)),
                    std::vector<double>(data.raw.cols, 8.0 + 0.1 * static_cast<double>(r))};
    task.patients = 100.0 + static_cast<double>(r);
    for (std::size_t i = 0; i < data.places.size(); ++i) task.trains.push_back(r == 0 || i % replicas != r);
    tasks.push_back(task);
  }
  return tasks;
}

// The same steps by model/survival's plain loops.
HazardModel PlainDelta(const TrainingData& data, const ReplicaTask& replica, const GradientOptions& options) {
  const std::size_t cols = data.raw.cols;
  std::vector<std::size_t> who;
  for (std::size_t i = 0; i < data.places.size(); ++i)
    if (replica.trains[i]) who.push_back(i);
  HazardData mine{Matrix(who.size(), cols), {}};
  for (std::size_t i = 0; i < who.size(); ++i) {
    std::ranges::copy(data.raw.row(who[i]), mine.x.row(i).begin());
    ScaleRow(mine.x.row(i), replica.scaling);
    mine.places.push_back(data.places[who[i]]);
  }
  HazardModel after = GradientSteps(mine, replica.before, options);
  for (std::size_t k = 0; k < after.intercepts.size(); ++k) after.intercepts[k] -= replica.before.intercepts[k];
  for (std::size_t j = 0; j < cols; ++j) after.beta[j] -= replica.before.beta[j];
  return after;
}

// Figures by the plain Python of make_reference.py's gd_steps.
TEST(LocalTrainer, ReproducesTheReferenceStepsInDouble) {
  const ReplicaUpdate update = Trained(SmallData(), {SmallReplica()}, SmallSettings()).front();
  EXPECT_NEAR(update.loss_before, 1.2374554740068844, 1e-14);
  EXPECT_EQ(update.patients, 5u);
  ExpectNear(update.delta.intercepts, {-1.0378730142060661 + 1.0, -0.5098088029746517 + 0.5, -1.7552162108081235 + 2.0},
             1e-12);
  ExpectNear(update.delta.beta, {0.5365018731012158 - 0.1, -0.10177931186029937 + 0.2}, 1e-12);
}

TEST(LocalTrainer, TrainsEveryReplicaAsIfItWereAlone) {
  const TrainingData data = ManyPatients(40, 6, 5);
  const auto replicas = ManyReplicas(data, 11, 5);
  const auto updates = Trained(data, replicas, SmallSettings());
  for (std::size_t r = 0; r < replicas.size(); ++r) {
    const HazardModel wanted =
        PlainDelta(data, replicas[r], {.rate = 0.3, .l2 = 10.0 / replicas[r].patients, .steps = 5});
    ExpectNear(updates[r].delta.beta, wanted.beta, 1e-12);
    ExpectNear(updates[r].delta.intercepts, wanted.intercepts, 1e-12);
    EXPECT_EQ(updates[r].patients, static_cast<std::size_t>(std::ranges::count(replicas[r].trains, true)));
  }
}

TEST(LocalTrainer, GroupsThatBoundTheMemoryChangeNothing) {
  const TrainingData data = ManyPatients(30'000, 12, 3);  // 360,000 values a replica: five replicas a group
  const auto replicas = ManyReplicas(data, 7, 3);
  TrainingSettings settings = SmallSettings();
  settings.local.steps = 1;
  std::vector<double> seen;
  settings.on_way = [&](double fraction) { seen.push_back(fraction); };
  const auto updates = Trained(data, replicas, settings);
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen.back(), 1.0);
  const HazardModel wanted =
      PlainDelta(data, replicas.back(), {.rate = 0.3, .l2 = 10.0 / replicas.back().patients, .steps = 1});
  ExpectNear(updates.back().delta.beta, wanted.beta, 1e-12);
}

TEST(LocalTrainer, SendsExactZerosWhereNobodyTrains) {
  ReplicaTask nobody = SmallReplica();
  nobody.trains.assign(5, false);
  const auto updates = Trained(SmallData(), {SmallReplica(), nobody}, SmallSettings());
  EXPECT_EQ(updates[1].patients, 0u);
  EXPECT_EQ(updates[1].loss_before, 0.0);
  for (const double value : updates[1].delta.beta) EXPECT_EQ(value, 0.0);  // the ridge alone would move it
  for (const double value : updates[1].delta.intercepts) EXPECT_EQ(value, 0.0);
  EXPECT_NE(updates[0].delta.beta[0], 0.0);

  TrainingData empty{Matrix(0, 2), {}};
  nobody.trains.clear();
  const auto none = Trained(empty, {nobody}, SmallSettings());
  EXPECT_EQ(none[0].delta.beta, (std::vector<double>{0.0, 0.0}));
}

TEST(LocalTrainer, SinglePrecisionStaysCloseToDouble) {
  TrainingSettings settings = SmallSettings();
  const ReplicaUpdate exact = Trained(SmallData(), {SmallReplica()}, settings).front();
  settings.precision = ScalarType::kFloat32;
  const ReplicaUpdate rough = Trained(SmallData(), {SmallReplica()}, settings).front();
  ExpectNear(rough.delta.beta, exact.delta.beta, 1e-6);
  EXPECT_NE(rough.delta.beta, exact.delta.beta);
}

TEST(LocalTrainer, RepeatsBitForBit) {
  const TrainingData data = ManyPatients(60, 5, 4);
  const auto replicas = ManyReplicas(data, 6, 4);
  TrainingSettings settings = SmallSettings();
  settings.local.batch = 8;
  settings.seed = 77;
  const auto once = Trained(data, replicas, settings);
  const auto again = Trained(data, replicas, settings);
  for (std::size_t r = 0; r < replicas.size(); ++r) {
    EXPECT_EQ(once[r].delta.beta, again[r].delta.beta);
    EXPECT_EQ(once[r].delta.intercepts, again[r].delta.intercepts);
  }
}

TEST(LocalTrainer, MiniBatchesFollowTheOrderOfSeedAndCohort) {
  const TrainingData data = ManyPatients(10, 3, 4);
  std::vector<ReplicaTask> replicas = ManyReplicas(data, 2, 4);
  TrainingSettings settings = SmallSettings();
  settings.local.batch = 4;
  settings.local.steps = 4;  // three a pass, then anew
  settings.seed = 5;
  settings.cohort[3] = 9;
  const auto updates = Trained(data, replicas, settings);
  for (std::size_t r = 0; r < replicas.size(); ++r) {
    std::vector<std::size_t> who;
    for (std::size_t i = 0; i < 10; ++i)
      if (replicas[r].trains[i]) who.push_back(i);
    BatchOrder order(who, 4, BatchSeed(5, settings.cohort, r));
    ReplicaTask step = replicas[r];
    for (int s = 0; s < 4; ++s) {
      step.trains.assign(10, false);
      for (const std::size_t i : order.Next()) step.trains[i] = true;
      const HazardModel moved = PlainDelta(data, step, {.rate = 0.3, .l2 = 10.0 / step.patients, .steps = 1});
      for (std::size_t k = 0; k < 4; ++k) step.before.intercepts[k] += moved.intercepts[k];
      for (std::size_t j = 0; j < 3; ++j) step.before.beta[j] += moved.beta[j];
    }
    for (std::size_t j = 0; j < 3; ++j)
      EXPECT_NEAR(updates[r].delta.beta[j], step.before.beta[j] - replicas[r].before.beta[j], 1e-12);
  }
  settings.seed = 6;
  EXPECT_NE(Trained(data, replicas, settings)[0].delta.beta, updates[0].delta.beta);
}

TEST(LocalTrainer, FedProxPullsTowardsTheGlobalModel) {
  TrainingSettings settings = SmallSettings();
  settings.local.ridge = 0.0;
  settings.local.steps = 60;
  const double free = std::abs(Trained(SmallData(), {SmallReplica()}, settings)[0].delta.beta[0]);
  settings.local.optimizer = LocalOptimizer::kFedProx;
  settings.local.proximal = 0.0;
  EXPECT_NEAR(std::abs(Trained(SmallData(), {SmallReplica()}, settings)[0].delta.beta[0]), free, 1e-12);
  settings.local.proximal = 1.0;
  EXPECT_LT(std::abs(Trained(SmallData(), {SmallReplica()}, settings)[0].delta.beta[0]), 0.7 * free);
}

TEST(LocalTrainer, RateDecaysWithTheRounds) {
  TrainingSettings settings = SmallSettings();
  settings.local.steps = 1;
  settings.local.rate_half = 5.0;
  const auto first = Trained(SmallData(), {SmallReplica()}, settings)[0].delta.beta;
  settings.round_in_step = 5;
  const auto sixth = Trained(SmallData(), {SmallReplica()}, settings)[0].delta.beta;
  for (std::size_t j = 0; j < first.size(); ++j) EXPECT_NEAR(sixth[j], first[j] / 2.0, 1e-15);
}

TEST(LocalTrainer, StopsWhenCancelled) {
  TrainingSettings settings = SmallSettings();
  settings.local.steps = 1'000'000;
  int asked = 0;
  settings.cancelled = [&] { return ++asked > 3; };
  const auto updates = TrainReplicas(SmallData(), std::vector{SmallReplica()}, settings);
  ASSERT_FALSE(updates.ok());
  EXPECT_EQ(updates.error().code, ErrorCode::kUnavailable);
}

TEST(LocalTrainer, SaysThatTrainingDiverged) {
  TrainingSettings settings = SmallSettings();
  settings.local.rate = 1e3;
  settings.local.ridge = 1e9;
  settings.local.steps = 200;
  const auto updates = TrainReplicas(SmallData(), std::vector{SmallReplica()}, settings);
  ASSERT_FALSE(updates.ok());
  EXPECT_NE(updates.error().message.find("diverged"), std::string::npos) << updates.error().message;
}

TEST(LocalTrainer, RefusesWhatDoesNotFitOrIsNotFinite) {
  const auto fails = [](const TrainingData& data, const ReplicaTask& replica) {
    const auto updates = TrainReplicas(data, std::vector{replica}, SmallSettings());
    EXPECT_FALSE(updates.ok());
    EXPECT_EQ(updates.ok() ? ErrorCode::kInternal : updates.error().code, ErrorCode::kInvalidInput);
  };
  ReplicaTask replica = SmallReplica();
  replica.before.beta.push_back(0.0);
  fails(SmallData(), replica);
  replica = SmallReplica();
  replica.before.intercepts[1] = kMissing;
  fails(SmallData(), replica);
  replica = SmallReplica();
  replica.scaling.deviation[0] = 0.0;
  fails(SmallData(), replica);
  replica = SmallReplica();
  replica.scaling.mean[0] = kInfinity;
  fails(SmallData(), replica);
  replica = SmallReplica();
  replica.trains.pop_back();
  fails(SmallData(), replica);
  replica = SmallReplica();
  replica.patients = 0.0;
  fails(SmallData(), replica);
  TrainingData data = SmallData();
  data.raw(0, 0) = kInfinity;
  fails(data, SmallReplica());
  data = SmallData();
  data.places[0] = {4, false};
  fails(data, SmallReplica());
  data = SmallData();
  data.places[0] = {0, true};
  fails(data, SmallReplica());
  data = SmallData();
  data.places.pop_back();
  fails(data, SmallReplica());
}

TEST(LocalTrainer, NamesADeviceThatIsNotThere) {
  TrainingSettings settings = SmallSettings();
  settings.device = "cuda:99";
  const auto updates = TrainReplicas(SmallData(), std::vector{SmallReplica()}, settings);
  ASSERT_FALSE(updates.ok());
  EXPECT_EQ(updates.error().code, ErrorCode::kUnavailable);
}

TEST(LocalTrainer, KeepsItsGradientWhereTheHazardsAreNearlyZeroOrOne) {
  ReplicaTask replica = SmallReplica();
  replica.before.intercepts = {40.0, -40.0, 700.0};
  TrainingSettings settings = SmallSettings();
  settings.local.steps = 1;
  const auto updates = Trained(SmallData(), {replica}, settings);
  const HazardModel wanted = PlainDelta(SmallData(), replica, {.rate = 0.3, .l2 = 0.25, .steps = 1});
  ExpectNear(updates[0].delta.intercepts, wanted.intercepts, 1e-12);
  ExpectNear(updates[0].delta.beta, wanted.beta, 1e-12);
}

}  // namespace
}  // namespace fedtrial
