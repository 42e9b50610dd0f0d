#include "tests/system/coordinator/coordinator_process.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace fedtrial::system_test {
namespace {

std::string Program(const std::string& name) { return std::string(FEDTRIAL_BINARY_DIR) + "/" + name; }

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

// A port that was free a moment ago and that gRPC takes for itself alone.
int FreePort() {
  return 20000 + static_cast<int>((static_cast<unsigned>(getpid()) * 7U + static_cast<unsigned>(rand())) % 20000U);
}

}  // namespace

TempFolder::TempFolder() {
  std::string name = "/tmp/ft-XXXXXX";
  path = mkdtemp(name.data());
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

CommandEnd RunProgram(const std::string& program, const std::vector<std::string>& arguments) {
  std::string line = Quoted(Program(program));
  for (const std::string& argument : arguments) line += " " + Quoted(argument);
  CommandEnd end;
  FILE* pipe = popen((line + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return end;
  std::array<char, 4096> buffer{};
  for (std::size_t count = 0; (count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    end.output.append(buffer.data(), count);
  const int status = pclose(pipe);
  end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return end;
}

CoordinatorProcess::CoordinatorProcess(const std::string& plan_toml) {
  std::ofstream(folder_.path / "plan.toml") << plan_toml;
  const CommandEnd made = RunProgram("fedtrial-coordinator", {"consortium", "init", consortium().string()});
  EXPECT_EQ(made.exit_code, 0) << made.output;
  const CommandEnd init = Consortium({"init", "--plan", (folder_.path / "plan.toml").string(), "--host", "127.0.0.1",
                                      "--port", std::to_string(FreePort())});
  EXPECT_EQ(init.exit_code, 0) << init.output;
}

CoordinatorProcess::~CoordinatorProcess() { Kill(); }

CommandEnd CoordinatorProcess::Command(std::vector<std::string> arguments) const {
  arguments.insert(arguments.end(), {"--state", state().string()});
  return RunProgram("fedtrial-coordinator", arguments);
}

CommandEnd CoordinatorProcess::Consortium(std::vector<std::string> arguments) const {
  arguments.insert(arguments.end(), {"--consortium", consortium().string()});
  return Command(std::move(arguments));
}

void CoordinatorProcess::Start() {
  ChildOptions options;
  options.program = Program("fedtrial-coordinator");
  options.arguments = {"run", "--state", state().string()};
  options.environment = {{"GRPC_VERBOSITY", "NONE"}};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = getenv(name)) options.environment[name] = value;
  auto started = ChildProcess::Start(options);
  ASSERT_TRUE(started.ok()) << started.error().message;
  daemon_ = std::move(started).value();
  EXPECT_TRUE(WaitFor([](const nlohmann::json& status) { return status.value("running", false); }));
}

void CoordinatorProcess::Kill() { daemon_.reset(); }

int CoordinatorProcess::Stop() {
  daemon_->Terminate();
  const auto end = daemon_->Wait(std::chrono::seconds(30));
  daemon_.reset();
  return end.ok() && end->exit_code ? *end->exit_code : -1;
}

nlohmann::json CoordinatorProcess::Status() const {
  const CommandEnd end = Command({"status", "--json"});
  auto status = nlohmann::json::parse(end.output, nullptr, false);
  return status.is_object() ? status : nlohmann::json::object();
}

bool CoordinatorProcess::WaitFor(const std::function<bool(const nlohmann::json&)>& done) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (std::chrono::steady_clock::now() < end) {
    if (done(Status())) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ADD_FAILURE() << "never came to it; the last status:\n" << Status().dump(1);
  return false;
}

}  // namespace fedtrial::system_test
