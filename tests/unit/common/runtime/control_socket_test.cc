#include "common/runtime/control_socket.h"

#include <condition_variable>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <sys/stat.h>

#include "tests/unit/common/runtime/test_folder.h"

namespace fedtrial {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

Result<std::string> Answer(const std::string& command, const std::string& json) {
  if (command == "pause") return "{\"got\":" + json + "}";
  return Error{ErrorCode::kNotApproved, "command " + command + " is not one of mine"};
}

TEST(ControlSocket, CarriesCommandsAnswersAndErrorsWithTheirCode) {
  const TestFolder folder;
  const auto server = ControlServer::Start(folder.path(), Answer);
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_EQ(CallControl(folder.path(), "pause", "[1]").value(), "{\"got\":[1]}");
  EXPECT_EQ(CallControl(folder.path(), "dance", "").error(),
            (Error{ErrorCode::kNotApproved, "command dance is not one of mine"}));
  const std::string large(5'000'000, '1');
  EXPECT_EQ(CallControl(folder.path(), "pause", large).value().size(), large.size() + 8);
  EXPECT_EQ(CallControl(folder.path(), "pause", std::string(17'000'000, '1')).error().code, ErrorCode::kInvalidInput);
}

TEST(ControlSocket, IsTheOwnersAlone) {
  const TestFolder folder;
  const auto server = ControlServer::Start(folder.path(), Answer);
  struct stat info {};
  ASSERT_EQ(stat((folder / "control.sock").c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const TestFolder open;
  chmod(open.path().c_str(), 0755);
  EXPECT_THAT(ControlServer::Start(open.path(), Answer).error().message, HasSubstr("has mode 0755, wanted 0700"));
}

TEST(ControlSocket, WithoutADaemonTheErrorSaysSo) {
  const TestFolder folder;
  const Error nobody{ErrorCode::kUnavailable, "no daemon runs in " + folder.path().string()};
  EXPECT_EQ(CallControl(folder.path(), "pause", "").error(), nobody);
  ASSERT_TRUE(ControlServer::Start(folder.path(), Answer).ok());  // and gone again
  EXPECT_EQ(CallControl(folder.path(), "pause", "").error(), nobody);
}

TEST(ControlSocket, ASocketLeftByAKilledDaemonIsReplaced) {
  const TestFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "control.sock", AsBytes("")).ok());
  EXPECT_EQ(CallControl(folder.path(), "pause", "").error().code, ErrorCode::kUnavailable);
  const auto server = ControlServer::Start(folder.path(), Answer);
  ASSERT_TRUE(server.ok());
  EXPECT_TRUE(CallControl(folder.path(), "pause", "1").ok());
}

TEST(ControlSocket, APathTooLongForASocketIsRefusedByBothSides) {
  const TestFolder folder;
  const std::filesystem::path deep = folder / std::string(100, 'x');
  EXPECT_THAT(ControlServer::Start(deep, Answer).error().message, HasSubstr("a Unix socket's path has at most 107"));
  EXPECT_EQ(CallControl(deep, "pause", "").error().code, ErrorCode::kInvalidInput);
}

TEST(ControlSocket, ADaemonThatDoesNotAnswerIsAnErrorAfterTheTimeout) {
  const TestFolder folder;
  std::mutex mutex;
  std::condition_variable let_go;
  bool free = false;
  const auto server = ControlServer::Start(folder.path(), [&](const std::string&, const std::string&) {
    std::unique_lock lock(mutex);
    let_go.wait(lock, [&] { return free; });
    return Result<std::string>("late");
  });
  ASSERT_TRUE(server.ok());
  const auto answer = CallControl(folder.path(), "pause", "", 200ms);
  {
    const std::scoped_lock lock(mutex);
    free = true;
  }
  let_go.notify_all();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("did not answer pause within 200 ms"));
}

}  // namespace
}  // namespace fedtrial
