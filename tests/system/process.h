#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

#include "tests/support/text_files.h"

namespace fedtrial::system_test {

using Arguments = std::vector<std::string>;

// Looks every few milliseconds until `done()` holds; false when `limit` is over first.
template <typename Done>
bool Eventually(const Done& done, std::chrono::seconds limit = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// A folder that goes with its owner; its path is short, as Unix sockets in it want.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct StartOptions {
  std::filesystem::path out = "/dev/null", err = "/dev/null";  // appended to
  std::filesystem::path folder;                                // working folder; empty: ours
  std::map<std::string, std::string> environment;              // on top of ours
};

// A program that was started here, alone in a process group of its own. It and what it started end with its owner.
class Process {
 public:
  Process() = default;
  Process(const Arguments& command, const StartOptions& options);
  Process(Process&& other) noexcept { *this = std::move(other); }
  Process& operator=(Process&& other) noexcept;
  ~Process() { KillGroup(); }

  pid_t pid() const { return pid_; }  // 0 once it has ended
  bool running() { return pid_ != 0 && !TryReap(); }
  void Signal(int number) const;       // to the program alone
  void SignalGroup(int number) const;  // to all in the group, as Ctrl-C in a terminal
  void Kill();                         // -9, and waits
  void KillGroup();
  // Exit status, 128 + number for a signal; nullopt when it still runs after `limit`.
  std::optional<int> Wait(std::chrono::seconds limit = std::chrono::seconds(60));

 private:
  bool TryReap();

  pid_t pid_ = 0;
  pid_t group_ = 0;
  std::optional<int> status_;
};

// Processes whose parent is `parent`.
std::vector<pid_t> ChildrenOf(pid_t parent);

struct Ran {
  int status = -1;
  std::string out, err;
  nlohmann::json Json() const { return nlohmann::json::parse(out, nullptr, /*allow_exceptions=*/false); }
};
Ran RunToEnd(const Arguments& command, std::chrono::seconds limit = std::chrono::seconds(60));

// The folder of the programs: FEDTRIAL_BIN, else this build's.
std::filesystem::path ProgramFolder();

}  // namespace fedtrial::system_test
