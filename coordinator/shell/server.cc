#include <chrono>
#include <fmt/format.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "common/runtime/credentials.h"
#include "coordinator/shell/service.h"

namespace fedtrial::coordinator {
namespace {

constexpr int kMaxFederationMessage = 2 * 1024 * 1024;  // a chunk and what is around it
constexpr int kHandshakeMs = 15'000;
constexpr int kMaxThreads = 512;
constexpr std::chrono::seconds kEndOfCalls{2};

}  // namespace

Result<std::unique_ptr<FederationServer>> FederationServer::Start(Driver& driver, const std::string& listen) {
  ASSIGN_OR_RETURN(const auto credentials, ServerTls(driver.node().tls_files()));
  std::unique_ptr<FederationServer> server(new FederationServer(driver));
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  ConfigureServer(builder);
  builder.SetMaxReceiveMessageSize(kMaxFederationMessage);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  grpc::ResourceQuota quota("federation");
  quota.SetMaxThreads(kMaxThreads);
  builder.SetResourceQuota(quota);
  builder.AddListeningPort(listen, credentials, &server->port_);
  builder.RegisterService(&server->service_);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || server->port_ == 0)
    return Error{
        ErrorCode::kUnavailable,
        fmt::format("cannot listen on {}: another program has this port, or the address isn't this machine's", listen)};
  server->service_.WatchEnrolment();
  return server;
}

void FederationServer::Stop() {
  if (server_ == nullptr) return;
  service_.EndWaiting();
  server_->Shutdown(std::chrono::system_clock::now() + kEndOfCalls);
  server_->Wait();
  server_.reset();
}

FederationServer::~FederationServer() { Stop(); }

}  // namespace fedtrial::coordinator
