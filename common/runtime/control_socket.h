#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace grpc {
class Server;
}

namespace fedtrial {

// Commands ask the running daemon through `control.sock` in its state folder (gRPC on a Unix socket that only the owner
// can reach). Request and answer are JSON texts of at most 16 MiB, whose meaning is the caller's.
using ControlHandler = std::function<Result<std::string>(const std::string& command, const std::string& json)>;

class ControlServer {
 public:
  // The caller holds the folder's lock; a socket left by a killed daemon is replaced. `handler` runs on gRPC threads,
  // several at a time. kInvalidInput if others can enter the folder or its path is too long for a Unix socket.
  static Result<std::unique_ptr<ControlServer>> Start(const std::filesystem::path& folder, ControlHandler handler);
  ~ControlServer();  // answers to running calls are waited for

 private:
  class Service;
  ControlServer(std::filesystem::path socket, std::unique_ptr<Service> service);

  std::filesystem::path socket_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
};

// The handler's answer or its error, code kept; kUnavailable "no daemon runs in FOLDER" if nobody listens.
Result<std::string> CallControl(const std::filesystem::path& folder, std::string_view command, std::string_view json,
                                Duration timeout = std::chrono::seconds(60));

// The daemon's answer; nullopt where none runs and `open` could take the folder. A daemon that is just starting holds
// the folder before it listens, and another command may: where `open` says kUnavailable, both are tried for 5 s.
Result<std::optional<std::string>> CallControlOrOpen(const std::filesystem::path& folder, std::string_view command,
                                                     std::string_view json, const std::function<Status()>& open);

}  // namespace fedtrial
