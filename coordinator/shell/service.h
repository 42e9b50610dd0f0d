#pragma once

#include <atomic>
#include <grpcpp/grpcpp.h>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "coordinator/shell/driver.h"
#include "coordinator/shell/uploads.h"
#include "proto/fedtrial/v1/federation.grpc.pb.h"

namespace fedtrial::coordinator {

// proto/fedtrial/v1/federation.proto. Decodes, checks that the peer's certificate is the site it speaks for, and asks
// the driver; what waits long (Follow, Collect) holds no thread.
class FederationService final : public v1::Federation::WithCallbackMethod_Collect<
                                    v1::Federation::WithCallbackMethod_Follow<v1::Federation::Service>> {
 public:
  explicit FederationService(Driver& driver);
  ~FederationService() override;

  // Collect calls hear of what an operator signs. Once the server listens: from then the service outlives the driver's
  // thread.
  void WatchEnrolment();
  // Ends the Collect calls that wait. Once the driver has stopped.
  void EndWaiting();

  grpc::Status Enrol(grpc::ServerContext* context, const v1::EnrolRequest* request, v1::EnrolReply* reply) override;
  grpc::ServerUnaryReactor* Collect(grpc::CallbackServerContext* context, const v1::CollectRequest* request,
                                    v1::CollectReply* reply) override;
  grpc::ServerWriteReactor<v1::Notice>* Follow(grpc::CallbackServerContext* context,
                                               const v1::FollowRequest* request) override;
  grpc::Status Send(grpc::ServerContext* context, const v1::EnvelopeMessage* request, v1::SendReply* reply) override;
  grpc::Status UploadState(grpc::ServerContext* context, const v1::UploadStateRequest* request,
                           v1::UploadStateReply* reply) override;
  grpc::Status Upload(grpc::ServerContext* context, grpc::ServerReader<v1::UploadChunk>* reader,
                      v1::UploadReply* reply) override;
  grpc::Status Download(grpc::ServerContext* context, const v1::DownloadRequest* request,
                        grpc::ServerWriter<v1::DownloadChunk>* writer) override;
  grpc::Status Approve(grpc::ServerContext* context, const v1::ApproveRequest* request,
                       v1::ApproveReply* reply) override;
  grpc::Status ExchangeHeads(grpc::ServerContext* context, const v1::HeadsMessage* request,
                             v1::HeadsMessage* reply) override;

 private:
  class CollectWaiter;

  // The site whose roster row has the key that the peer's certificate shows.
  Result<SiteId> Peer(const grpc::ServerContextBase& context) const;
  // Runs `call` for the peer; a refusal is logged and becomes a status.
  grpc::Status ForSite(grpc::ServerContext& context, std::string_view name,
                       const std::function<Status(SiteId, const RosterEntry&)>& call);
  grpc::Status Answer(const std::string& peer, std::string_view name, const Status& status);

  UploadDesk Desk();
  Status CountUpload(SiteId site, const Spool& spool);
  void ShowWaiting();  // on the driver's thread: answers the Collects that can be
  Result<bool> FillCollected(std::string_view fingerprint, v1::CollectReply& reply);

  Driver& driver_;
  Uploads uploads_;
  std::list<CollectWaiter*> waiting_;  // the driver's thread alone, until it has stopped
};

// Listens with mutual TLS; also answers gRPC's health service.
class FederationServer {
 public:
  // `listen`: "host:port". kUnavailable if the port can't be had.
  static Result<std::unique_ptr<FederationServer>> Start(Driver& driver, const std::string& listen);
  ~FederationServer();

  int port() const { return port_; }
  // No new call, the open ones end. Once the driver has stopped.
  void Stop();

 private:
  explicit FederationServer(Driver& driver) : service_(driver) {}

  FederationService service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace fedtrial::coordinator
