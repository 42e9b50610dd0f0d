#include <arpa/inet.h>
#include <csignal>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/federation_fixture.h"

namespace fedtrial::system_test {
namespace {

void ExpectSays(const Ran& ran, int status, const std::vector<std::string>& words) {
  EXPECT_EQ(ran.status, status) << ran.out << ran.err;
  for (const std::string& word : words)
    EXPECT_NE((ran.out + ran.err).find(word), std::string::npos)
        << "wanted \"" << word << "\" in: " << ran.out << ran.err;
}

std::string AnotherPlan() {
  TrialOptions options;
  options.id = "another";
  return PlanText(options);
}

TrialOptions ManyRounds() {
  TrialOptions options;
  options.rounds = 20;
  return options;
}

class BadInput : public testing::Test {
 protected:
  Federation federation_{{}};
};

// `fedtrial-site check`: no daemon, no enrolment.
class BadTable : public BadInput {
 protected:
  void SetUp() override {
    const Ran made = federation_.Site(0, {"init", "--name", "site-a", "--data", federation_.path("data/site-a")});
    ASSERT_EQ(made.status, 0) << made.err;
  }
  Ran Check() { return federation_.Site(0, {"check", "--plan", federation_.path("plan.toml")}); }
  void Change(const std::string& table, const std::string& from, const std::string& to) {
    const auto file = federation_.path("data/site-a") / table;
    WriteText(file, Replaced(ReadText(file), from, to));
  }
};

TEST_F(BadTable, AGoodOnePasses) { ExpectSays(Check(), 0, {"This site contributes with 14 patients"}); }

TEST_F(BadTable, AMalformedValueIsNamedWithItsPlaceAndWhatWasWanted) {
  Change("participants.tsv", "p0-3\t", "p0-3\tforty\tx\np0-30\t");
  ExpectSays(Check(), 2, {"participants.tsv:5:2: age_y", "got \"forty\"", "wanted a number"});
}

TEST_F(BadTable, AShortRowIsNamedWithItsPlace) {
  Change("participants.tsv", "p0-3\t", "p0-3\np0-30\t");
  ExpectSays(Check(), 2, {"participants.tsv:5:", "the row has 1 fields, wanted 3"});
}

TEST_F(BadTable, AMissingColumnIsNamed) {
  Change("phenotype/outcome.tsv", "os_event", "event");
  ExpectSays(Check(), 2, {"phenotype/outcome.tsv:1: os_event", "the plan wants this column"});
}

TEST_F(BadTable, AMissingTableIsNamed) {
  std::filesystem::remove(federation_.path("data/site-a/phenotype/outcome.tsv"));
  ExpectSays(Check(), 2, {"phenotype/outcome.tsv"});
}

TEST_F(BadTable, ASiteWithoutAPatientIsToldThatItDeclines) {
  WriteSiteTables(federation_.path("data/site-a"), 0, 0);
  ExpectSays(Check(), 0, {"no patient is in the cohort", "declines every round"});
}

TEST_F(BadTable, EveryProblemOfAConfigurationIsSaidAtOnce) {
  const auto file = federation_.state_of(0) / "site.toml";
  std::string text = Replaced(ReadText(file), "name = \"site-a\"", "name = 5");
  text = Replaced(text, "threads = 1 ", "threads = 0\nthraeds = 2 ");
  WriteText(file, Replaced(text, "idle = \"5m\"", "idle = \"5 weeks\""));
  const std::vector<std::string> words = {"site.toml:4:8: site.name: got 5", "worker.threads: got 0",
                                          "worker.thraeds: unknown key", "worker.idle: got \"5 weeks\""};
  ExpectSays(federation_.Site(0, {"run", "--check-config"}), 2, words);
  ExpectSays(federation_.Site(0, {"run"}), 2, words);
}

TEST_F(BadTable, ATruncatedConfigurationIsRefused) {
  const auto file = federation_.state_of(0) / "site.toml";
  WriteText(file, ReadText(file).substr(0, 130));
  EXPECT_EQ(federation_.Site(0, {"run", "--check-config"}).status, 2);
  WriteText(file, "");
  ExpectSays(federation_.Site(0, {"run", "--check-config"}), 2, {"site"});
}

TEST_F(BadTable, ASiteThatIsntEnrolledDoesNotRun) {
  const Ran ran = federation_.Site(0, {"run"});
  EXPECT_NE(ran.status, 0);
  EXPECT_NE(ran.err.find("enrol"), std::string::npos) << ran.err;
}

// The coordinator's own folder and port.
class BadFolder : public BadInput {
 protected:
  void SetUp() override { ASSERT_TRUE(federation_.Init()); }
  void StopCoordinator() {
    federation_.coordinator().Signal(SIGTERM);
    EXPECT_EQ(federation_.coordinator().Wait(), 0);
  }
};

TEST_F(BadFolder, TwoDaemonsOnOneStateFolderEndTheSecond) {
  ExpectSays(federation_.Coordinator({"run"}), 3,
             {"is in use by process " + std::to_string(federation_.coordinator().pid())});
  EXPECT_TRUE(federation_.Status().value("running", false));
}

TEST_F(BadFolder, OfASiteIsHeldByOneDaemonToo) {
  ASSERT_TRUE(federation_.Enrol());
  federation_.StartSite(0);
  ASSERT_TRUE(Eventually([&] { return federation_.Site(0, {"status", "--json"}).Json().value("running", false); }));
  ExpectSays(federation_.Site(0, {"run"}), 3, {"is in use by process " + std::to_string(federation_.site(0).pid())});
}

TEST_F(BadFolder, WithATrialAlreadyIsntMadeAnother) {
  const std::string before = ReadText(federation_.path("state/plan.toml"));
  WriteText(federation_.path("plan.toml"), AnotherPlan());
  ExpectSays(federation_.Consortium({"init", "--plan", federation_.path("plan.toml"), "--host", "127.0.0.1"}), 2,
             {"holds a trial already"});
  EXPECT_EQ(ReadText(federation_.path("state/plan.toml")), before);
}

TEST_F(BadFolder, OfAnotherTrialIsRefused) {
  StopCoordinator();
  WriteText(federation_.path("state/plan.toml"), AnotherPlan());
  const Ran ran = federation_.Coordinator({"run"});
  EXPECT_NE(ran.status, 0);
  EXPECT_NE(ran.err.find("another"), std::string::npos) << ran.err;
}

TEST_F(BadFolder, APortThatIsTakenIsSaid) {
  StopCoordinator();
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(federation_.port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  ExpectSays(federation_.Coordinator({"run"}), 3, {"cannot listen on 127.0.0.1:" + std::to_string(federation_.port())});
  close(fd);
  EXPECT_TRUE(federation_.StartCoordinator());
}

TEST_F(BadFolder, AKeyThatOthersCanReadIsRefused) {
  StopCoordinator();
  const auto key = federation_.path("state/keys/tls.key");
  std::filesystem::permissions(key, std::filesystem::perms{0644});
  ExpectSays(federation_.Coordinator({"run"}), 2, {"tls.key has mode 0644, wanted 0600"});
  std::filesystem::permissions(key, std::filesystem::perms{0600});
  EXPECT_TRUE(federation_.StartCoordinator());
}

TEST_F(BadFolder, WithoutADaemonACommandToASiteSaysSo) {
  const Ran ran = federation_.Site(0, {"status"});
  EXPECT_NE(ran.status, 0);
  EXPECT_FALSE(ran.err.empty());
}

TEST_F(BadFolder, OutputThatNobodyTakesIsAnError) {
  StartOptions options;
  options.out = "/dev/full";
  options.err = federation_.path("err");
  Process status({ProgramFolder() / "fedtrial-coordinator", "status", "--state", federation_.path("state")}, options);
  EXPECT_EQ(status.Wait(), 3);
  EXPECT_NE(ReadText(options.err).find("cannot write the output"), std::string::npos) << ReadText(options.err);
}

// A full disk is played by a limit on the size of files (EFBIG in place of ENOSPC): what is there stays, nothing grows.
void LimitFiles(const Process& process, rlim_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  ASSERT_EQ(prlimit(process.pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
}

class FullDisk : public BadInput {
 protected:
  void SetUp() override {
    std::signal(SIGXFSZ, SIG_IGN);  // inherited: writing fails, as on a full disk, and no signal ends the daemon
    ASSERT_TRUE(federation_.Start());
    ASSERT_TRUE(Eventually([&] { return federation_.Status().value("rounds_committed", 0) >= 2; }));
  }
  void TearDown() override { std::signal(SIGXFSZ, SIG_DFL); }

  Federation federation_{ManyRounds()};
};

TEST_F(FullDisk, AtTheCoordinatorEndsItWithAWordAndTheTrialGoesOnOnceThereIsRoom) {
  LimitFiles(federation_.coordinator(), 4096);
  const auto ended = federation_.coordinator().Wait();
  EXPECT_TRUE(ended == 3 || ended == 1) << ended.value_or(-1);
  ASSERT_TRUE(federation_.StartCoordinator());
  ASSERT_TRUE(federation_.Finishes());
  EXPECT_TRUE(federation_.AuditsHold());
}

TEST_F(FullDisk, AtASiteEndsItWithAWordAndTheTrialGoesOnOnceThereIsRoom) {
  LimitFiles(federation_.site(0), 4096);
  const auto ended = federation_.site(0).Wait();
  EXPECT_TRUE(ended == 3 || ended == 1) << ended.value_or(-1);
  federation_.StartSite(0);
  ASSERT_TRUE(federation_.Finishes());
  EXPECT_TRUE(federation_.AuditsHold());
}

}  // namespace
}  // namespace fedtrial::system_test
