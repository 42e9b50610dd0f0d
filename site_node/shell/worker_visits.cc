#include "site_node/shell/worker_visits.h"

#include <signal.h>

#include "site_node/shell/worker_process.h"

namespace fedtrial::site {
namespace {

constexpr Duration kDying{5000};  // of a worker that closed its pipe

}  // namespace

Result<std::shared_ptr<ChildProcess>> WorkerVisits::Worker() {
  const std::scoped_lock lock(mutex_);
  if (stopped_) return Error{ErrorCode::kUnavailable, std::string(kStopped)};
  if (worker_ && worker_->running()) return worker_;
  ASSIGN_OR_RETURN(auto worker, StartWorker(config_, /*threads=*/1));
  worker_ = std::move(worker);
  return worker_;
}

Result<v1::VisitPrepared> WorkerVisits::Prepare(const VisitScans& visit, const std::string& laid_onto,
                                                const std::string& known_key) {
  ASSIGN_OR_RETURN(const auto worker, Worker());
  v1::WorkerRequest request;
  v1::PrepareVisit& prepare = *request.mutable_prepare();
  prepare.set_plan(plan_);
  prepare.set_site_config(site_config_);
  prepare.mutable_cache_key()->assign(AsText(key_.view()));
  prepare.set_subject(visit.subject);
  prepare.set_session(visit.session);
  prepare.set_laid_onto(laid_onto);
  prepare.set_known_key(known_key);
  return Ask(*worker, request);
}

Result<v1::VisitPrepared> WorkerVisits::Ask(ChildProcess& worker, const v1::WorkerRequest& request) {
  if (const Status sent = worker.Send(Serialized(request)); !sent.ok()) return Died(worker, sent.error());
  while (true) {
    const auto message = worker.Receive();
    if (!message.ok()) return Died(worker, message.error());
    v1::WorkerReply reply;
    if (!reply.ParseFromArray(message->data(), static_cast<int>(message->size())))
      return Error{ErrorCode::kInternal, "fedtrial-worker sent a reply that can't be read"};
    if (reply.has_progress()) continue;
    if (reply.has_failed()) return ErrorOf(reply.failed());
    if (!reply.has_prepared()) return Error{ErrorCode::kInternal, "fedtrial-worker answered another question"};
    return std::move(*reply.mutable_prepared());
  }
}

// Ctrl-C in a terminal reaches the worker as well as us, and may be seen here first.
Error WorkerVisits::Died(ChildProcess& worker, Error why) {
  const auto end = worker.Wait(kDying);
  const bool asked = end.ok() && (end->signal == SIGINT || end->signal == SIGTERM);
  const std::scoped_lock lock(mutex_);
  if (asked || stopped_) return {ErrorCode::kUnavailable, std::string(kStopped)};
  return {ErrorCode::kInternal, std::move(why.message)};
}

void WorkerVisits::Stop() {
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  if (worker_) worker_->Kill();
}

}  // namespace fedtrial::site
