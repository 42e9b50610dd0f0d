#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/shell/followers.h"
#include "coordinator/shell/node.h"
#include "coordinator/shell/round_work.h"
#include "coordinator/shell/telemetry.h"

namespace fedtrial::coordinator {

// The daemon's one deciding thread: takes what the service, the timers, the round's work and the operator put into its
// queue, hands it to the trial and carries out the effects in order. It touches no vector and waits for no site.
class Driver {
 public:
  Driver(Node& node, Telemetry& telemetry, unsigned threads);
  ~Driver();

  // Takes up the trial where its journal ends, then runs until Stop or until the disk fails; the error says why.
  Status Run();
  void Stop();  // any thread

  // Any thread but the driver's own.
  void Post(Input input);     // what is refused is logged
  Status Apply(Input input);  // waits; kUnavailable while stopping or while too much is waiting
  // Runs on the driver's thread, between two inputs; `alive` is false if the driver has stopped.
  void Do(std::function<void(bool alive)> task);
  template <typename T>
  Result<T> Ask(std::function<Result<T>(Node&)> question);
  // The roster as of the last input, with its revocations; null before the first.
  std::shared_ptr<const Roster> roster() const;
  std::string NameOf(SiteId site) const;

  // The driver's thread alone.
  Status ApplyNow(const Input& input);
  void After(Duration delay, std::function<void()> task);
  // Called when a roster, a revocation list or a certificate has come; Collects wait for it.
  void OnEnrolment(std::function<void()> callback) { on_enrolment_ = std::move(callback); }
  void EnrolmentChanged();
  // The site follows from now on: first what a newly connected site must know.
  void Connect(SiteId site, const std::shared_ptr<Follower>& follower);

  Node& node() { return node_; }
  RoundWork& work() { return work_; }
  Followers& followers() { return followers_; }
  Telemetry& telemetry() { return telemetry_; }

 private:
  Status CarryOut(Effect&& effect);
  void Observed(const Observe& event);
  Status EndOfRound(RoundId round);
  Status SignHeadIfDue(bool even_if_not_due);
  void RefreshRoster();
  SharedNotice TrialNotice() const;
  void RunDueTimers();
  Status TakeUp();

  Node& node_;
  Telemetry& telemetry_;
  Followers followers_;
  std::function<void()> on_enrolment_;
  std::string state_reason_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void(bool alive)>> queue_;
  bool stopping_ = false;
  std::shared_ptr<const Roster> roster_;

  std::multimap<Time, std::function<void()>> timers_;  // the driver's thread alone
  Status fatal_;                                       // why the process must end
  RoundWork work_;                                     // last: its thread posts here
};

template <typename T>
Result<T> Driver::Ask(std::function<Result<T>(Node&)> question) {
  auto answer = std::make_shared<std::promise<Result<T>>>();
  auto future = answer->get_future();
  Do([this, answer, question = std::move(question)](bool alive) {
    if (alive)
      answer->set_value(question(node_));
    else
      answer->set_value(Error{ErrorCode::kUnavailable, "the coordinator is stopping"});
  });
  return future.get();
}

}  // namespace fedtrial::coordinator
