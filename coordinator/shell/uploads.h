#pragma once

#include <functional>
#include <grpcpp/grpcpp.h>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "coordinator/shell/spool.h"
#include "proto/fedtrial/v1/federation.grpc.pb.h"

namespace fedtrial::coordinator {

inline constexpr std::size_t kMaxChunk = std::size_t{1} << 20;

// What uploads ask of the rest of the coordinator; all from any thread.
struct UploadDesk {
  std::function<std::shared_ptr<Spool>(RoundId)> spool;         // null if this attempt takes no uploads
  std::function<Result<std::uint64_t>(SiteId, RoundId)> wants;  // bytes of an upload that is wanted now, else why not
  std::function<void(SiteId, std::size_t)> received;            // bytes, as they come
  // Whole and durable; ok: the core knows. `again`: it was so before, and the core may have missed it.
  std::function<Status(SiteId, const Spool&, const Digest&, bool again)> stored;
};

// Takes uploads into the spool. One stream a site: a new one ends the old, which may hang after a cut. Only some are
// read at once, so that memory doesn't grow with the number of sites. Any thread.
class Uploads {
 public:
  explicit Uploads(UploadDesk desk) : desk_(std::move(desk)) {}

  Status State(SiteId site, RoundId round, v1::UploadStateReply& reply);
  // Fills `reply` with how far it came, also where it stops early. Stored means durable and told to the core.
  Status Receive(SiteId site, grpc::ServerContext& context, grpc::ServerReader<v1::UploadChunk>& reader,
                 v1::UploadReply& reply);

 private:
  static constexpr std::ptrdiff_t kAtOnce = 3;

  struct Line {                              // of one site
    std::mutex turn;                         // held while a stream of the site is read
    grpc::ServerContext* current = nullptr;  // guarded by Uploads::mutex_
  };
  class Turn;

  Result<std::shared_ptr<Spool>> WantedSpool(SiteId site, RoundId round);
  Status TellAgain(SiteId site, const Spool& spool, const Digest& digest) const;
  Status ReadChunks(SiteId site, Spool& spool, IncomingUpload& upload, v1::UploadChunk& chunk,
                    grpc::ServerReader<v1::UploadChunk>& reader);

  const UploadDesk desk_;
  std::mutex mutex_;
  std::map<SiteId, std::shared_ptr<Line>> lines_;
  std::counting_semaphore<> slots_{kAtOnce};
};

}  // namespace fedtrial::coordinator
