#include "common/runtime/control_socket.h"

#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "common/runtime/files.h"
#include "proto/fedtrial/v1/control.grpc.pb.h"

namespace fedtrial {
namespace {

constexpr int kMaxControlBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;

Result<std::filesystem::path> SocketOf(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::path socket = std::filesystem::absolute(folder, error) / "control.sock";
  if (error) return SystemError(error.value(), "find", folder);
  if (socket.string().size() > kMaxPath)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} has {} characters, a Unix socket's path has at most {}: choose a shorter state folder",
                             socket.string(), socket.string().size(), kMaxPath)};
  return socket;
}

ErrorCode CodeFrom(std::uint32_t number) {
  const bool known = number <= static_cast<std::uint32_t>(ErrorCode::kInternal);
  return known ? static_cast<ErrorCode>(number) : ErrorCode::kInternal;
}

}  // namespace

class ControlServer::Service final : public v1::Control::Service {
 public:
  explicit Service(ControlHandler handler) : handler_(std::move(handler)) {}

  grpc::Status Call(grpc::ServerContext*, const v1::ControlRequest* request, v1::ControlReply* reply) override {
    auto answer = handler_(request->command(), request->json());
    reply->set_ok(answer.ok());
    if (answer.ok()) {
      reply->set_json(std::move(answer).value());
    } else {
      reply->set_error_code(static_cast<std::uint32_t>(answer.error().code));
      reply->set_error(answer.error().message);
    }
    return grpc::Status::OK;
  }

 private:
  const ControlHandler handler_;
};

ControlServer::ControlServer(std::filesystem::path socket, std::unique_ptr<Service> service)
    : socket_(std::move(socket)), service_(std::move(service)) {}

ControlServer::~ControlServer() {
  if (server_ != nullptr) server_->Shutdown();
  unlink(socket_.c_str());
}

Result<std::unique_ptr<ControlServer>> ControlServer::Start(const std::filesystem::path& folder,
                                                            ControlHandler handler) {
  RETURN_IF_ERROR(EnsurePrivateFolder(folder));
  ASSIGN_OR_RETURN(const std::filesystem::path socket, SocketOf(folder));
  if (unlink(socket.c_str()) != 0 && errno != ENOENT) return SystemError(errno, "replace", socket);
  std::unique_ptr<ControlServer> control(new ControlServer(socket, std::make_unique<Service>(std::move(handler))));
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket.string(), grpc::InsecureServerCredentials());
  builder.RegisterService(control->service_.get());
  builder.SetMaxReceiveMessageSize(kMaxControlBytes);
  builder.SetMaxSendMessageSize(kMaxControlBytes);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  control->server_ = builder.BuildAndStart();
  if (control->server_ == nullptr)
    return Error{ErrorCode::kUnavailable, fmt::format("cannot listen on {}", socket.string())};
  if (chmod(socket.c_str(), 0600) != 0) return SystemError(errno, "set the mode of", socket);
  return control;
}

Result<std::string> CallControl(const std::filesystem::path& folder, std::string_view command, std::string_view json,
                                Duration timeout) {
  ASSIGN_OR_RETURN(const std::filesystem::path socket, SocketOf(folder));
  const Error nobody{ErrorCode::kUnavailable, fmt::format("no daemon runs in {}", folder.string())};
  if (std::error_code error; !std::filesystem::exists(socket, error)) return nobody;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxControlBytes);
  arguments.SetMaxSendMessageSize(kMaxControlBytes);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // no waiting because an earlier call found nobody
  const auto channel =
      grpc::CreateCustomChannel("unix:" + socket.string(), grpc::InsecureChannelCredentials(), arguments);
  const auto stub = v1::Control::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  v1::ControlRequest request;
  request.set_command(std::string(command));
  request.set_json(std::string(json));
  v1::ControlReply reply;
  const grpc::Status status = stub->Call(&context, request, &reply);
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED)
    return Error{ErrorCode::kUnavailable, fmt::format("the daemon in {} did not answer {} within {} ms",
                                                      folder.string(), command, timeout.count())};
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return nobody;
  if (!status.ok())
    return Error{ErrorCode::kInvalidInput, fmt::format("command {1} to the daemon in {0}: {2}", folder.string(),
                                                       command, status.error_message())};
  if (!reply.ok()) return Error{CodeFrom(reply.error_code()), reply.error()};
  return std::move(*reply.mutable_json());
}

Result<std::optional<std::string>> CallControlOrOpen(const std::filesystem::path& folder, std::string_view command,
                                                     std::string_view json, const std::function<Status()>& open) {
  constexpr std::chrono::seconds kPatience{5};
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    auto answer = CallControl(folder, command, json);
    if (answer.ok()) return std::optional(std::move(answer).value());
    if (answer.error().code != ErrorCode::kUnavailable) return answer.error();
    const Status opened = open();
    if (opened.ok()) return std::optional<std::string>();
    if (opened.error().code != ErrorCode::kUnavailable || std::chrono::steady_clock::now() > until)
      return opened.error();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace fedtrial
