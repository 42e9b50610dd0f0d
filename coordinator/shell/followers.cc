#include "coordinator/shell/followers.h"

#include <utility>

#include "proto/codec/rpc_status.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::size_t kMaxQueued = 1024;  // notices; a round has some ten a site

}  // namespace

std::shared_ptr<Follower> Follower::Make(std::function<void(const Follower*)> gone) {
  std::shared_ptr<Follower> follower(new Follower(std::move(gone)));
  follower->self_ = follower;
  return follower;
}

void Follower::Push(SharedNotice notice) {
  {
    const std::scoped_lock lock(mutex_);
    if (ending_) return;
    queue_.push_back(std::move(notice));
    if (queue_.size() > kMaxQueued) {
      ending_ = true;
      status_ = {grpc::StatusCode::UNAVAILABLE, "too many notices are waiting: connect again"};
    }
  }
  Next();
}

void Follower::End(grpc::Status status) {
  {
    const std::scoped_lock lock(mutex_);
    if (!ending_) status_ = std::move(status);
    ending_ = true;
  }
  Next();
}

bool Follower::ended() const {
  const std::scoped_lock lock(mutex_);
  return ending_;
}

// Starts the one thing that may be started now. gRPC's calls are made without the lock: they may come back at once.
void Follower::Next() {
  SharedNotice notice;
  {
    const std::scoped_lock lock(mutex_);
    if (writing_ || finished_) return;
    if (ending_) {
      finished_ = true;
    } else {
      if (queue_.empty()) return;
      notice = queue_.front();
      writing_ = true;
    }
  }
  if (notice != nullptr)
    StartWrite(notice.get());
  else
    Finish(status_);
}

void Follower::OnWriteDone(bool ok) {
  {
    const std::scoped_lock lock(mutex_);
    writing_ = false;
    queue_.pop_front();
    if (!ok) ending_ = true;
  }
  Next();
}

void Follower::OnCancel() { End(grpc::Status::CANCELLED); }

void Follower::OnDone() {
  gone_(this);
  const std::shared_ptr<Follower> last = std::exchange(self_, nullptr);
}

void Followers::Attach(SiteId site, std::shared_ptr<Follower> follower) {
  std::shared_ptr<Follower> old;
  {
    const std::scoped_lock lock(mutex_);
    old = std::exchange(followers_[site], std::move(follower));
  }
  if (old != nullptr) old->End({grpc::StatusCode::ABORTED, "this site has connected anew"});
}

bool Followers::Detach(SiteId site, const Follower* follower) {
  const std::scoped_lock lock(mutex_);
  const auto found = followers_.find(site);
  if (found == followers_.end() || found->second.get() != follower) return false;
  followers_.erase(found);
  return true;
}

void Followers::Send(SiteId site, const SharedNotice& notice) {
  std::vector<std::shared_ptr<Follower>> receivers;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, follower] : followers_)
      if (site == kBroadcastId || site == id) receivers.push_back(follower);
  }
  for (const auto& follower : receivers) follower->Push(notice);
}

void Followers::End(SiteId site, const Error& why) {
  std::shared_ptr<Follower> follower;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = followers_.find(site); found != followers_.end()) follower = found->second;
  }
  if (follower != nullptr) follower->End(ToGrpc(why));
}

void Followers::EndAll(const Error& why) {
  std::map<SiteId, std::shared_ptr<Follower>> all;
  {
    const std::scoped_lock lock(mutex_);
    all = followers_;
  }
  for (const auto& [id, follower] : all) follower->End(ToGrpc(why));
}

}  // namespace fedtrial::coordinator
