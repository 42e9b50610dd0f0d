#include <gtest/gtest.h>
#include <set>

#include "common/runtime/files.h"
#include "security/crypto/sha256.h"
#include "tests/system/coordinator/coordinator_process.h"
#include "tests/system/coordinator/fake_site.h"

// The real coordinator, as a process, with sites whose core and connection are real.
namespace fedtrial::system_test {
namespace {

using nlohmann::json;

std::string Plan(unsigned sites, unsigned min_sites, unsigned train_rounds, const std::string& min_open = "0s",
                 const std::string& max_open = "60s") {
  std::string text = R"([trial]
id = "fakes"
title = "Sites out of the air"
seed = 1
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [10.0, 20.0, 30.0]
[[feature]]
name = "age"
from = "participants.age"
range = [0.0, 100.0]
[[block]]
name = "risk"
kind = "linear"
features = ["age"]
[[step]]
task = "normalise"
[[step]]
task = "grid"
[[step]]
task = "train"
)";
  text += "rounds = " + std::to_string(train_rounds) + "\n";
  text += "[cohort]\nmin_patients = 5\n[encoding]\nword_bits = 32\npatient_cap = 100\n[rules]\n";
  text += "sites = " + std::to_string(sites) + "\nmin_sites = " + std::to_string(min_sites) +
          "\nthreshold = " + std::to_string(min_sites) + "\nretry_after = \"1s\"\nspare_rounds = 20\n";
  for (const char* phase : {"hello", "keys", "shares", "masked", "agree", "unmask"})
    text += "[rules." + std::string(phase) + "]\nmin_open = \"" + min_open + "\"\nmax_open = \"" + max_open + "\"\n";
  return text;
}

class CoordinatorTest : public testing::Test {
 protected:
  // Invites, enrols, signs and publishes, all through commands and the network; the daemon runs afterwards.
  void Make(const std::string& plan, const std::vector<std::string>& names) {
    coordinator = std::make_unique<CoordinatorProcess>(plan);
    ASSERT_NO_FATAL_FAILURE(coordinator->Start());
    for (const std::string& name : names) {
      const std::filesystem::path file = coordinator->folder() / (name + ".enrol");
      const CommandEnd token = coordinator->Command({"enrol-token", name, "--out", file.string()});
      ASSERT_EQ(token.exit_code, 0) << token.output;
      const Bytes text = ReadWholeFile(file, 1 << 16).value();
      sites.push_back(
          std::make_unique<FakeSite>(coordinator->folder() / name, EnrolmentFile::FromJson(AsText(text)).value()));
      const Status enrolled = sites.back()->Enrol();
      ASSERT_TRUE(enrolled.ok()) << enrolled.error().message;
      const CommandEnd done =
          coordinator->Consortium({"consortium", "sign", "--fingerprint", sites.back()->fingerprint()});
      ASSERT_EQ(done.exit_code, 0) << done.output;
    }
    const CommandEnd roster = coordinator->Consortium({"consortium", "roster"});
    ASSERT_EQ(roster.exit_code, 0) << roster.output;
    for (const auto& site : sites) {
      const Status collected = site->Collect();
      ASSERT_TRUE(collected.ok()) << collected.error().message;
    }
  }
  json Report() const { return json::parse(coordinator->Command({"report", "--json"}).output); }
  static bool Finished(const json& status) { return status.value("state", "") == "finished"; }

  std::unique_ptr<CoordinatorProcess> coordinator;
  std::vector<std::unique_ptr<FakeSite>> sites;
};

TEST_F(CoordinatorTest, AWholeTrialRunsOverMutualTls) {
  Make(Plan(3, 3, 3), {"north", "south", "west"});
  for (const auto& site : sites) site->Start();
  ASSERT_TRUE(coordinator->WaitFor(Finished));

  const json report = Report();
  ASSERT_EQ(report.at("rounds").size(), 5U);
  for (const json& round : report.at("rounds")) {
    EXPECT_EQ(round.at("included"), json({"north", "south", "west"}));
    EXPECT_GT(round.at("seconds").get<double>(), 0.0);
  }
  EXPECT_TRUE(report.at("rounds").back().at("loss").is_number());
  EXPECT_EQ(report.at("chain").size(), 5U);
  EXPECT_EQ(report.at("audit").at("coordinator"), "ok");
  for (const char* name : {"north", "south", "west"}) {
    const json& bytes = report.at("upload_bytes").at(name);
    EXPECT_EQ(bytes.at("uploads"), 5);
    EXPECT_GT(bytes.at("sent").get<std::uint64_t>(), bytes.at("plain_float32").get<std::uint64_t>());
  }

  const std::filesystem::path model = coordinator->folder() / "model.safetensors";
  ASSERT_EQ(coordinator->Command({"model", "export", "--out", model.string()}).exit_code, 0);
  const Bytes bytes = ReadWholeFile(model, 1 << 20).value();
  EXPECT_EQ(ToHex(Sha256(bytes)), report.at("model"));
  const auto decoded = DecodeModel(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_TRUE(decoded->Find("risk/beta").ok());
  EXPECT_EQ(decoded->metadata.at("trial"), "fakes");
  EXPECT_EQ(coordinator->Command({"verify-audit"}).exit_code, 0);
  EXPECT_EQ(coordinator->Command({"status", "--follow"}).exit_code, 0);
  EXPECT_EQ(coordinator->Stop(), 0);
  EXPECT_FALSE(std::filesystem::exists(coordinator->state() / "spool" / "1-0"));
}

TEST_F(CoordinatorTest, KilledInEachPhaseItGoesOnWhereItWas) {
  Make(Plan(3, 3, 8), {"north", "south", "west"});
  sites[2]->Hold(Phase::kHello);
  for (const auto& site : sites) site->Start();
  constexpr Phase kPhases[] = {Phase::kHello,  Phase::kKeys,  Phase::kShares,
                               Phase::kMasked, Phase::kAgree, Phase::kUnmask};
  for (std::size_t i = 0; i < std::size(kPhases); ++i) {
    const std::string phase(ToString(kPhases[i]));
    ASSERT_TRUE(coordinator->WaitFor([&](const json& status) {
      return status.value("phase", "") == phase && status.value("sites_heard", 0) == 2;
    })) << phase;
    const json before = coordinator->Status();
    coordinator->Kill();
    EXPECT_EQ(coordinator->Status().value("phase", ""), phase);
    coordinator->Start();
    const json after = coordinator->Status();
    EXPECT_EQ(after.at("round"), before.at("round"));
    EXPECT_EQ(after.at("attempt"), before.at("attempt"));
    if (i + 1 < std::size(kPhases))
      sites[2]->HoldNext(kPhases[i + 1]);
    else
      sites[2]->LetGo();
  }
  ASSERT_TRUE(coordinator->WaitFor(Finished));
  const json report = Report();
  EXPECT_EQ(report.at("rounds").size(), 10U);
  EXPECT_EQ(report.at("failed_attempts").size(), 0U);
  EXPECT_EQ(report.at("audit").at("coordinator"), "ok");
  for (const auto& site : sites) EXPECT_EQ(site->problems(), std::vector<std::string>()) << site->name();
}

TEST_F(CoordinatorTest, ASiteThatDeclinesIsReportedWithItsReasonAndTheTrialGoesOn) {
  Make(Plan(4, 3, 2, "20s"), {"north", "south", "west", "east"});
  sites[3]->patients = 3;  // below the plan's minimum: it declines with its reason
  for (const auto& site : sites) site->Start();
  ASSERT_TRUE(coordinator->WaitFor(Finished));
  const json report = Report();
  for (const json& round : report.at("rounds")) {
    EXPECT_EQ(round.at("included").size(), 3U);
    const json& east = round.at("sites").at("east");
    EXPECT_EQ(east.at("outcome"), "refused");
    EXPECT_NE(east.at("reason").get<std::string>(), "");
  }
}

TEST_F(CoordinatorTest, PauseHoldsTheTrialAndResumeGoesOnWithoutADaemonToo) {
  Make(Plan(3, 3, 2), {"north", "south", "west"});
  ASSERT_EQ(coordinator->Command({"pause", "--reason", "holiday"}).exit_code, 0);
  EXPECT_EQ(coordinator->Status().at("state"), "paused");
  EXPECT_EQ(coordinator->Stop(), 0);
  ASSERT_EQ(coordinator->Command({"resume"}).exit_code, 0);
  EXPECT_EQ(coordinator->Status().at("state"), "running");
  coordinator->Start();
  for (const auto& site : sites) site->Start();
  EXPECT_TRUE(coordinator->WaitFor(Finished));
}

TEST_F(CoordinatorTest, ErrorsOfUseHaveTheirExitCodes) {
  Make(Plan(3, 3, 1), {"north"});
  EXPECT_EQ(RunProgram("fedtrial-coordinator", {}).exit_code, 2);
  EXPECT_EQ(RunProgram("fedtrial-coordinator", {"--help"}).exit_code, 0);
  EXPECT_EQ(RunProgram("fedtrial-coordinator", {"run"}).exit_code, 2);
  const CommandEnd second = coordinator->Command({"run"});
  EXPECT_EQ(second.exit_code, 3);
  EXPECT_NE(second.output.find("in use by process"), std::string::npos) << second.output;
  const CommandEnd again = coordinator->Consortium(
      {"init", "--plan", (coordinator->folder() / "plan.toml").string(), "--host", "127.0.0.1"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.output.find("holds a trial already"), std::string::npos) << again.output;
  EXPECT_EQ(coordinator->Consortium({"consortium", "sign", "--fingerprint", "0000"}).exit_code, 2);
  EXPECT_EQ(coordinator->Command({"model", "export", "--out", "/nowhere"}).exit_code, 2);
  EXPECT_EQ(coordinator->Command({"run", "--check-config"}).exit_code, 0);
}

}  // namespace
}  // namespace fedtrial::system_test
