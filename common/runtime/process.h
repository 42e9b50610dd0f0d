#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/runtime/files.h"

namespace fedtrial {

struct ChildOptions {
  std::filesystem::path program;
  std::vector<std::string> arguments;              // without the program's name
  std::map<std::string, std::string> environment;  // the whole of it: nothing is inherited
  std::filesystem::path folder;                    // working folder; empty: ours
  std::size_t max_message_bytes = std::size_t{1} << 30;
};

// How a child ended.
struct ChildEnd {
  std::optional<int> exit_code;  // or
  std::optional<int> signal;
  std::string reason;  // "ended with status 3", "was ended by signal 9 (Killed): probably out of memory"
  bool clean() const { return exit_code == 0; }
};

// A program of ours started with pipes as its stdin and stdout, over which messages of message_pipe.h go; stderr is
// ours. It inherits no other descriptor. Send from one thread and Receive from one at a time, the rest from any thread.
class ChildProcess {
 public:
  static Result<std::unique_ptr<ChildProcess>> Start(const ChildOptions& options);
  ~ChildProcess();  // kills and waits

  // kUnavailable with the reason of its death if the child is gone.
  Status Send(ByteView message);
  // The child's next message. kUnavailable if it is gone, with the reason, or if none began within `timeout`;
  // kIntegrity if it wrote something else.
  Result<Bytes> Receive(std::optional<Duration> timeout = std::nullopt);

  void CloseInput();  // the child reads an end of file: asks it to go
  void Terminate();   // SIGTERM
  void Kill();        // SIGKILL; a Receive that waits comes back
  // kUnavailable if it still runs after `timeout`.
  Result<ChildEnd> Wait(std::optional<Duration> timeout = std::nullopt);
  bool running();

  pid_t pid() const { return pid_; }

 private:
  ChildProcess(const ChildOptions& options, pid_t pid, Fd to_child, Fd from_child, Fd pidfd);
  void Signal(int number);
  std::optional<ChildEnd> Reap();
  Error Gone();

  std::string program_;
  std::size_t max_message_bytes_;
  pid_t pid_;
  Fd to_child_;
  Fd from_child_;
  Fd pidfd_;
  std::mutex mutex_;             // guards what follows, and that no signal goes to a pid already given away
  std::optional<ChildEnd> end_;  // set when reaped
  bool killed_by_us_ = false;
};

}  // namespace fedtrial
