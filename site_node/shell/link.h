#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <mutex>
#include <thread>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/runtime/backoff.h"
#include "common/runtime/credentials.h"
#include "proto/fedtrial/v1/federation.grpc.pb.h"
#include "security/masking/envelope.h"

namespace fedtrial::site {

// This site's connection to its coordinator: dials out only, comes back by itself with growing, random pauses.
// Follow runs on a thread of its own; Send queues and keeps the order; Upload and Download are called from job threads
// and go on where they stopped after a cut. Every call ends soon after Stop.
class Link {
 public:
  struct Events {
    std::function<void(Envelope)> envelope;  // from the follow thread
    std::function<void(Bytes)> roster, revocations;
    std::function<void(const v1::TrialNotice&)> trial;
    std::function<void(bool connected, const std::string& why)> connection;
    std::function<void(const Envelope&, const Error&)> rejected;  // the coordinator refused one of our messages
  };

  static Result<std::unique_ptr<Link>> Open(const std::string& address, const TlsFiles& tls,
                                            std::optional<Digest> server_spki, const Digest& software, Random& random,
                                            Events events);
  ~Link();

  void Start();
  void Stop();
  bool connected() const { return connected_; }

  void Send(Envelope envelope);
  // Sends the file's bytes as the round's upload; returns when the coordinator has it whole, or on a refusal.
  Status Upload(RoundId round, const std::filesystem::path& file, const Digest& digest, std::uint64_t length);
  // Gives the bytes of the model in order to `sink`; the caller checks the digest.
  Status DownloadModel(const Digest& digest, const std::function<Status(ByteView)>& sink);
  Status Approve(const v1::ApproveRequest& request);
  Result<v1::HeadsMessage> ExchangeHeads(const v1::HeadsMessage& heads);

  std::uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  Link(std::shared_ptr<grpc::Channel> channel, const Digest& software, Random& random, Events events);
  void FollowLoop();
  void SendLoop();
  void Handle(const v1::Notice& notice);
  bool Pause(unsigned attempt);  // false: stopping
  // Repeats `call` while the coordinator can't be reached.
  Status Retry(const std::function<grpc::Status(grpc::ClientContext&)>& call, Duration deadline);
  Status UploadOnce(RoundId round, const std::filesystem::path& file, const Digest& digest, std::uint64_t length,
                    bool& stored);

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Federation::Stub> stub_;
  const Digest software_;
  Random& random_;
  const Events events_;
  const Backoff backoff_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Envelope> outgoing_;
  std::set<grpc::ClientContext*> calls_;  // cancelled by Stop
  bool stopping_ = false;
  std::atomic<bool> connected_ = false;
  std::atomic<std::uint64_t> bytes_sent_ = 0;
  std::thread follow_, send_;

  class Call;
};

}  // namespace fedtrial::site
