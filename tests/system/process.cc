#include "tests/system/process.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fedtrial::system_test {
namespace {

// Our environment with `more` on top, in the form that posix_spawn takes.
std::vector<std::string> Environment(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!more.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::string name = "/tmp/fts-XXXXXX";
  if (mkdtemp(name.data()) != nullptr) path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code error;
  if (!path_.empty() && std::getenv("FEDTRIAL_KEEP") == nullptr) std::filesystem::remove_all(path_, error);
}

Process::Process(const Arguments& command, const StartOptions& options) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, options.out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, options.err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (!options.folder.empty()) posix_spawn_file_actions_addchdir_np(&files, options.folder.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::vector<std::string> arguments = command, environment = Environment(options.environment);
  const int failed = posix_spawnp(&pid_, command.front().c_str(), &files, &attributes, Pointers(arguments).data(),
                                  Pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) pid_ = 0;
  group_ = pid_;
  EXPECT_EQ(failed, 0) << "can't start " << command.front();
}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  KillGroup();
  pid_ = std::exchange(other.pid_, 0);
  group_ = std::exchange(other.group_, 0);
  status_ = std::exchange(other.status_, std::nullopt);
  return *this;
}

bool Process::TryReap() {
  int status = 0;
  if (pid_ == 0 || waitpid(pid_, &status, WNOHANG) != pid_) return pid_ == 0;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  pid_ = 0;
  return true;
}

void Process::Signal(int number) const {
  if (pid_ != 0) kill(pid_, number);
}

void Process::SignalGroup(int number) const {
  if (group_ != 0) kill(-group_, number);
}

void Process::Kill() {
  Signal(SIGKILL);
  Wait();
}

void Process::KillGroup() {
  SignalGroup(SIGKILL);
  Wait();
  group_ = 0;
}

std::optional<int> Process::Wait(std::chrono::seconds limit) {
  if (pid_ != 0) Eventually([this] { return TryReap(); }, limit);
  return status_;
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string stat = ReadText(entry.path() / "stat");  // pid (name) state ppid ...
    const std::size_t end = stat.rfind(')');
    if (end == std::string::npos || end + 4 > stat.size()) continue;
    if (std::atoi(stat.c_str() + end + 4) == parent) children.push_back(std::atoi(name.c_str()));
  }
  return children;
}

Ran RunToEnd(const Arguments& command, std::chrono::seconds limit) {
  const ScratchFolder folder;
  StartOptions options;
  options.out = folder.path() / "out";
  options.err = folder.path() / "err";
  Process process(command, options);
  const auto status = process.Wait(limit);
  EXPECT_TRUE(status.has_value()) << command.front() << " " << (command.size() > 1 ? command[1] : "")
                                  << " hasn't ended within " << limit.count() << " s";
  Ran ran{status.value_or(-1), ReadText(options.out), ReadText(options.err)};
  std::error_code error;
  std::filesystem::remove_all(folder.path(), error);  // even where folders are kept: there are thousands of these
  return ran;
}

std::filesystem::path ProgramFolder() {
  const char* folder = std::getenv("FEDTRIAL_BIN");
  return folder != nullptr ? folder : FEDTRIAL_BINARY_DIR;
}

}  // namespace fedtrial::system_test
