#include "common/runtime/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "common/runtime/clock.h"
#include "common/runtime/message_pipe.h"

namespace fedtrial {
namespace {

constexpr Duration kDying{5000};  // a child that closed its pipe gets this long to be seen ending

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError(errno, "make", "a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// Arguments and environment as the C array that exec wants.
class CStrings {
 public:
  void Add(std::string text) { texts_.push_back(std::move(text)); }
  char* const* get() {
    pointers_.clear();
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
    return pointers_.data();
  }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

// What the child does between fork and exec.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void Prepare(int input, int output, const std::filesystem::path& folder) {
    posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    if (!folder.empty()) posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str());
    sigset_t none;
    sigemptyset(&none);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int number : {SIGPIPE, SIGINT, SIGTERM}) sigaddset(&defaults, number);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  int Run(pid_t* pid, const std::filesystem::path& program, CStrings& arguments, CStrings& environment) {
    return posix_spawn(pid, program.c_str(), &actions_, &attributes_, arguments.get(), environment.get());
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

ChildEnd EndOf(int status, bool killed_by_us) {
  ChildEnd end;
  if (WIFEXITED(status)) {
    end.exit_code = WEXITSTATUS(status);
    end.reason = fmt::format("ended with status {}", *end.exit_code);
  } else {
    end.signal = WTERMSIG(status);
    end.reason = fmt::format("was ended by signal {} ({})", *end.signal, sigdescr_np(*end.signal));
    if (end.signal == SIGKILL) end.reason += killed_by_us ? ": stopped by us" : ": probably out of memory";
  }
  return end;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::Start(const ChildOptions& options) {
  ASSIGN_OR_RETURN(Pipe input, MakePipe());
  ASSIGN_OR_RETURN(Pipe output, MakePipe());
  CStrings arguments;
  arguments.Add(options.program.string());
  for (const std::string& argument : options.arguments) arguments.Add(argument);
  CStrings environment;
  for (const auto& [name, value] : options.environment) environment.Add(name + "=" + value);
  SpawnPlan plan;
  plan.Prepare(input.read.get(), output.write.get(), options.folder);
  pid_t pid = 0;
  if (const int error = plan.Run(&pid, options.program, arguments, environment); error != 0)
    return SystemError(error, "start", options.program);
  Fd pidfd(static_cast<int>(
      syscall(SYS_pidfd_open, pid, 0)));  // ours until waited for, so the pid can't have been given away
  if (!pidfd.open()) {
    const Error problem = SystemError(errno, "watch", options.program);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return problem;
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(options, pid, std::move(input.write), std::move(output.read), std::move(pidfd)));
}

ChildProcess::ChildProcess(const ChildOptions& options, pid_t pid, Fd to_child, Fd from_child, Fd pidfd)
    : program_(options.program.filename().string()),
      max_message_bytes_(options.max_message_bytes),
      pid_(pid),
      to_child_(std::move(to_child)),
      from_child_(std::move(from_child)),
      pidfd_(std::move(pidfd)) {}

ChildProcess::~ChildProcess() {
  Kill();
  (void)Wait();
}

Status ChildProcess::Send(ByteView message) {
  const Status sent = WriteMessage(to_child_.get(), message);
  if (sent.ok() || sent.error().code == ErrorCode::kInvalidInput) return sent;
  return Gone();
}

Result<Bytes> ChildProcess::Receive(std::optional<Duration> timeout) {
  auto message = ReadMessage(from_child_.get(), max_message_bytes_, timeout);
  if (!message.ok()) {
    // Cut within a message: how the child ended says more.
    if (message.error().code == ErrorCode::kIntegrity && !running()) return Gone();
    return message.error().In(program_);
  }
  if (!message->has_value()) return Gone();
  return std::move(**message);
}

Error ChildProcess::Gone() {
  const auto end = Wait(kDying);
  return {ErrorCode::kUnavailable,
          fmt::format("{} {}", program_, end.ok() ? end->reason : "closed its pipe but still runs")};
}

void ChildProcess::CloseInput() { to_child_.Close(); }

void ChildProcess::Terminate() { Signal(SIGTERM); }

void ChildProcess::Kill() { Signal(SIGKILL); }

void ChildProcess::Signal(int number) {
  const std::scoped_lock lock(mutex_);
  if (end_) return;
  if (number == SIGKILL) killed_by_us_ = true;
  kill(pid_, number);
}

std::optional<ChildEnd> ChildProcess::Reap() {
  const std::scoped_lock lock(mutex_);
  if (end_) return end_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_) end_ = EndOf(status, killed_by_us_);
  return end_;
}

bool ChildProcess::running() { return !Reap().has_value(); }

Result<ChildEnd> ChildProcess::Wait(std::optional<Duration> timeout) {
  const Time until = SteadyNow() + timeout.value_or(Duration::zero());
  while (true) {
    if (auto end = Reap()) return *end;
    Duration::rep left = -1;  // for ever
    if (timeout) {
      left = std::clamp<Duration::rep>((until - SteadyNow()).count(), 0, std::numeric_limits<int>::max());
      if (left == 0) return Error{ErrorCode::kUnavailable, fmt::format("{} still runs", program_)};
    }
    pollfd ending{pidfd_.get(), POLLIN, 0};
    poll(&ending, 1, static_cast<int>(left));
  }
}

}  // namespace fedtrial
