#pragma once

#include <deque>
#include <functional>
#include <grpcpp/grpcpp.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "proto/fedtrial/v1/federation.grpc.pb.h"

namespace fedtrial::coordinator {

using SharedNotice = std::shared_ptr<const v1::Notice>;

// One site's open Follow stream. No thread waits for it: what is pushed lies in a bounded queue until gRPC has written
// it. A site that reads too slowly is cut off and catches up when it comes back. Any thread.
class Follower final : public grpc::ServerWriteReactor<v1::Notice> {
 public:
  // Keeps itself alive until gRPC is done with it; `gone` is called then.
  static std::shared_ptr<Follower> Make(std::function<void(const Follower*)> gone);

  void Push(SharedNotice notice);
  void End(grpc::Status status);
  bool ended() const;

 private:
  explicit Follower(std::function<void(const Follower*)> gone) : gone_(std::move(gone)) {}
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void Next();

  const std::function<void(const Follower*)> gone_;
  std::shared_ptr<Follower> self_;
  mutable std::mutex mutex_;
  std::deque<SharedNotice> queue_;  // the first is being written while writing_
  bool writing_ = false;
  bool ending_ = false;
  bool finished_ = false;
  grpc::Status status_;
};

// The streams of all sites, one a site: a new one takes the place of the old. Any thread.
class Followers {
 public:
  void Attach(SiteId site, std::shared_ptr<Follower> follower);
  // True if it was the site's current one.
  bool Detach(SiteId site, const Follower* follower);
  void Send(SiteId site, const SharedNotice& notice);  // kBroadcastId: to all
  void End(SiteId site, const Error& why);
  void EndAll(const Error& why);

 private:
  std::mutex mutex_;
  std::map<SiteId, std::shared_ptr<Follower>> followers_;
};

}  // namespace fedtrial::coordinator
