#include "proto/plan/layout.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "model/params/fixed_point.h"
#include "proto/plan/evaluate.h"
#include "proto/plan/network.h"
#include "proto/plan/recalibrate.h"
#include "security/crypto/sha256.h"
#include "tests/unit/proto/plan/sample_plan.h"

namespace fedtrial {
namespace {

std::vector<std::string> Names(const Manifest& manifest) {
  std::vector<std::string> names;
  for (const TensorSpec& spec : manifest.tensors) names.push_back(spec.name + ShapeText(spec.shape));
  return names;
}

// All positions of a plan, `passes` rounds a grid.
std::vector<StepPosition> Walk(const Plan& plan, unsigned passes = 1) {
  std::vector<StepPosition> positions;
  StepPosition position;
  while (!IsFinished(plan, position)) {
    positions.push_back(position);
    const bool again = plan.steps[position.step].task == "grid" && position.round_in_step + 1 < passes;
    position = NextPosition(plan, position, again);
  }
  return positions;
}

// As the coordinator makes it: what `grid` leaves behind.
ModelHeader AfterGrid(const Plan& plan, std::uint64_t bins) {
  Model model;
  model.tensors[CutsName("os")] = Tensor::Zeros({"", {bins}});
  for (const Replica& replica : Replicas(plan)) {
    model.tensors[BetaName(replica, "risk")] = Tensor::Zeros({"", {2}, plan.precision});
    model.tensors[InterceptName(replica, "risk")] = Tensor::Zeros({"", {bins}, plan.precision});
  }
  return model.Header();
}

Plan Folded() { return MustParse(With(SmallToml(), "[encoding]", "[folds]\nrepeats = 1\nfolds = 2\n[encoding]")); }

TEST(Positions, WalkThroughEveryStepWithEvaluationsBetween) {
  const Plan plan = MustParse(With(SmallToml(), "rounds = 5", "rounds = 5\nevaluate_every = 2"));
  std::string walk;
  for (const StepPosition& position : Walk(plan)) {
    const Task task = TaskAt(plan, position, 0);
    walk += task.kind + std::to_string(position.round_in_step) + " ";
  }
  EXPECT_EQ(walk, "normalise0 grid0 train0 train1 evaluate2 train2 train3 evaluate4 train4 evaluate5 ");
  EXPECT_EQ(PlannedRounds(plan), 10u);
}

TEST(Positions, PlannedRoundsAreThoseThatAreWalked) {
  for (const unsigned every : {0u, 1u, 2u, 3u, 5u, 7u}) {
    const std::string toml = With(SmallToml(), "rounds = 5", "rounds = 5\nevaluate_every = " + std::to_string(every));
    EXPECT_EQ(PlannedRounds(MustParse(toml)), Walk(MustParse(toml)).size()) << every;
    const Plan open = MustParse(With(toml, "cuts = [100, 200.5]", ""));
    EXPECT_EQ(PlannedRounds(open), Walk(open, 2).size()) << every;
  }
}

TEST(Positions, ASeedIsOfThePlanAndTheRound) {
  Plan plan;
  plan.seed = 7;
  const Bytes input = ByteWriter().Label("fl/seed/v1").U64(7).U64(3).Take();
  EXPECT_EQ(RoundSeed(plan, 3), ByteReader(Sha256(input)).U64());
  EXPECT_NE(RoundSeed(plan, 3), RoundSeed(plan, 4));
  Plan other = plan;
  other.seed = 8;
  EXPECT_NE(RoundSeed(plan, 3), RoundSeed(other, 3));
}

TEST(Layout, OfEachTaskHasItsTensors) {
  const Plan plan = Folded();
  const Digest model{1};
  const auto at = [&](std::uint32_t step, const ModelHeader& before) {
    return Layout(plan, TaskAt(plan, {step, 0, false}, step), before, model).value();
  };
  const Manifest normalise = at(0, {});
  EXPECT_EQ(normalise.tensors.size(), 3u * 3u * 2u);
  EXPECT_EQ(normalise.tensors[0].name, "feature_age/count");
  EXPECT_EQ(normalise.tensors[17].name, "r01k2/feature_sex/square_sum");
  EXPECT_EQ(normalise.Blocks().size(), 6u);
  EXPECT_EQ(Names(at(1, {})),
            (std::vector<std::string>{"grid/at_risk[2]", "grid/events[2]", "grid/patients[1]", "r01k1/grid/at_risk[2]",
                                      "r01k1/grid/events[2]", "r01k1/grid/patients[1]", "r01k2/grid/at_risk[2]",
                                      "r01k2/grid/events[2]", "r01k2/grid/patients[1]"}));
  const Manifest train = at(2, AfterGrid(plan, 2));
  EXPECT_EQ(Names(train), (std::vector<std::string>{"risk/beta[2]", "risk/intercept[2]", "r01k1/risk/beta[2]",
                                                    "r01k1/risk/intercept[2]", "r01k2/risk/beta[2]",
                                                    "r01k2/risk/intercept[2]", "loss/risk[1]"}));
  EXPECT_EQ(train.step, 2u);
  EXPECT_EQ(train.task, "train");
  EXPECT_EQ(train.seed, RoundSeed(plan, 2));
  EXPECT_EQ(train.model, model);
  EXPECT_EQ(train.encoding.word_bits, 32u);
  EXPECT_EQ(train.encoding.fraction_bits, LargestFractionBits(8, 1000, 10, 32).value());
  EXPECT_EQ(train.tensors[0].type, ScalarType::kFloat32);
  EXPECT_EQ(normalise.encoding, (Encoding{64, 32, std::exp2(27)}));
}

TEST(Layout, OfAnEvaluationIsThatOfItsHeader) {
  const Plan plan = MustParse(With(With(SmallToml(), "rounds = 5", "rounds = 5\nevaluate_every = 1"),
                                   "min_patients = 10", "min_patients = 10\nsplit = \"split.split\""));
  const Task task = TaskAt(plan, {2, 1, true}, 4);
  EXPECT_EQ(task.kind, "evaluate");
  EXPECT_EQ(Names(Layout(plan, task, AfterGrid(plan, 2), {}).value()),
            (std::vector<std::string>{"concordance/counts[1,3]", "concordance/bootstrap[200,2]", "test/counts[4]",
                                      "loss/sum[3]", "calibration/expected[2]", "calibration/observed[2]"}));
  EXPECT_EQ(BlockOf(plan, task), "risk");
  EXPECT_EQ(EndpointOf(plan, task), "os");
  EXPECT_EQ(EvaluatedRepeats(Folded(), "risk"), 1u);
}

TEST(Layout, OfARecalibrationIsTheCentresAndThenSixSumsAReplica) {
  const Plan plan = MustParse(With(With(SmallToml(), "[encoding]", "[folds]\nrepeats = 1\nfolds = 2\n[encoding]"),
                                   "[rules]", "[[step]]\ntask = \"recalibrate\"\nrounds = 3\n[rules]"));
  EXPECT_EQ(PlannedRounds(plan), Walk(plan).size());
  const StepPosition last = Walk(plan).back();
  EXPECT_EQ(last, (StepPosition{3, 2, false}));
  const Task first = TaskAt(plan, {3, 0, false}, 8), second = TaskAt(plan, {3, 1, false}, 9);
  EXPECT_EQ(first.kind, "recalibrate");
  EXPECT_EQ(BlockOf(plan, first), "risk");
  EXPECT_EQ(EndpointOf(plan, first), "os");
  EXPECT_EQ(Names(Layout(plan, first, AfterGrid(plan, 2), {}).value()),
            (std::vector<std::string>{"recalibration/centre[1,2,2]", "r01k1/recalibration/centre[1,2,2]",
                                      "r01k2/recalibration/centre[1,2,2]"}));
  ModelHeader centred = AfterGrid(plan, 2);
  for (const char* prefix : {"constants", "r01k1/constants", "r01k2/constants"})
    centred.tensors.push_back({std::string(prefix) + "/recalibration.risk", {1, 4}});
  std::ranges::sort(centred.tensors, {}, &TensorSpec::name);
  EXPECT_EQ(Names(Layout(plan, second, centred, {}).value()),
            (std::vector<std::string>{"recalibration/sums[1,6]", "recalibration/after[1,6]",
                                      "r01k1/recalibration/sums[1,6]", "r01k2/recalibration/sums[1,6]"}));
  const auto without = Layout(plan, second, AfterGrid(plan, 2), {});
  ASSERT_FALSE(without.ok()) << "the second round starts from the constants of the first";
  EXPECT_NE(without.error().message.find("constants/recalibration.risk"), std::string::npos);
}

TEST(Layout, ANetworkIsRecalibratedAtEachLandmarkAndALinearBlockOnDayZero) {
  const Plan plan =
      MustParse(SmallNetwork{.endpoint = "landmarks = [0, 56, 112]\n",
                             .more = "[[step]]\ntask = \"recalibrate\"\nblock = \"fusion\"\n[folds]\nrepeats = 1\n"}
                    .Toml());
  const std::vector<double> days = RecalibratedDays(plan, *HeadOf(plan, "os"), "os");
  EXPECT_EQ(days, (std::vector<double>{0.0, 56.0, 112.0}));
  EXPECT_EQ(RecalibratedDays(MustParse(SmallToml()), {"risk", BlockKind::kLinear, {}}, "os"), std::vector<double>{0.0});
  for (const auto& [day, landmark] : {std::pair(0.0, 0u), {55.0, 0u}, {56.0, 1u}, {111.0, 1u}, {112.0, 2u}, {9e9, 2u}})
    EXPECT_EQ(LandmarkUpTo(days, day), landmark) << day;
  EXPECT_EQ(LandmarkUpTo({28.0, 56.0}, 0.0), 0u);
  const auto centres = Layout(plan, TaskAt(plan, {3, 0, false}, 4), AfterGrid(plan, 2), {});
  ASSERT_TRUE(centres.ok()) << centres.error().message;
  EXPECT_EQ(Names(*centres).front(), "recalibration/centre[3,2,2]");
}

TEST(Layout, AGridWithOpenCutsFindsThemFirst) {
  const Plan plan = MustParse(With(SmallToml(), "cuts = [100, 200.5]", ""));
  const Task first = TaskAt(plan, {1, 0, false}, 1);
  EXPECT_EQ(Names(Layout(plan, first, {}, {}).value()),
            (std::vector<std::string>{"fine/at_risk[131]", "fine/events[131]"}));
  const Task second = TaskAt(plan, NextPosition(plan, first.position, true), 2);
  EXPECT_EQ(second.kind, "grid");
  Model found;
  found.tensors[CutsName("os")] = Tensor::Of({1, 2, 3});
  EXPECT_EQ(Names(Layout(plan, second, found.Header(), {}).value()),
            (std::vector<std::string>{"grid/at_risk[3]", "grid/events[3]", "grid/patients[1]"}));
}

TEST(Layout, AModelThatDoesNotFitIsRefusedAndTheTensorNamed) {
  const Plan plan = MustParse(SmallToml());
  const Task task = TaskAt(plan, {2, 0, false}, 2);
  const auto error = [&](const ModelHeader& header) {
    const auto manifest = Layout(plan, task, header, {});
    EXPECT_FALSE(manifest.ok());
    EXPECT_EQ(manifest.error().code, ErrorCode::kIntegrity);
    return manifest.error().message;
  };
  EXPECT_NE(error({}).find("risk/beta"), std::string::npos);
  ModelHeader other_type = AfterGrid(plan, 2);
  for (TensorSpec& spec : other_type.tensors) spec.type = ScalarType::kFloat64;
  EXPECT_NE(error(other_type).find("risk/beta"), std::string::npos);
  EXPECT_NE(error(AfterGrid(plan, 3)).find("risk/intercept"), std::string::npos);
}

TEST(Layout, ATaskThatIsNotAtItsPlaceIsRefused) {
  const Plan plan = MustParse(SmallToml());
  Task task = TaskAt(plan, {0, 0, false}, 0);
  task.kind = "grid";
  EXPECT_EQ(Layout(plan, task, {}, {}).error().code, ErrorCode::kInternal);
  task.position.step = 3;
  EXPECT_EQ(Layout(plan, task, {}, {}).error().code, ErrorCode::kInternal);
  EXPECT_TRUE(IsFinished(plan, {3, 0, false}));
  EXPECT_EQ(TaskAt(plan, {3, 0, false}, 9).kind, "");
}

TEST(Layout, AReplicasPrefixIsTakenOffABlock) {
  EXPECT_EQ(WithoutReplica("r03k2/risk"), "risk");
  EXPECT_EQ(WithoutReplica("r10k12/feature_age"), "feature_age");
  EXPECT_EQ(WithoutReplica("risk"), "risk");
  EXPECT_EQ(WithoutReplica("rk/risk"), "rk/risk");
  EXPECT_EQ(WithoutReplica("r1x2/risk"), "r1x2/risk");
  EXPECT_EQ(WithoutReplica(""), "");
}

TEST(Encodings, TrainingWithWideWordsKeepsThirtyTwoBits) {
  const Plan plan = MustParse(SampleToml());
  EXPECT_EQ(TrainEncoding(plan).value(), (Encoding{64, 32, 8.0}));
  EXPECT_EQ(StatisticsEncoding(plan).value(), (Encoding{64, 32, std::exp2(27)}));
}

RC_GTEST_PROP(Encodings, NoStatisticOfAnyNumberOfSitesOverflows, ()) {
  Plan plan;
  plan.rules.sites = *rc::gen::inRange<std::uint32_t>(3, kMaxSites + 1);
  const Encoding encoding = StatisticsEncoding(plan).value();
  RC_ASSERT(encoding.fraction_bits == 32u);
  RC_ASSERT(LargestFractionBits(encoding.clip, plan.rules.sites, plan.rules.sites, 64).value() >= 32u);
  const auto twice = LargestFractionBits(2 * encoding.clip, plan.rules.sites, plan.rules.sites, 64);
  RC_ASSERT(!twice.ok() || *twice < 32u);
}

}  // namespace
}  // namespace fedtrial
