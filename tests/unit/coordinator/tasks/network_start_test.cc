#include "coordinator/tasks/network_start.h"

#include <cmath>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/params/model.h"
#include "proto/plan/network.h"
#include "security/crypto/sha256.h"
#include "tests/unit/coordinator/tasks/round.h"
#include "tests/unit/proto/plan/sample_plan.h"

namespace fedtrial::coordinator {
namespace {

using ::testing::HasSubstr;

// Of a network with a static block and a head of each kind of label; `start` is the entry of [network].
std::string NetworkToml(const std::string& start, unsigned seed = 2) {
  return SmallNetwork{.seed = seed,
                      .heads = "[[block]]\nname = \"pseudo\"\nkind = \"head\"\ntarget = \"pseudo-progression\"\n",
                      .network = start + "\n",
                      .more = "[folds]\nrepeats = 1\nfolds = 2\n"}
      .Toml();
}

std::string StartEntry(const Bytes& file, const std::string& more = "") {
  return fmt::format("start = {{ file = \"former.safetensors\", sha256 = \"{}\"{} }}", ToHex(Sha256(file)), more);
}

// What another trial may have left: every tensor of the network moved, and a trial's other tensors.
Model FormerModel() {
  const Plan other = MustParse(NetworkToml("", 9));
  Model model;
  model.tensors = NetworkStartValues(other, NetworkOf(other, {}).value()).value();
  for (auto& [name, tensor] : model.tensors)
    for (std::size_t i = 0; i < tensor.size(); ++i)
      tensor.set(i, tensor.at(i) + 0.01 * std::cos(static_cast<double>(i + name.size())));
  model.tensors["constants/mean"] = Tensor::Of({50.0});
  model.tensors["r01k1/clinical/kind"] = Tensor::Of({1.0});
  return model;
}

Bytes FileOf(const Model& model) { return EncodeModel(model).value(); }

std::string Refusal(const Model& model, const std::string& more = "") {
  const Bytes file = FileOf(model);
  const auto tensors = ReadStartFile(MustParse(NetworkToml(StartEntry(file, more))), file);
  EXPECT_FALSE(tensors.ok());
  return tensors.ok() ? "" : tensors.error().message;
}

// One site's counts: eight patients, of whom so many have the clinical values.
Answer GridAnswer(const Plan& plan, double with_clinical) {
  Answer answer;
  for (const Replica& replica : Replicas(plan)) {
    answer.values[replica.prefix + "grid/at_risk"] = {8, 6};
    answer.values[replica.prefix + "grid/events"] = {2, 3};
    answer.values[replica.prefix + "grid/patients"] = {8};
    answer.values[replica.prefix + "grid/labels"] = {8, 3};
    answer.weights[replica.prefix + "grid"] = 1;
  }
  answer.values["modality_clinical/patients"] = {with_clinical};
  answer.weights["modality_clinical"] = 1;
  return answer;
}

Outcome GridOutcome(const Plan& plan, const StartFileTensors& start) {
  RoundOf round(plan, kGridAt, {});
  for (int site = 0; site < 4; ++site) round.Add(GridAnswer(plan, 8));
  return round.StartFrom(start).MustFinish();
}

TEST(Grid, RefusesAModalityOfMorePatientsThanThereAre) {
  const Plan plan = MustParse(NetworkToml(""));
  RoundOf round(plan, kGridAt, {});
  for (int site = 0; site < 4; ++site) round.Add(GridAnswer(plan, site == 0 ? 9 : 8));
  ServerState server;
  const auto outcome = round.Finish(server);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kIntegrity);
  EXPECT_THAT(outcome.error().message, HasSubstr("33 patients have \"clinical\" of 32"));
}

TEST(StartFile, EveryReplicaBeginsWithExactlyItsBits) {
  const Model former = FormerModel();
  const Bytes file = FileOf(former);
  const Plan plan = MustParse(NetworkToml(StartEntry(file)));
  const auto start = ReadStartFile(plan, file);
  ASSERT_TRUE(start.ok()) << start.error().message;
  const Outcome outcome = GridOutcome(plan, *start);
  ASSERT_TRUE(outcome.next);
  const auto tensors = NetworkTensors(NetworkOf(plan, {}).value(), plan.precision).value();
  for (const std::string prefix : {"", "r01k1/", "r01k2/"})
    for (const NetworkTensor& tensor : tensors)
      EXPECT_EQ(outcome.next->tensors.at(prefix + tensor.spec.name), former.tensors.at(tensor.spec.name))
          << prefix << tensor.spec.name;
  EXPECT_EQ(start->size(), tensors.size()) << "nothing else of the file is read";
}

TEST(StartFile, MayGiveSomeBlocksAndTheOthersStartFromTheSeed) {
  Model former = FormerModel();
  const Bytes whole = FileOf(former);
  std::erase_if(former.tensors, [](const auto& entry) { return !entry.first.starts_with("clinical/"); });
  const Bytes part = FileOf(former);
  const Plan named = MustParse(NetworkToml(StartEntry(whole, ", blocks = [\"clinical\"]")));
  const Plan only = MustParse(NetworkToml(StartEntry(part)));
  const auto seeded = NetworkStartValues(named, NetworkOf(named, {}).value()).value();
  for (const auto& [plan, file] : {std::pair{named, whole}, std::pair{only, part}}) {
    const Outcome outcome = GridOutcome(plan, ReadStartFile(plan, file).value());
    ASSERT_TRUE(outcome.next);
    for (const auto& [name, tensor] : seeded) {
      if (name == "survival/intercept") continue;  // of the pooled hazards
      EXPECT_EQ(outcome.next->tensors.at(name), name.starts_with("clinical/") ? former.tensors.at(name) : tensor)
          << name;
    }
    EXPECT_NEAR(Values(*outcome.next, "survival/intercept")[1], 0.0, 0.2) << "3 of 6";
    EXPECT_NE(Values(*outcome.next, "survival/intercept")[0], 0.0);
  }
}

TEST(StartFile, OfAnotherDigestIsRefused) {
  const Bytes file = FileOf(FormerModel());
  Bytes changed = file;
  changed.back() ^= 1;
  const auto tensors = ReadStartFile(MustParse(NetworkToml(StartEntry(file))), changed);
  ASSERT_FALSE(tensors.ok());
  EXPECT_EQ(tensors.error().code, ErrorCode::kIntegrity);
  EXPECT_EQ(tensors.error().message, fmt::format("start file former.safetensors: its SHA-256 is {}, the plan wants {}",
                                                 ToHex(Sha256(changed)), ToHex(Sha256(file))));
}

TEST(StartFile, WithATensorMissingMisshapenOfAnotherTypeOrNotFiniteIsRefusedByItsName) {
  Model model = FormerModel();
  model.tensors.erase("clinical/in.bias");
  EXPECT_EQ(Refusal(model),
            "start file former.safetensors: tensor \"clinical/in.bias\" isn't there, wanted every "
            "tensor of block \"clinical\"");
  model = FormerModel();
  Tensor& bias = model.tensors.at("clinical/in.bias");
  const std::uint64_t hidden = bias.size();
  bias = Tensor::Zeros({"", {hidden + 1}, ScalarType::kFloat32});
  EXPECT_EQ(Refusal(model), fmt::format("start file former.safetensors: tensor \"clinical/in.bias\" is {} of {}, the "
                                        "plan's network wants {} of {}",
                                        ShapeText({hidden + 1}), ToString(ScalarType::kFloat32), ShapeText({hidden}),
                                        ToString(ScalarType::kFloat32)));
  bias = Tensor::Zeros({"", {hidden}, ScalarType::kFloat64});
  EXPECT_THAT(Refusal(model), HasSubstr("\"clinical/in.bias\" is"));
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    model = FormerModel();
    model.tensors.at("fusion/norm.bias").set(3, value);
    EXPECT_THAT(Refusal(model), HasSubstr("tensor \"fusion/norm.bias\": value 3 is"));
    EXPECT_THAT(Refusal(model), HasSubstr("wanted a finite number"));
  }
}

TEST(StartFile, WithoutABlockThatIsWantedIsRefused) {
  Model model = FormerModel();
  EXPECT_THAT(Refusal(model, ", blocks = [\"mri\"]"), HasSubstr("the network has no block \"mri\", wanted some of"));
  std::erase_if(model.tensors, [](const auto& entry) { return entry.first.starts_with("clinical/"); });
  EXPECT_THAT(Refusal(model, ", blocks = [\"clinical\"]"), HasSubstr("tensor \"clinical/"));
  model.tensors.clear();
  model.tensors["risk/beta"] = Tensor::Of({1.0});
  EXPECT_THAT(Refusal(model), HasSubstr("it has no tensor of the network, wanted some of the blocks: clinical"));
  EXPECT_FALSE(ReadStartFile(MustParse(NetworkToml(StartEntry(Bytes{1, 2, 3}))), Bytes{1, 2, 3}).ok())
      << "no model file";
}

TEST(StartFile, ThatWasNotReadFailsTheGridAndNotTheTrialSilently) {
  const Bytes file = FileOf(FormerModel());
  RoundOf round(MustParse(NetworkToml(StartEntry(file))), kGridAt, {});
  Answer answer;
  answer.values = {{"grid/at_risk", {8, 6}}, {"grid/events", {2, 3}}, {"grid/patients", {8}}, {"grid/labels", {8, 3}}};
  answer.weights = {{"grid", 1}};
  for (int site = 0; site < 3; ++site) round.Add(answer);
  ServerState server;
  const auto outcome = round.Finish(server);
  ASSERT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.error().message, HasSubstr("start file former.safetensors hasn't been read"));
}

}  // namespace
}  // namespace fedtrial::coordinator
