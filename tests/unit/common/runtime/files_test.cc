#include "common/runtime/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/runtime/folder_lock.h"
#include "tests/unit/common/runtime/test_folder.h"

namespace fedtrial {
namespace {

using testing::HasSubstr;

unsigned ModeOf(const std::filesystem::path& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

std::size_t FilesIn(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(WriteWholeFile, ReplacesTheContentAndSetsTheMode) {
  const TestFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "a", AsBytes("one")).ok());
  ASSERT_TRUE(WriteWholeFile(folder / "a", AsBytes("two"), 0640).ok());
  EXPECT_EQ(ReadText(folder / "a"), "two");
  EXPECT_EQ(ModeOf(folder / "a"), 0640u);
  EXPECT_EQ(FilesIn(folder.path()), 1u);
}

TEST(WriteWholeFile, OnAFullDiskTheOldFileStaysAndTheErrorNamesIt) {
  const TestFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "a", AsBytes("old")).ok());
  Status written;
  {
    const FullDisk full(1000);
    written = WriteWholeFile(folder / "a", Bytes(5000, 1));
  }
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(written.error().message, HasSubstr("cannot write " + (folder / "a").string()));
  EXPECT_EQ(ReadText(folder / "a"), "old");
  EXPECT_EQ(FilesIn(folder.path()), 1u);
}

TEST(WriteAll, ToAFullDeviceIsUnavailable) {
  const int device = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(device, 0);
  const Fd fd(device);
  const Status written = WriteAll(fd.get(), AsBytes("x"), "/dev/full");
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error(), (Error{ErrorCode::kUnavailable, "cannot write /dev/full: No space left on device"}));
}

TEST(AtomicFile, KilledWhileWritingLeavesTheOldFileAndARemainderThatIsCleared) {
  const TestFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "a", AsBytes("old")).ok());
  auto child = ChildProcess::Start(Child({"write", folder / "a"}));
  ASSERT_TRUE(child.ok());
  EXPECT_EQ((*child)->Wait()->signal, SIGKILL);
  EXPECT_EQ(ReadText(folder / "a"), "old");
  EXPECT_EQ(FilesIn(folder.path()), 2u);
  ASSERT_TRUE(RemoveTemporaryFiles(folder.path()).ok());
  EXPECT_EQ(FilesIn(folder.path()), 1u);
  EXPECT_EQ(ReadText(folder / "a"), "old");
}

TEST(WriteNewFile, RefusesToReplaceAFile) {
  const TestFolder folder;
  ASSERT_TRUE(WriteNewFile(folder / "key", AsBytes("one")).ok());
  EXPECT_EQ(ModeOf(folder / "key"), 0600u);
  const Status again = WriteNewFile(folder / "key", AsBytes("two"));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(ReadText(folder / "key"), "one");
  EXPECT_EQ(FilesIn(folder.path()), 1u);
}

TEST(ReadWholeFile, RefusesWhatIsMissingTooLargeOrNoFile) {
  const TestFolder folder;
  const auto missing = ReadWholeFile(folder / "none", 10);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message, "cannot open " + (folder / "none").string() + ": No such file or directory");
  ASSERT_TRUE(WriteWholeFile(folder / "a", AsBytes("12345678901")).ok());
  const auto large = ReadWholeFile(folder / "a", 10);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error(),
            (Error{ErrorCode::kInvalidInput, (folder / "a").string() + " has 11 bytes, at most 10 are allowed"}));
  EXPECT_TRUE(ReadWholeFile(folder / "a", 11).ok());
  EXPECT_FALSE(ReadWholeFile(folder.path(), 10).ok());
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(ReadWholeFile(folder / "pipe", 10).error().message, HasSubstr("is not a regular file"));
}

TEST(ReadKeyFile, RefusesAModeWiderThan0600AndSaysSo) {
  const TestFolder folder;
  ASSERT_TRUE(WriteWholeFile(folder / "key", AsBytes("secret"), 0640).ok());
  const auto read = ReadKeyFile(folder / "key");
  ASSERT_FALSE(read.ok());
  const std::string path = (folder / "key").string();
  EXPECT_EQ(read.error(), (Error{ErrorCode::kInvalidInput, "key file " + path +
                                                               " has mode 0640, wanted 0600: others could read it "
                                                               "(chmod 600 " +
                                                               path + ")"}));
  chmod(path.c_str(), 0400);
  const auto tight = ReadKeyFile(folder / "key");
  ASSERT_TRUE(tight.ok());
  EXPECT_EQ(AsText(tight->view()), "secret");
}

TEST(EnsurePrivateFolder, MakesParentsAndRefusesAnOpenOne) {
  const TestFolder folder;
  ASSERT_TRUE(EnsurePrivateFolder(folder / "a/b/c").ok());
  EXPECT_EQ(ModeOf(folder / "a/b/c"), 0700u);
  EXPECT_EQ(ModeOf(folder / "a"), 0700u);
  EXPECT_TRUE(EnsurePrivateFolder(folder / "a/b/c").ok());
  chmod((folder / "a").c_str(), 0755);
  const Status open = EnsurePrivateFolder(folder / "a");
  ASSERT_FALSE(open.ok());
  EXPECT_THAT(open.error().message, HasSubstr("has mode 0755, wanted 0700"));
  ASSERT_TRUE(WriteWholeFile(folder / "file", AsBytes("")).ok());
  EXPECT_THAT(EnsurePrivateFolder(folder / "file").error().message, HasSubstr("is not a folder"));
}

TEST(FreeSpace, IsCheckedBeforeLargeWork) {
  const TestFolder folder;
  EXPECT_TRUE(RequireFreeSpace(folder.path(), 1).ok());
  const Status refused = RequireFreeSpace(folder.path(), std::uint64_t{1} << 62);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr(folder.path().string()));
}

TEST(FolderLock, ASecondProcessIsToldWhoHoldsIt) {
  const TestFolder folder;
  auto child = ChildProcess::Start(Child({"lock", folder.path()}));
  ASSERT_TRUE(child.ok());
  ASSERT_EQ(AsText((*child)->Receive().value()), "locked");
  const auto second = FolderLock::Take(folder.path(), "fedtrial-site");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error(), (Error{ErrorCode::kUnavailable, folder.path().string() + " is in use by process " +
                                                                std::to_string((*child)->pid()) + " (fedtrial-site)"}));
}

TEST(FolderLock, GoesWithItsHolderHoweverThatEnds) {
  const TestFolder folder;
  {
    auto child = ChildProcess::Start(Child({"lock", folder.path()}));
    ASSERT_TRUE(child.ok());
    ASSERT_EQ(AsText((*child)->Receive().value()), "locked");
  }  // killed
  const auto mine = FolderLock::Take(folder.path(), "fedtrial-site");
  ASSERT_TRUE(mine.ok());
  EXPECT_FALSE(FolderLock::Take(folder.path(), "fedtrial-site").ok());
}

}  // namespace
}  // namespace fedtrial
