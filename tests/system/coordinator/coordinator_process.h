#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/runtime/process.h"

namespace fedtrial::system_test {

// A new folder, removed at the end. Short, so that control.sock fits.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::filesystem::path path;
};

struct CommandEnd {
  int exit_code = -1;
  std::string output;  // stdout and stderr
};
// Runs a program of this build and waits for it.
CommandEnd RunProgram(const std::string& program, const std::vector<std::string>& arguments);

// One trial with its consortium, run by the real fedtrial-coordinator.
class CoordinatorProcess {
 public:
  // Makes consortium and trial; the daemon isn't started.
  explicit CoordinatorProcess(const std::string& plan_toml);
  ~CoordinatorProcess();  // kills the daemon

  CommandEnd Command(std::vector<std::string> arguments) const;     // with --state added
  CommandEnd Consortium(std::vector<std::string> arguments) const;  // with --consortium and --state added
  void Start();                                                     // and waits until it answers
  void Kill();                                                      // kill -9
  int Stop();                                                       // SIGTERM; its exit code
  bool running() const { return daemon_ != nullptr; }

  nlohmann::json Status() const;
  // Asks again and again until `done`, at most a minute; false if it never was.
  bool WaitFor(const std::function<bool(const nlohmann::json&)>& done) const;

  std::filesystem::path state() const { return folder_.path / "s"; }
  std::filesystem::path consortium() const { return folder_.path / "c"; }
  std::filesystem::path folder() const { return folder_.path; }

 private:
  TempFolder folder_;
  std::unique_ptr<ChildProcess> daemon_;
};

}  // namespace fedtrial::system_test
