#pragma once

#include <grpcpp/grpcpp.h>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>

#include "coordinator/shell/driver.h"
#include "proto/fedtrial/v1/federation.grpc.pb.h"

namespace fedtrial::coordinator {

inline constexpr std::size_t kMaxChunk = std::size_t{1} << 20;

// Takes uploads into the spool. One stream a site: a new one ends the old, which may hang after a cut. Only some are
// read at once, so that memory doesn't grow with the number of sites. Any thread.
class Uploads {
 public:
  explicit Uploads(Driver& driver) : driver_(driver) {}

  Status State(SiteId site, RoundId round, v1::UploadStateReply& reply);
  // Fills `reply` with how far it came, also where it stops early. Stored means durable and told to the core.
  Status Receive(SiteId site, grpc::ServerContext& context, grpc::ServerReader<v1::UploadChunk>& reader,
                 v1::UploadReply& reply);

 private:
  static constexpr std::ptrdiff_t kAtOnce = 4;

  struct Line {                              // of one site
    std::mutex turn;                         // held while a stream of the site is read
    grpc::ServerContext* current = nullptr;  // guarded by Uploads::mutex_
  };
  class Turn;

  Result<std::shared_ptr<Spool>> WantedSpool(SiteId site, RoundId round);
  Result<bool> IsStored(const Spool& spool, SiteId site, const Digest& digest);
  Status ReadChunks(SiteId site, Spool& spool, IncomingUpload& upload, v1::UploadChunk& chunk,
                    grpc::ServerReader<v1::UploadChunk>& reader);
  Status Stored(SiteId site, const Spool& spool, const Digest& digest);

  Driver& driver_;
  std::mutex mutex_;
  std::map<SiteId, std::shared_ptr<Line>> lines_;
  std::counting_semaphore<> slots_{kAtOnce};
};

}  // namespace fedtrial::coordinator
