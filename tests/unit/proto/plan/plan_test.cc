#include "proto/plan/plan.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <sstream>

#include "security/crypto/sha256.h"
#include "tests/unit/proto/plan/sample_plan.h"

namespace fedtrial {
namespace {

using namespace std::chrono_literals;

std::string ProblemsOf(const std::string& toml) {
  const auto plan = ParsePlan(toml, "plan.toml");
  if (plan.ok()) return "";
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidInput);
  return plan.error().message;
}

TEST(Plan, TheDeliveredSampleIsTheDemosPlan) {
  const std::string toml = SampleToml();
  const Plan plan = MustParse(toml);
  EXPECT_EQ(plan.trial_id, "glioma-hospitals");
  ASSERT_EQ(plan.endpoints.size(), 1u);
  EXPECT_EQ(plan.endpoints[0].cuts, (std::vector<double>{56, 112, 168, 224, 280, 364, 448, 546, 728, 910, 1092}));
  EXPECT_EQ(plan.features.size(), 11u);
  EXPECT_EQ(plan.features[0].unit, "year");
  EXPECT_EQ(plan.blocks.at(0).features.size(), 11u);
  EXPECT_EQ(plan.precision, ScalarType::kFloat64);
  ASSERT_EQ(plan.steps.size(), 4u);
  EXPECT_EQ(std::get<TrainStep>(plan.steps[2].settings).block, "fusion");
  EXPECT_EQ(std::get<TrainStep>(plan.steps[2].settings).network.linear_rate, 0.3);
  const auto& train = std::get<TrainStep>(plan.steps[3].settings);
  EXPECT_EQ(train.rounds, 30u);
  EXPECT_EQ(train.evaluate_every, 10u);
  EXPECT_EQ(train.local.steps, 5u);
  EXPECT_EQ(train.local.rate, 0.3);
  EXPECT_EQ(train.local.rate_half, 5.0);
  EXPECT_EQ(train.local.ridge, 10.0);
  EXPECT_EQ(plan.rules.sites, 12u);
  EXPECT_EQ(plan.rules.min_sites, 9u);
  EXPECT_EQ(plan.rules.threshold, 9u);
  EXPECT_EQ(plan.rules.phases[static_cast<std::size_t>(Phase::kMasked)].min_open, 60s);
  EXPECT_EQ(plan.rules.phases[static_cast<std::size_t>(Phase::kUnmask)].max_open, 5min);
  EXPECT_EQ(plan.encoding.train_word_bits, 64u);
  EXPECT_EQ(plan.encoding.patient_cap, 128u);
  EXPECT_EQ(plan.folds.repeats, 10u);
  EXPECT_EQ(plan.folds.column, "folds.repeat{}");
  EXPECT_EQ(plan.hash, Sha256(AsBytes(toml)));
}

// The table is published with CR LF.
std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::string cell;
  for (std::istringstream row(line.substr(0, line.find('\r'))); std::getline(row, cell, ',');) cells.push_back(cell);
  return cells;
}

// Every value of the demo's table lies within the ranges of its plan: nothing is clipped.
TEST(Plan, TheDemosRangesCutNoValueOff) {
  const std::string path = FEDTRIAL_SOURCE_DIR "/deploy/data/glioma_hospitals/gbm.csv";
  std::ifstream file(path);
  ASSERT_TRUE(file.good()) << path << " isn't there";
  const Plan plan = MustParse(SampleToml());
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> names = Cells(line);
  std::map<std::string, int> seen;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = Cells(line);
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const std::string& cell = cells[column];
      for (const Feature& feature : plan.features) {
        if ("participants." + names[column] != feature.from || cell.empty()) continue;
        EXPECT_GE(std::stod(cell), feature.low) << feature.name;
        EXPECT_LE(std::stod(cell), feature.high) << feature.name;
        ++seen[feature.name];
      }
    }
  }
  for (const Feature& feature : plan.features) EXPECT_GT(seen[feature.name], 100) << feature.name;
}

TEST(Plan, WhatIsLeftOutHasItsDefault) {
  const Plan plan = MustParse(SmallToml());
  EXPECT_EQ(plan.title, "");
  EXPECT_EQ(plan.precision, ScalarType::kFloat32);
  EXPECT_EQ(plan.cohort.min_cell, 5u);
  EXPECT_EQ(plan.rules.threshold, 7u);
  EXPECT_EQ(plan.rules.min_sites, 7u);
  EXPECT_EQ(plan.rules.retry_after, 10s);
  EXPECT_EQ(plan.rules.phases[0].min_open, 60s);
  EXPECT_EQ(plan.rules.phases[0].max_open, 10min);
  EXPECT_EQ(plan.rules.phases[static_cast<std::size_t>(Phase::kMasked)].max_open, 1h);
  EXPECT_EQ(plan.encoding.train_word_bits, 32u);
  EXPECT_EQ(plan.encoding.train_clip, 8.0);
  EXPECT_EQ(plan.folds.repeats, 0u);
  EXPECT_EQ(plan.endpoints[0].cuts, (std::vector<double>{100, 200.5}));
  const auto& train = std::get<TrainStep>(plan.steps[2].settings);
  EXPECT_EQ(train.block, "risk");
  EXPECT_EQ(train.endpoint, "os");
  EXPECT_EQ(train.local.steps, 1u);
  EXPECT_EQ(train.server.optimizer, ServerOptimizer::kFedAvg);
  EXPECT_EQ(train.server.rate, 1.0);
  EXPECT_EQ(plan.features[1].high, 1.0);  // two levels: 0 and 1
  EXPECT_EQ(std::get<GridStep>(plan.steps[1].settings).endpoint, "os");
}

TEST(Plan, TheThresholdFollowsTheSites) {
  for (const auto& [sites, threshold] :
       std::map<int, std::uint32_t>{{3, 3}, {4, 3}, {5, 4}, {10, 7}, {12, 9}, {100, 67}})
    EXPECT_EQ(MustParse(With(SmallToml(), "sites = 10", "sites = " + std::to_string(sites))).rules.threshold, threshold)
        << sites;
}

TEST(Plan, EveryProblemIsToldAtOnceWithItsPlace) {
  std::string toml = With(SmallToml(), "seed = 7", "seed = \"seven\"");
  toml = With(toml, "min_patients = 10", "min_patients = 0\nmin_patient = 3");
  toml = With(toml, "range = [0, 120]", "range = [120, 0]");
  toml = With(toml, "task = \"grid\"", "task = \"gird\"");
  toml = With(toml, "sites = 10",
              "sites = 10\nthreshold = 8\nmin_sites = 7\n[rules.keys]\nmin_open = \"2h\"\nmax_open = \"30m\"");
  const std::string problems = ProblemsOf(toml);
  for (const char* wanted : {
           "plan.toml:3:8: trial.seed: got \"seven\", wanted a whole number from 0",
           "cohort.min_patients: got 0, wanted a whole number from 1",
           "cohort.min_patient: unknown key, known here are day_zero, filter, min_cell, min_patients, split",
           "feature[1].range: wanted [low, high]",
           "step[2].task: got \"gird\", wanted \"normalise\", \"grid\", \"train\", \"evaluate\" or \"recalibrate\"",
           "rules.threshold: 8 is larger than rules.min_sites (7); unmasking could never finish",
           "rules.keys.min_open: 2h is longer than max_open (30m)",
       })
    EXPECT_NE(problems.find(wanted), std::string::npos) << wanted << "\nnot in\n" << problems;
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 6) << problems;  // and nothing that follows from them
}

TEST(Plan, ARecalibrationWantsFoldsAndComesAfterAllTrainingOfItsBlock) {
  const auto with = [](const std::string& before, const std::string& after, const std::string& folds) {
    const std::string step = "[[step]]\ntask = \"recalibrate\"\n";
    std::string toml = With(SmallToml(), "[rules]", (after.empty() ? "" : step) + after + "[rules]");
    if (!before.empty()) toml = With(toml, "[[step]]\ntask = \"train\"", before + "[[step]]\ntask = \"train\"");
    return With(toml, "[encoding]", folds + "[encoding]");
  };
  const std::string folds = "[folds]\nrepeats = 1\n", step = "[[step]]\ntask = \"recalibrate\"\n";
  const Plan plan = MustParse(with("", "rounds = 4\n", folds));
  EXPECT_EQ(std::get<RecalibrateStep>(plan.steps[3].settings).rounds, 4u);
  EXPECT_NE(ProblemsOf(with("", "rounds = 4\n", "")).find("step[4].task: recalibrate wants"), std::string::npos);
  EXPECT_NE(ProblemsOf(with("", "rounds = 1\n", folds)).find("step[4].rounds: got 1"), std::string::npos);
  const std::string early = ProblemsOf(with(step, "", folds));
  EXPECT_NE(early.find("\"risk\" has no train step before"), std::string::npos) << early;
  EXPECT_NE(early.find("recalibrate after all its training"), std::string::npos) << early;
}

TEST(Plan, AFaultOfTheTextItselfHasItsLine) {
  EXPECT_NE(ProblemsOf("[trial]\nid = \n").find("plan.toml:2:"), std::string::npos);
  EXPECT_NE(ProblemsOf("[trial]\nid = \"a\"\nid = \"b\"\n").find("plan.toml:3:"), std::string::npos);
}

class EachFault : public testing::TestWithParam<Fault> {};

TEST_P(EachFault, IsRefusedWithItsKey) {
  const std::string problems = ProblemsOf(With(SmallToml(), GetParam().from, GetParam().to));
  EXPECT_NE(problems.find(GetParam().wanted), std::string::npos) << GetParam().to << "\ngave\n" << problems;
}

INSTANTIATE_TEST_SUITE_P(
    Plan, EachFault,
    testing::Values(
        Fault{"id = \"small\"", "", "trial.id: is missing"},
        Fault{"id = \"small\"", "id = \"Small Trial\"", "trial.id: wanted"},
        Fault{"id = \"small\"", "id = \"\"", "trial.id: wanted"}, Fault{"seed = 7", "seed = -1", "trial.seed: got -1"},
        Fault{"seed = 7", "seed = 7.0", "trial.seed: got 7"}, Fault{"[trial]", "[trail]", "trial: is missing"},
        Fault{"[trial]", "[trail]", "trail: unknown key"},
        Fault{"[endpoint.os]", "[endpoint.OS]", "endpoint.OS: an endpoint's name"},
        Fault{"time = \"outcome.os_day\"", "time = \"os_day\"",
              "endpoint.os.time: got \"os_day\", wanted a table and its column"},
        Fault{"time = \"outcome.os_day\"", "time = \"../x.os_day\"", "endpoint.os.time"},
        Fault{"cuts = [100, 200.5]", "cuts = [200, 100]", "endpoint.os.cuts: wanted"},
        Fault{"cuts = [100, 200.5]", "cuts = [0, 100]", "endpoint.os.cuts: wanted"},
        Fault{"cuts = [100, 200.5]", "cuts = [1, inf]", "endpoint.os.cuts: got inf"},
        Fault{"cuts = [100, 200.5]", "cuts = [\"a\"]", "endpoint.os.cuts: got \"a\", wanted only finite numbers"},
        Fault{"cuts = [100, 200.5]", "unit = \"month\"", "endpoint.os.unit: got \"month\", wanted \"day\" or \"week\""},
        Fault{"min_patients = 10", "min_patients = 10\nsplit = \"split\"", "cohort.split"},
        Fault{"min_patients = 10", "min_patients = 10\nfilter = { grade = [\"4\"] }",
              "cohort.filter.grade: wanted a quoted"},
        Fault{"min_patients = 10", "min_patients = 10\nfilter = { \"participants.grade\" = [] }",
              "cohort.filter.participants.grade"},
        Fault{"name = \"age\"", "name = \"a/ge\"", "feature[1].name: wanted 1 to 64"},
        Fault{"name = \"sex\"", "name = \"age\"", "feature[2].name: \"age\" is there twice"},
        Fault{"from = \"participants.age\"", "from = 1", "feature[1].from: got 1"},
        Fault{"range = [0, 120]", "", "feature[1].range: is missing"},
        Fault{"range = [0, 120]", "range = [0, 120, 3]", "feature[1].range: wanted"},
        Fault{"range = [0, 120]", "range = [1, 1]", "feature[1].range: wanted"},
        Fault{"range = [0, 120]", "range = [nan, 1]", "feature[1].range: got nan"},
        Fault{"range = [0, 120]", "range = [-1e308, 1e308]", "feature[1].range: wanted"},
        Fault{"range = [0, 120]", "range = [0, 1]\ntransform = \"log\"", "feature[1].transform: got \"log\""},
        Fault{"levels = [\"F\", \"M\"]", "levels = [\"F\"]", "feature[2].levels: a feature of text"},
        Fault{"levels = [\"F\", \"M\"]", "levels = [\"F\", \"F\"]", "feature[2].levels: a level is there twice"},
        Fault{"levels = [\"F\", \"M\"]", "levels = [\"F\", \"M\"]\nrange = [0, 1]",
              "feature[2].levels: a feature of text"},
        Fault{"name = \"risk\"", "name = \"grid\"", "block[1].name: \"grid\" isn't a block's name"},
        Fault{"name = \"risk\"", "name = \"feature_age\"", "block[1].name"},
        Fault{"kind = \"linear\"", "kind = \"tree\"", "block[1].kind: got \"tree\", wanted \"linear\""},
        Fault{"features = [\"age\", \"sex\"]", "features = []", "block[1].features: wanted one feature"},
        Fault{"features = [\"age\", \"sex\"]", "features = [\"kps\"]",
              "block[1].features: \"kps\" isn't a [[feature]]"},
        Fault{"features = [\"age\", \"sex\"]", "features = [\"age\", \"age\"]",
              "block[1].features: \"age\" is there twice"},
        Fault{"rounds = 5", "", "step[3].rounds: is missing"},
        Fault{"rounds = 5", "rounds = 0", "step[3].rounds: got 0"},
        Fault{"rounds = 5", "rounds = 5\nblock = \"head\"", "step[3].block: \"head\" isn't a [[block]]"},
        Fault{"rounds = 5", "rounds = 5\nendpoint = \"pfs\"", "step[3].endpoint: \"pfs\" isn't an [endpoint.<name>]"},
        Fault{"rounds = 5", "rounds = 5\nlocal = { rate = 0 }", "step[3].local.rate: got 0"},
        Fault{"rounds = 5", "rounds = 5\nlocal = { optimizer = \"fedprox\" }", "step[3].local"},
        Fault{"rounds = 5", "rounds = 5\nlocal = { proximal = 0.1 }", "step[3].local.proximal: optimizer"},
        Fault{"rounds = 5", "rounds = 5\nserver = { optimizer = \"adam\" }", "step[3].server.optimizer: got \"adam\""},
        Fault{"rounds = 5", "rounds = 5\nserver = { momentum = 1 }", "step[3].server.momentum: got 1"},
        Fault{"task = \"normalise\"", "task = \"train\"\nrounds = 1", "step[1].task: wanted a step normalise before"},
        Fault{"task = \"grid\"", "task = \"normalise\"", "step[2].task: normalise is there twice"},
        Fault{"task = \"grid\"", "task = \"normalise\"", "step[3].task: wanted a step grid of endpoint \"os\" before"},
        Fault{"task = \"grid\"", "task = \"grid\"\n[[step]]\ntask = \"grid\"",
              "step[3].task: endpoint \"os\" has two grids"},
        Fault{"task = \"grid\"", "task = \"grid\"\n[[step]]\ntask = \"evaluate\"",
              "step[3].block: \"risk\" has no train step"},
        Fault{"task = \"grid\"", "task = \"grid\"\nwidth_days = 1\nhorizon_days = 36500", "step[2].width_days"},
        Fault{"sites = 10", "sites = 2", "rules.sites: got 2"},
        Fault{"sites = 10", "sites = 10\nmin_sites = 2", "rules.min_sites: got 2"},
        Fault{"sites = 10", "sites = 10\nmin_sites = 11", "rules.min_sites: 11 is larger than rules.sites (10)"},
        Fault{"sites = 10", "sites = 10\nthreshold = 5", "rules.threshold: 5 isn't more than half of rules.sites (10)"},
        Fault{"sites = 10", "sites = 10\nmin_sites = 5\nthreshold = 6",
              "rules.threshold: 6 is larger than rules.min_sites (5)"},
        Fault{"sites = 10", "sites = 200\nmin_sites = 150\nthreshold = 120", "rules.threshold: 120 with 200 sites"},
        Fault{"sites = 10", "sites = 10\nretry_after = \"soon\"", "rules.retry_after: got \"soon\", wanted a time"},
        Fault{"sites = 10", "sites = 10\n[rules.train]\nmax_open = \"1h\"", "rules.train: unknown key"},
        Fault{"patient_cap = 100", "", "encoding.patient_cap: is missing"},
        Fault{"patient_cap = 100", "patient_cap = 100\nword_bits = 48", "encoding.word_bits: got 48, wanted 32 or 64"},
        Fault{"patient_cap = 100", "patient_cap = 100000\nclip = 1000000", "encoding.clip"},
        Fault{"patient_cap = 100", "patient_cap = 100000", "encoding.patient_cap: the pairs of 100000 patients"},
        Fault{"[encoding]", "[folds]\nrepeats = 0\n[encoding]", "folds.repeats: got 0"},
        Fault{"[encoding]", "[folds]\nrepeats = 2\ncolumn = \"folds.fold\"\n[encoding]",
              "folds.column: wanted {} once"},
        Fault{"[encoding]", "[privacy]\nmode = \"local\"\n[encoding]", "privacy: unknown key"},
        Fault{"[encoding]", "[network]\nprecision = \"float16\"\n[encoding]", "network.precision: got \"float16\""}));

TEST(Plan, AnyChangedByteIsAnotherHash) { EXPECT_NE(MustParse(SmallToml()).hash, MustParse(SmallToml() + "\n").hash); }

TEST(Plan, ReplicasAreTheFullModelThenEachRepeatAndFold) {
  Plan plan;
  plan.folds = {2, 3, ""};
  const std::vector<Replica> replicas = Replicas(plan);
  ASSERT_EQ(replicas.size(), 7u);
  EXPECT_EQ(replicas[0].prefix, "");
  EXPECT_EQ(replicas[1].prefix, "r01k1/");
  EXPECT_EQ(replicas[6].prefix, "r02k3/");
  EXPECT_EQ(Replicas(Plan{}).size(), 1u);
  EXPECT_TRUE(replicas[0].TrainsOn({1, 1}, false));
  EXPECT_FALSE(replicas[0].TrainsOn({1, 1}, true));
  EXPECT_FALSE(replicas[1].TrainsOn({1, 3}, false));
  EXPECT_TRUE(replicas[2].TrainsOn({1, 3}, false));
  EXPECT_FALSE(replicas[6].TrainsOn({1, 3}, false));
}

RC_GTEST_PROP(Plan, AnyBytesAreReadOrRefused, (const std::string& bytes)) {
  const auto plan = ParsePlan(bytes, "plan.toml");
  RC_ASSERT(!plan.ok());  // no string of that length is a whole plan
  RC_ASSERT(!plan.error().message.empty());
}

RC_GTEST_PROP(Plan, ABrokenSampleIsReadOrRefused, ()) {
  static const std::string sample = SampleToml();
  std::string toml = sample;
  for (int change = *rc::gen::inRange(1, 4); change > 0; --change) {
    const auto place = *rc::gen::inRange<std::size_t>(0, toml.size());
    const auto length = *rc::gen::inRange<std::size_t>(0, 40);
    toml.replace(place, length, *rc::gen::container<std::string>(rc::gen::character<char>()));
  }
  const auto plan = ParsePlan(toml, "plan.toml");
  if (plan.ok()) RC_ASSERT(plan->hash == Sha256(AsBytes(toml)));
}

}  // namespace
}  // namespace fedtrial
