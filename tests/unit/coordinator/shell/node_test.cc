#include "coordinator/shell/node.h"

#include <ctime>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/runtime/clock.h"
#include "common/runtime/files.h"
#include "coordinator/shell/config.h"
#include "coordinator/shell/control.h"
#include "coordinator/shell/view.h"
#include "coordinator/tasks/network_start.h"
#include "model/params/model.h"
#include "proto/plan/network.h"
#include "security/crypto/sha256.h"
#include "security/pki/signed_bytes.h"
#include "tests/unit/coordinator/shell/test_trial.h"

namespace fedtrial::coordinator {
namespace {

class NodeTest : public testing::Test {
 protected:
  Result<std::string> Ask(Node& node, const std::string& command, const nlohmann::json& arguments) {
    bool fatal = false;
    const auto apply = [&](const Input& input) {
      return node.Apply(
          input, SteadyNow(), [](Effect&&) { return Status(); }, fatal);
    };
    return AnswerControl({node, apply, [] {}, "localhost:1"}, command, arguments.dump());
  }
  TestTrial trial;
};

TEST_F(NodeTest, TwoProcessesCannotHaveOneFolder) {
  const auto first = trial.Open();
  const auto second = Node::Open(trial.paths(), Node::Mode::kLocked);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(Node::Open(trial.paths(), Node::Mode::kReadOnly).ok());
}

TEST_F(NodeTest, AFolderHoldsOneTrial) {
  const NewTrial again{trial.paths(), TestPlan(), "plan.toml", {"localhost"}, SampleConfig("a:1", "a:1")};
  const Status made = CreateTrial(again, trial.consortium(), std::time(nullptr), trial.random);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::kInvalidInput);
  EXPECT_NE(made.error().message.find("holds a trial already"), std::string::npos);
}

std::string NetworkPlan(const std::string& start) {
  std::string toml = TestPlan();
  const std::string linear = "name = \"risk\"\nkind = \"linear\"\n";
  toml.replace(toml.find(linear), linear.size(), "name = \"clinical\"\nkind = \"static\"\n");
  const std::string rounds = "rounds = 2\n";
  toml.replace(toml.find(rounds), rounds.size(), "block = \"fusion\"\n" + rounds);
  return toml +
         "[[block]]\nname = \"fusion\"\nkind = \"fusion\"\n[[block]]\nname = \"survival\"\nkind = \"head\"\n"
         "target = \"endpoint.os\"\n[network]\npreset = \"tiny\"\n" +
         start;
}

TEST_F(NodeTest, AStartFileIsCheckedWhenThePlanIsLockedAndKeptSealed) {
  const Plan plain = ParsePlan(NetworkPlan(""), "plan.toml").value();
  Model former;
  former.tensors = NetworkStartValues(plain, NetworkOf(plain, {}).value()).value();
  const Bytes file = EncodeModel(former).value();
  const std::string toml =
      NetworkPlan("start = { file = \"former.safetensors\", sha256 = \"" + ToHex(Sha256(file)) + "\" }\n");
  const NewTrial started{
      {trial.folder / "started"}, toml, "plan.toml", {"localhost"}, SampleConfig("127.0.0.1:0", "a:1"),
      trial.folder.path};
  const auto create = [&] { return CreateTrial(started, trial.consortium(), std::time(nullptr), trial.random); };
  EXPECT_EQ(create().error().code, ErrorCode::kInvalidInput) << "there is no such file";
  Bytes changed = file;
  changed.back() ^= 1;
  ASSERT_TRUE(WriteWholeFile(trial.folder / "former.safetensors", changed).ok());
  const Status refused = create();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("start file former.safetensors: its SHA-256 is"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(started.paths.folder)) << "nothing was locked";

  ASSERT_TRUE(WriteWholeFile(trial.folder / "former.safetensors", file).ok());
  const Status made = create();
  ASSERT_TRUE(made.ok()) << made.error().message;
  std::filesystem::remove(trial.folder / "former.safetensors");
  const auto node = Node::Open(started.paths, Node::Mode::kLocked);
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_EQ((*node)->models().ReadStart().value(), file);
  const Bytes sealed = ReadWholeFile(started.paths.start_file(), 1u << 30).value();
  EXPECT_EQ(AsText(sealed).find("fusion/norm.bias"), std::string_view::npos);
}

TEST_F(NodeTest, AStartFileThatWasChangedIsRefused) {
  const Plan plain = ParsePlan(NetworkPlan(""), "plan.toml").value();
  Model former;
  former.tensors = NetworkStartValues(plain, NetworkOf(plain, {}).value()).value();
  const Bytes file = EncodeModel(former).value();
  ASSERT_TRUE(WriteWholeFile(trial.folder / "former.safetensors", file).ok());
  const NewTrial started{
      {trial.folder / "started"},
      NetworkPlan("start = { file = \"former.safetensors\", sha256 = \"" + ToHex(Sha256(file)) + "\" }\n"),
      "plan.toml",
      {"localhost"},
      SampleConfig("127.0.0.1:0", "a:1"),
      trial.folder.path};
  ASSERT_TRUE(CreateTrial(started, trial.consortium(), std::time(nullptr), trial.random).ok());
  Bytes sealed = ReadWholeFile(started.paths.start_file(), 1u << 30).value();
  sealed[sealed.size() / 2] ^= 1;
  ASSERT_TRUE(WriteWholeFile(started.paths.start_file(), sealed).ok());
  EXPECT_EQ(Node::Open(started.paths, Node::Mode::kLocked).error().code, ErrorCode::kIntegrity);
}

TEST_F(NodeTest, AFolderWithoutATrialSaysSo) {
  const auto node = Node::Open({trial.folder / "nothing"}, Node::Mode::kLocked);
  EXPECT_EQ(node.error().code, ErrorCode::kInvalidInput);
}

TEST_F(NodeTest, AChangedPlanIsNotThePlan) {
  std::string plan = TestPlan();
  plan.replace(plan.find("seed = 1"), 8, "seed = 2");
  ASSERT_TRUE(WriteWholeFile(trial.paths().plan(), AsBytes(plan)).ok());
  EXPECT_EQ(Node::Open(trial.paths(), Node::Mode::kLocked).error().code, ErrorCode::kIntegrity);
}

TEST_F(NodeTest, AnotherTrialsPlanIsRefused) {
  std::string plan = TestPlan();
  plan.replace(plan.find("\"test\""), 6, "\"other\"");
  ASSERT_TRUE(WriteWholeFile(trial.paths().plan(), AsBytes(plan)).ok());
  EXPECT_EQ(Node::Open(trial.paths(), Node::Mode::kLocked).error().code, ErrorCode::kInvalidInput);
}

TEST_F(NodeTest, AKeyThatOthersCanReadIsRefused) {
  std::filesystem::permissions(trial.paths().kek(), std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  const auto node = Node::Open(trial.paths(), Node::Mode::kLocked);
  EXPECT_EQ(node.error().code, ErrorCode::kInvalidInput);
  EXPECT_NE(node.error().message.find("kek"), std::string::npos) << node.error().message;
}

TEST_F(NodeTest, TheJournalBringsTheTrialBack) {
  {
    const auto node = trial.Open();
    trial.EnrolSites(*node, {"a", "b", "c"});
    ASSERT_EQ(node->trial().state(), TrialState::kRunning);
    ASSERT_TRUE(Ask(*node, "pause", {{"reason", "holiday"}}).ok());
  }
  const auto node = trial.Open();
  EXPECT_EQ(node->trial().state(), TrialState::kPaused);
  ASSERT_TRUE(node->trial().roster());
  EXPECT_EQ(node->trial().roster()->entries.size(), 4U);
  ASSERT_NE(node->trial().current(), nullptr);
  EXPECT_EQ(node->trial().current()->id, (RoundId{1, 0}));
  EXPECT_TRUE(node->SignedRosterNow().value());
}

TEST_F(NodeTest, ARosterOfAnotherConsortiumOrAnOlderOneIsRefused) {
  const auto node = trial.Open();
  trial.EnrolSites(*node, {"a", "b", "c"});
  TestTrial other(8);
  Roster roster = trial.consortium().MakeRoster("test", 2).value();
  const auto publish = [&](const SigningKey& key) {
    const SignedRoster signed_roster = SignRoster(key, roster).value();
    return Ask(*node, "publish-roster", {{"roster", ToHex(Pack(signed_roster))}});
  };
  EXPECT_EQ(publish(other.consortium().key()).error().code, ErrorCode::kIntegrity);
  roster.version = 1;
  EXPECT_EQ(publish(trial.consortium().key()).error().code, ErrorCode::kIntegrity);
  roster.version = 2;
  EXPECT_TRUE(publish(trial.consortium().key()).ok());
}

TEST_F(NodeTest, ACommandSaysWhatItLacks) {
  const auto node = trial.Open();
  EXPECT_EQ(Ask(*node, "enrol-token", nlohmann::json::object()).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(Ask(*node, "no such", nlohmann::json::object()).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(Ask(*node, "enrol-token", {{"name", "has space"}}).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(Ask(*node, "request", {{"fingerprint", "0000"}}).error().code, ErrorCode::kInvalidInput);
}

TEST_F(NodeTest, TheCoordinatorsOwnCertificateIsRenewedForTheSameKey) {
  const auto node = trial.Open();
  const auto asked = Ask(*node, "request", {{"fingerprint", node->record().fingerprint}});
  const CertificateRequest request = CertificateRequest::FromJson(asked.value()).value();
  const std::string pem =
      trial.consortium().SignCertificate(request, node->record().fingerprint, std::time(nullptr), trial.random).value();
  ASSERT_TRUE(Ask(*node, "certificate", {{"fingerprint", node->record().fingerprint}, {"pem", pem}}).ok());
  EXPECT_EQ(AsText(ReadWholeFile(trial.paths().certificate(), 1 << 16).value()), pem);
  EXPECT_TRUE(CheckTlsFiles(node->tls_files(), CertificateUse::kServer).ok());
}

TEST_F(NodeTest, StatusAndReportReadWithoutADaemon) {
  {
    const auto node = trial.Open();
    trial.EnrolSites(*node, {"a", "b", "c"});
  }
  const auto node = Node::Open(trial.paths(), Node::Mode::kReadOnly).value();
  const auto status = nlohmann::json::parse(StatusJson(*node, nullptr, 0).value());
  EXPECT_EQ(status.at("state"), "running");
  EXPECT_EQ(status.at("running"), false);
  EXPECT_EQ(status.at("sites").size(), 3U);
  EXPECT_EQ(status.at("rounds_planned"), 4U);
  const auto report = nlohmann::json::parse(ReportJson(*node).value());
  EXPECT_EQ(report.at("plan_sha256"), ToHex(node->plan().hash));
  EXPECT_EQ(report.at("audit").at("coordinator"), "ok");
}

TEST_F(NodeTest, AChangedAuditLineIsNamed) {
  { trial.EnrolSites(*trial.Open(), {"a", "b", "c"}); }
  const std::filesystem::path log = trial.paths().folder / "audit.jsonl";
  std::string text(AsText(ReadWholeFile(log, 1 << 20).value()));
  text.replace(text.find("create"), 6, "credit");
  ASSERT_TRUE(WriteWholeFile(log, AsBytes(text)).ok());
  const auto node = Node::Open(trial.paths(), Node::Mode::kReadOnly).value();
  const auto audit = VerifyOwnAudit(*node);
  ASSERT_FALSE(audit.ok());
  EXPECT_NE(audit.error().message.find("line 1"), std::string::npos) << audit.error().message;
}

}  // namespace
}  // namespace fedtrial::coordinator
