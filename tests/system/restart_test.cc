#include <csignal>
#include <gtest/gtest.h>

#include "tests/system/federation_fixture.h"

namespace fedtrial::system_test {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;

constexpr const char* kPhases[] = {"hello", "keys", "shares", "masked", "agree", "unmask"};

TrialOptions Options() {
  TrialOptions options;
  options.rounds = 24;  // enough of them that each phase is caught once
  return options;
}

std::size_t Count(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

std::string RunUndisturbed() {
  Federation federation(Options());
  if (!federation.Start() || !federation.Finishes()) return "";
  return federation.FinalModel();
}

// The final model where nobody is killed: of another trial, with other keys, under the same plan.
const std::string& UndisturbedModel() {
  static const std::string model = RunUndisturbed();
  return model;
}

class Restart : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(UndisturbedModel(), "");
    ASSERT_TRUE(federation_.Start());
  }

  void ExpectTheSameEnd() {
    ASSERT_TRUE(federation_.Finishes());
    EXPECT_EQ(federation_.FinalModel(), UndisturbedModel());
    const auto report = federation_.Coordinator({"report", "--json"}).Json();
    ASSERT_TRUE(report.is_object());
    for (const auto& round : report.at("rounds"))
      EXPECT_EQ(round.at("included").size(), federation_.sites()) << round.dump();
    EXPECT_TRUE(federation_.AuditsHold());
  }

  // The worker of a site, once it has one.
  pid_t WorkerOf(std::size_t site) {
    std::vector<pid_t> workers;
    Eventually([&] {
      workers = ChildrenOf(federation_.site(site).pid());
      return !workers.empty();
    });
    return workers.empty() ? 0 : workers.front();
  }

  bool HasCommitted(std::uint64_t rounds) {
    return Eventually([&] { return federation_.Status().value("rounds_committed", std::uint64_t{0}) >= rounds; });
  }

  Federation federation_{Options()};
};

TEST_F(Restart, AfterTheCoordinatorWasKilledInAnyPhaseTheModelIsTheSame) {
  for (const char* phase : kPhases) {
    SCOPED_TRACE(phase);
    ASSERT_TRUE(federation_.HoldPhase(phase));
    federation_.coordinator().Kill();
    ASSERT_TRUE(federation_.StartCoordinator());
    federation_.LetGo();
  }
  ExpectTheSameEnd();
}

TEST_F(Restart, AfterASiteWasKilledThatHadAnsweredInAnyPhaseTheModelIsTheSame) {
  for (const char* phase : kPhases) {
    SCOPED_TRACE(phase);
    ASSERT_TRUE(federation_.HoldPhase(phase));
    federation_.site(0).Kill();
    federation_.StartSite(0);
    federation_.LetGo();
  }
  ExpectTheSameEnd();
}

TEST_F(Restart, AfterASiteWasKilledBeforeItsAnswerInAnyPhaseTheModelIsTheSame) {
  for (const char* phase : kPhases) {
    SCOPED_TRACE(phase);
    ASSERT_TRUE(federation_.HoldPhase(phase));
    federation_.site(kHeld[0]).Kill();
    federation_.StartSite(kHeld[0]);
    federation_.LetGo();
  }
  ExpectTheSameEnd();
}

TEST_F(Restart, AWorkerKilledInTheMiddleOfItsTaskIsReplacedAndTheModelIsTheSame) {
  for (int i = 0; i < 2; ++i) {
    const pid_t worker = WorkerOf(0);
    ASSERT_NE(worker, 0);
    ASSERT_EQ(kill(worker, SIGSTOP), 0);  // so that a task, this one or the next, is under way when it is killed
    ASSERT_TRUE(Eventually([&] {
      const std::string log = federation_.SiteLog(0);
      return Count(log, "task started") > Count(log, "task done");
    }));
    ASSERT_EQ(kill(worker, SIGKILL), 0);
    ASSERT_TRUE(Eventually([&] {
      const auto workers = ChildrenOf(federation_.site(0).pid());
      return !workers.empty() && workers.front() != worker;
    })) << federation_.SiteLog(0);
  }
  ExpectTheSameEnd();
}

TEST_F(Restart, AKilledSiteLeavesNoWorkerBehind) {
  const pid_t worker = WorkerOf(0);
  ASSERT_NE(worker, 0);
  federation_.site(0).Kill();
  EXPECT_TRUE(Eventually([&] {
    const std::string stat = ReadText("/proc/" + std::to_string(worker) + "/stat");
    return stat.empty() || stat.find(") Z ") != std::string::npos;
  }));
  federation_.StartSite(0);
  ExpectTheSameEnd();
}

TEST_F(Restart, AfterCtrlCEverywhereRunGoesOnToTheSameModel) {
  ASSERT_TRUE(HasCommitted(3));
  federation_.coordinator().SignalGroup(SIGINT);
  for (std::size_t i = 0; i < federation_.sites(); ++i) federation_.site(i).SignalGroup(SIGINT);
  EXPECT_EQ(federation_.coordinator().Wait(), 0);
  for (std::size_t i = 0; i < federation_.sites(); ++i) EXPECT_EQ(federation_.site(i).Wait(), 0) << SiteName(i);

  ASSERT_TRUE(federation_.StartCoordinator());
  for (std::size_t i = 0; i < federation_.sites(); ++i) federation_.StartSite(i);
  ExpectTheSameEnd();
}

}  // namespace
}  // namespace fedtrial::system_test
