#include "tests/statistical/program.h"

#include <cstdlib>
#include <sys/wait.h>

#include "gtest/gtest.h"

namespace fedtrial {
namespace {

std::string Quoted(const std::string& argument) {
  std::string out = "'";
  for (const char c : argument) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace

Ran RunProgram(const std::string& command) {
  const ScratchFolder folder;
  const auto out = folder / "out", err = folder / "err";
  const int status = std::system((command + " >" + Quoted(out) + " 2>" + Quoted(err)).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadText(out), ReadText(err)};
}

Ran RunSim(const std::vector<std::string>& arguments) {
  std::string command = Quoted(FEDTRIAL_BINARY_DIR "/fedtrial-sim");
  for (const std::string& argument : arguments) command += " " + Quoted(argument);
  return RunProgram(command);
}

std::filesystem::path SourceFolder() { return FEDTRIAL_SOURCE_DIR; }

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "fedtrial-statistical-XXXXXX").string();
  path_ = mkdtemp(name.data()) == nullptr ? std::filesystem::path() : std::filesystem::path(name);
}

ScratchFolder::~ScratchFolder() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

}  // namespace fedtrial
