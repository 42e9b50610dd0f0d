// What the tests run as another process: this same program with "--child KIND [PATH]". It answers over its pipes.

#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <signal.h>
#include <string>
#include <unistd.h>

#include "common/runtime/files.h"
#include "common/runtime/folder_lock.h"
#include "common/runtime/message_pipe.h"
#include "common/runtime/signals.h"
#include "common/runtime/store.h"

namespace fedtrial {
namespace {

bool Say(std::string_view text) { return WriteMessage(STDOUT_FILENO, AsBytes(text)).ok(); }

// Returns with the pipe's end.
void WaitForEnd() {
  while (true) {
    const auto message = ReadMessage(STDIN_FILENO, 1024);
    if (!message.ok() || !message->has_value()) return;
  }
}

int Echo(const std::string&) {
  while (true) {
    const auto message = ReadMessage(STDIN_FILENO, 64 << 20);
    if (!message.ok() || !message->has_value()) return 0;
    if (!WriteMessage(STDOUT_FILENO, **message).ok()) return 1;
  }
}

int SayWhereIAm(const std::string&) {
  Say(std::filesystem::current_path().string());
  const char* home = std::getenv("HOME");
  const char* threads = std::getenv("OMP_NUM_THREADS");
  Say(std::string(home == nullptr ? "no home" : home) + ", " + (threads == nullptr ? "none" : threads));
  int open = 0;
  for (int fd = 3; fd < 256; ++fd) open += lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF ? 1 : 0;
  Say(std::to_string(open));
  return 0;
}

int Lie(const std::string&) {
  const Bytes length = ByteWriter().U32(0xffffffff).Take();
  (void)WriteAll(STDOUT_FILENO, length, "the pipe");
  WaitForEnd();
  return 0;
}

int CutAMessage(const std::string&) {
  const Bytes bytes = ByteWriter().U32(100).U8(1).Take();
  (void)WriteAll(STDOUT_FILENO, bytes, "the pipe");
  return 0;
}

int TakeOrders(const std::string&) {
  auto stop = StopSignal::Install();
  if (!stop.ok()) return 1;
  Say("ready");
  const auto number = (*stop)->Wait();
  Say("stopped by " + std::to_string(*number));
  WaitForEnd();  // a second signal ends us here
  return 0;
}

int DieInATransaction(const std::string& path) {
  StoreOptions options;
  options.trial = "t1";
  auto store = OpenSqliteStore(path, options);
  if (!store.ok()) return 1;
  if (!(*store)->Append("journal", AsBytes("kept")).ok()) return 1;
  (void)(*store)->Transaction([&]() -> Status {
    RETURN_IF_ERROR((*store)->Put("table", "key", Bytes(100'000, 7)));
    const auto appended = (*store)->Append("journal", AsBytes("lost"));
    if (!appended.ok()) return appended.error();
    raise(SIGKILL);
    return {};
  });
  return 1;
}

int DieWhileWriting(const std::string& path) {
  auto file = AtomicFile::Create(path);
  if (!file.ok() || !file->Write(Bytes(100'000, 'x')).ok()) return 1;
  raise(SIGKILL);
  return 1;
}

int HoldLock(const std::string& path) {
  const auto lock = FolderLock::Take(path, "fedtrial-site");
  Say(lock.ok() ? "locked" : lock.error().message);
  WaitForEnd();
  return 0;
}

int WatchParent(const std::string&) {
  ExitWhenClosed(STDIN_FILENO);
  Say("watching");
  while (true) pause();
}

int Main(const std::string& kind, const std::string& argument) {
  const std::map<std::string, std::function<int(const std::string&)>> kinds{
      {"echo", Echo},
      {"where", SayWhereIAm},
      {"lie", Lie},
      {"cut", CutAMessage},
      {"stop", TakeOrders},
      {"transaction", DieInATransaction},
      {"write", DieWhileWriting},
      {"lock", HoldLock},
      {"watch", WatchParent},
      {"status", [](const std::string& number) { return std::stoi(number); }},
      {"signal", [](const std::string& number) { return raise(std::stoi(number)); }}};
  const auto found = kinds.find(kind);
  return found == kinds.end() ? 99 : found->second(argument);
}

}  // namespace
}  // namespace fedtrial

int main(int argc, char** argv) {
  if (argc > 2 && std::string(argv[1]) == "--child") return fedtrial::Main(argv[2], argc > 3 ? argv[3] : "");
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
