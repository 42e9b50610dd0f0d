#pragma once

#include <condition_variable>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>

#include "common/runtime/credentials.h"
#include "common/runtime/sealed_file.h"
#include "coordinator/shell/round_work.h"
#include "proto/fedtrial/v1/federation.grpc.pb.h"
#include "security/crypto/system_random.h"
#include "site_node/shell/link.h"
#include "tests/bench/figure.h"

// A coordinator's and a site's way of a vector, without the phases of the protocol around it: real certificates, mutual
// TLS, spool, sum, model files and link.
namespace fedtrial::bench {

// A CA, the coordinator's certificate for 127.0.0.1 and one certificate for all sites, as files of `folder`.
void MakeCertificates(const std::filesystem::path& folder);
TlsFiles ServerFiles(const std::filesystem::path& folder);
TlsFiles SiteFiles(const std::filesystem::path& folder);

// Takes uploads and gives models as coordinator/shell/uploads.cc and service.cc do, in any phase; a site says who it is
// by its round's attempt number, since there is no roster here.
class BenchServer final : public v1::Federation::Service {
 public:
  BenchServer(const std::filesystem::path& folder, unsigned word_bits, std::uint64_t values, unsigned threads);
  ~BenchServer() override;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // A new round: empty sum, empty spool.
  void OpenRound();
  // Waits until the sum has `uploads`, takes the masks out and makes the next model.
  coordinator::StepFinished FinishRound(std::uint32_t uploads, std::vector<MaskTerm> masks);
  void WaitForSum();  // until all that was stored is in the sum
  void CloseRound();

  const Manifest& manifest() const { return manifest_; }
  const Digest& model() const { return before_; }  // that the round starts from
  RoundId round() const { return round_; }

  grpc::Status UploadState(grpc::ServerContext*, const v1::UploadStateRequest* request,
                           v1::UploadStateReply* reply) override;
  grpc::Status Upload(grpc::ServerContext*, grpc::ServerReader<v1::UploadChunk>* reader,
                      v1::UploadReply* reply) override;
  grpc::Status Download(grpc::ServerContext*, const v1::DownloadRequest* request,
                        grpc::ServerWriter<v1::DownloadChunk>* writer) override;

 private:
  Status Take(grpc::ServerReader<v1::UploadChunk>& reader, v1::UploadReply& reply);
  Status TakeInTurn(grpc::ServerReader<v1::UploadChunk>& reader, v1::UploadReply& reply);
  Status Give(const v1::DownloadRequest& request, grpc::ServerWriter<v1::DownloadChunk>& writer);
  coordinator::StepFinished Finished(std::vector<SiteId> included, std::vector<MaskTerm> masks);

  const coordinator::StatePaths paths_;
  const Plan plan_;
  const Manifest manifest_;
  SystemRandom random_;
  const Sealer sealer_;
  const coordinator::ModelFiles models_;
  Digest before_{};
  std::counting_semaphore<> slots_{3};

  RoundId round_{0, 0};  // one after the other: a spool is emptied while the next one opens
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<coordinator::Input> answer_;
  std::optional<coordinator::RoundWork> work_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// A site's link to it. Upload's round names the site in its attempt.
std::unique_ptr<site::Link> DialAsSite(const std::string& address, const std::filesystem::path& folder, Random& random);

}  // namespace fedtrial::bench
