#include "common/runtime/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include "common/runtime/message_pipe.h"
#include "tests/unit/common/runtime/test_folder.h"

namespace fedtrial {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

std::unique_ptr<ChildProcess> StartChild(std::vector<std::string> arguments) {
  auto child = ChildProcess::Start(Child(std::move(arguments)));
  return child.ok() ? std::move(child).value() : nullptr;
}

TEST(ChildProcess, MessagesGoBothWaysWhole) {
  const auto child = StartChild({"echo"});
  ASSERT_NE(child, nullptr);
  for (const std::size_t size : {0, 1, 70'000, 20'000'000}) {
    Bytes message(size);
    for (std::size_t i = 0; i < size; ++i) message[i] = static_cast<std::uint8_t>(i * 31 >> 3);
    std::jthread sender([&] { EXPECT_TRUE(child->Send(message).ok()); });
    const auto answer = child->Receive();
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_TRUE(*answer == message) << size;
  }
  child->CloseInput();
  const auto end = child->Wait();
  ASSERT_TRUE(end.ok());
  EXPECT_TRUE(end->clean());
}

TEST(ChildProcess, GetsItsFolderItsEnvironmentAndNoOtherDescriptor) {
  const TestFolder folder;
  ChildOptions options = Child({"where"});
  options.folder = folder.path();
  options.environment = {{"OMP_NUM_THREADS", "2"}};
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(AsText((*child)->Receive().value()), std::filesystem::canonical(folder.path()).string());
  EXPECT_EQ(AsText((*child)->Receive().value()), "no home, 2");
  EXPECT_EQ(AsText((*child)->Receive().value()), "0");
}

TEST(ChildProcess, ItsDeathIsAnErrorWithTheReason) {
  const auto with_status = StartChild({"status", "3"});
  EXPECT_EQ(with_status->Receive().error(), (Error{ErrorCode::kUnavailable, "runtime_test ended with status 3"}));
  EXPECT_EQ(with_status->Wait()->exit_code, 3);
  EXPECT_FALSE(with_status->Wait()->clean());
  EXPECT_EQ(with_status->Send(Bytes(1'000'000)).error().message, "runtime_test ended with status 3");

  EXPECT_EQ(StartChild({"signal", std::to_string(SIGKILL)})->Receive().error().message,
            "runtime_test was ended by signal 9 (Killed): probably out of memory");
  EXPECT_THAT(StartChild({"signal", std::to_string(SIGTERM)})->Receive().error().message,
              HasSubstr("signal 15 (Terminated)"));
}

TEST(ChildProcess, KillEndsAWaitingReceive) {
  const auto child = StartChild({"echo"});
  std::jthread killer([&] { child->Kill(); });
  const auto answer = child->Receive();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().message, "runtime_test was ended by signal 9 (Killed): stopped by us");
  EXPECT_FALSE(child->running());
}

TEST(ChildProcess, TerminateAsksAndWaitSaysItStillRuns) {
  const auto child = StartChild({"echo"});
  const auto still = child->Wait(1ms);
  ASSERT_FALSE(still.ok());
  EXPECT_EQ(still.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(child->running());
  child->Terminate();
  EXPECT_EQ(child->Wait()->signal, SIGTERM);
}

TEST(ChildProcess, SilenceIsAnErrorAfterTheTimeoutAndTheNextMessageStillArrives) {
  const auto child = StartChild({"echo"});
  const auto silent = child->Receive(1ms);
  ASSERT_FALSE(silent.ok());
  EXPECT_EQ(silent.error(), (Error{ErrorCode::kUnavailable, "runtime_test: no message on the pipe within 1 ms"}));
  ASSERT_TRUE(child->Send(AsBytes("hello")).ok());
  EXPECT_EQ(AsText(child->Receive(60s).value()), "hello");
}

TEST(ChildProcess, ALengthThatLiesIsRefusedUnread) {
  const auto child = StartChild({"lie"});
  const auto answer = child->Receive();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kIntegrity);
  EXPECT_THAT(answer.error().message, HasSubstr("says it has 4294967295 bytes, at most 67108864 are allowed"));
}

TEST(ChildProcess, AMessageCutByItsEndIsNoMessage) {
  const auto answer = StartChild({"cut"})->Receive();
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message, testing::AnyOf(HasSubstr("closed within a message"), HasSubstr("status 0")));
}

TEST(ChildProcess, AProgramThatIsNotThereIsNamed) {
  ChildOptions options;
  options.program = "/nowhere/fedtrial-worker";
  const auto child = ChildProcess::Start(options);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().message, "cannot start /nowhere/fedtrial-worker: No such file or directory");
}

TEST(ExitWhenClosed, EndsAChildThatNeverReadsWhenItsParentIsGone) {
  const auto child = StartChild({"watch"});
  ASSERT_EQ(AsText(child->Receive().value()), "watching");
  child->CloseInput();
  EXPECT_EQ(child->Wait()->exit_code, 1);
}

TEST(StopSignal, AnOrderlyStopThenAtOnce) {
  const auto child = StartChild({"stop"});
  ASSERT_EQ(AsText(child->Receive().value()), "ready");
  child->Terminate();
  EXPECT_EQ(AsText(child->Receive().value()), "stopped by 15");
  kill(child->pid(), SIGINT);
  EXPECT_EQ(child->Wait()->exit_code, 128 + SIGINT);
}

TEST(StopSignal, ControlCIsTheSame) {
  const auto child = StartChild({"stop"});
  ASSERT_EQ(AsText(child->Receive().value()), "ready");
  kill(child->pid(), SIGINT);
  EXPECT_EQ(AsText(child->Receive().value()), "stopped by 2");
  child->CloseInput();
  EXPECT_TRUE(child->Wait()->clean());  // its end joined the thread that waits for signals
}

}  // namespace
}  // namespace fedtrial
