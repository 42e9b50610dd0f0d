#include "coordinator/shell/driver.h"

#include <chrono>
#include <fmt/format.h>
#include <variant>

#include "common/runtime/clock.h"
#include "common/runtime/log.h"
#include "security/masking/envelope.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::size_t kMaxWaiting = 4096;  // inputs; more are refused, so that a flood can't fill the memory

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

std::int64_t WallMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

SharedNotice EnvelopeNotice(const Envelope& envelope) {
  auto notice = std::make_shared<v1::Notice>();
  const Bytes bytes = EncodeEnvelope(envelope);
  notice->set_envelope(bytes.data(), bytes.size());
  return notice;
}

SharedNotice RosterNotice(const Bytes& packed) {
  auto notice = std::make_shared<v1::Notice>();
  notice->set_signed_roster(packed.data(), packed.size());
  return notice;
}

SharedNotice RevocationsNotice(const Bytes& packed) {
  auto notice = std::make_shared<v1::Notice>();
  notice->set_revocations(packed.data(), packed.size());
  return notice;
}

}  // namespace

Driver::Driver(Node& node, Telemetry& telemetry, unsigned threads)
    : node_(node),
      telemetry_(telemetry),
      work_(node.plan(), node.paths(), node.models(), threads, [this](Input input) { Post(std::move(input)); }) {
  RefreshRoster();
}

Driver::~Driver() { Stop(); }

void Driver::Do(std::function<void(bool)> task) {
  {
    const std::scoped_lock lock(mutex_);
    if (!stopping_) {
      queue_.push_back(std::move(task));
      task = nullptr;
    }
  }
  wake_.notify_all();
  if (task != nullptr) task(false);
}

void Driver::Post(Input input) {
  Do([this, input = std::move(input)](bool alive) {
    if (!alive) return;
    if (const Status applied = ApplyNow(input); !applied.ok()) LogWarning("input refused", {{"why", applied.error()}});
  });
}

Status Driver::Apply(Input input) {
  {
    const std::scoped_lock lock(mutex_);
    if (queue_.size() > kMaxWaiting) return Error{ErrorCode::kUnavailable, "the coordinator is busy: try again"};
  }
  const auto shared = std::make_shared<Input>(std::move(input));
  const auto applied = Ask<bool>([this, shared](Node&) -> Result<bool> {
    RETURN_IF_ERROR(ApplyNow(*shared));
    return true;
  });
  if (!applied.ok()) return applied.error();
  return {};
}

Status Driver::ApplyNow(const Input& input) {
  if (!fatal_.ok()) return Error{ErrorCode::kUnavailable, "the coordinator is stopping"};
  bool fatal = false;
  Status applied = node_.Apply(
      input, SteadyNow(), [this](Effect&& effect) { return CarryOut(std::move(effect)); }, fatal);
  if (fatal) fatal_ = applied;
  if (const Status signed_head = SignHeadIfDue(false); !signed_head.ok() && fatal_.ok()) fatal_ = signed_head;
  return applied;
}

Status Driver::TakeUp() {
  RETURN_IF_ERROR(node_.CarryOut(node_.trial().Resume(SteadyNow()),
                                 [this](Effect&& effect) { return CarryOut(std::move(effect)); }));
  work_.RemoveOldSpools();
  // An upload may have become durable just before a crash, without a word to the core.
  if (const RoundRecord* current = node_.trial().current())
    if (const auto spool = work_.spool(current->id))
      for (const StoredUpload& upload : spool->Stored())
        if (const Status told = ApplyNow(UploadStored{upload.site, spool->round(), upload.digest, spool->words()});
            !told.ok())
          LogDebug("spooled upload passed over", {{"site", upload.site}, {"why", told.error()}});
  return fatal_;
}

Status Driver::Run() {
  Status status = TakeUp();
  std::unique_lock lock(mutex_);
  while (status.ok() && !stopping_) {
    const auto ready = [this] { return stopping_ || !queue_.empty(); };
    if (timers_.empty())
      wake_.wait(lock, ready);
    else
      wake_.wait_for(lock, std::max(Duration::zero(), timers_.begin()->first - SteadyNow()), ready);
    std::function<void(bool)> task;
    if (!queue_.empty()) {
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    lock.unlock();
    RunDueTimers();
    if (task != nullptr) task(true);
    status = fatal_;
    lock.lock();
  }
  stopping_ = true;
  auto left = std::exchange(queue_, {});
  lock.unlock();
  for (const auto& task : left) task(false);
  followers_.EndAll({ErrorCode::kUnavailable, "the coordinator is stopping"});
  return status;
}

void Driver::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void Driver::After(Duration delay, std::function<void()> task) {
  timers_.emplace(SteadyNow() + delay, std::move(task));
}

void Driver::RunDueTimers() {
  const Time now = SteadyNow();
  std::vector<std::function<void()>> due;
  const auto end = timers_.upper_bound(now);
  for (auto timer = timers_.begin(); timer != end; ++timer) due.push_back(std::move(timer->second));
  timers_.erase(timers_.begin(), end);
  for (const auto& task : due) task();
}

Status Driver::CarryOut(Effect&& effect) {
  return std::visit(Overloaded{[&](Send& send) -> Status {
                                 followers_.Send(send.site, EnvelopeNotice(send.envelope));
                                 return {};
                               },
                               [&](SetTimer& set) -> Status {
                                 After(set.after, [this, timer = set.timer] {
                                   if (const Status applied = ApplyNow(DeadlinePassed{timer}); !applied.ok())
                                     LogDebug("deadline passed over", {{"why", applied.error()}});
                                 });
                                 return {};
                               },
                               [&](OpenSpool& open) -> Status { return work_.Open(open); },
                               [&](AddToSum& add) -> Status {
                                 work_.Add(add);
                                 return {};
                               },
                               [&](FinishStep& finish) -> Status {
                                 work_.Finish(std::move(finish));
                                 return {};
                               },
                               [&](CloseSpool& close) -> Status {
                                 work_.Close(close.round);
                                 return {};
                               },
                               [&](Observe& event) -> Status {
                                 Observed(event);
                                 if (event.kind == Observe::Kind::kPhaseOpened && event.phase == Phase::kHello)
                                   return node_.ledger().Opened(event.round, WallMs());
                                 if (event.kind == Observe::Kind::kRoundCommitted ||
                                     event.kind == Observe::Kind::kRoundFailed ||
                                     event.kind == Observe::Kind::kRoundLost)
                                   return EndOfRound(event.round);
                                 return {};
                               },
                               [](auto&) -> Status { return {}; }},  // Journal, CompactJournal, Audit: the node's
                    effect);
}

void Driver::Observed(const Observe& event) {
  telemetry_.Show(
      event, [this](SiteId site) { return node_.NameOf(site); }, SteadyNow());
  if (event.kind == Observe::Kind::kTrialState) state_reason_ = event.detail;
  // Comes before the messages of a round that opens under it.
  if (event.kind == Observe::Kind::kRosterChanged) {
    RefreshRoster();
    if (const auto packed = node_.SignedRosterNow(); packed.ok() && *packed)
      followers_.Send(kBroadcastId, RosterNotice(**packed));
  }
  if (event.kind == Observe::Kind::kTrialState || event.kind == Observe::Kind::kRoundCommitted)
    followers_.Send(kBroadcastId, TrialNotice());
}

Status Driver::EndOfRound(RoundId round) {
  RETURN_IF_ERROR(node_.store().Transaction([&]() -> Status {
    RETURN_IF_ERROR(node_.ledger().Ended(round, WallMs()));
    for (const auto& [site, bytes] : telemetry_.TakeReceived())
      RETURN_IF_ERROR(node_.ledger().Add(site, {bytes, 0, 0}));
    return {};
  }));
  return SignHeadIfDue(true);
}

Status Driver::SignHeadIfDue(bool even_if_not_due) {
  if (!even_if_not_due && !node_.audit().HeadDue()) return {};
  const auto head = node_.audit().Sign(node_.signing_key());
  if (!head.ok()) return head.error();
  return {};
}

SharedNotice Driver::TrialNotice() const {
  auto notice = std::make_shared<v1::Notice>();
  v1::TrialNotice& trial = *notice->mutable_trial();
  trial.set_state(std::string(ToString(node_.trial().state())));
  trial.set_reason(state_reason_);
  if (const auto& links = node_.trial().links(); !links.empty())
    trial.set_model(links.back().model.data(), links.back().model.size());
  return notice;
}

void Driver::RefreshRoster() {
  std::optional<Roster> roster = node_.trial().roster();
  if (roster)
    if (const auto revocations = node_.Revocations(); revocations.ok() && *revocations)
      (*revocations)->ApplyTo(*roster);
  const std::scoped_lock lock(mutex_);
  roster_ = roster ? std::make_shared<const Roster>(std::move(*roster)) : nullptr;
}

std::shared_ptr<const Roster> Driver::roster() const {
  const std::scoped_lock lock(mutex_);
  return roster_;
}

std::string Driver::NameOf(SiteId site) const {
  const auto now = roster();
  const RosterEntry* entry = now == nullptr ? nullptr : now->Find(site);
  return entry == nullptr ? ToString(site) : entry->name;
}

void Driver::EnrolmentChanged() {
  RefreshRoster();
  if (on_enrolment_) on_enrolment_();
  if (const auto packed = node_.RevocationsNow(); packed.ok() && *packed)
    followers_.Send(kBroadcastId, RevocationsNotice(**packed));
  const auto now = roster();
  if (now == nullptr) return;
  for (const RosterEntry& entry : now->entries)
    if (entry.row.revoked) followers_.End(entry.row.id, {ErrorCode::kNotEnrolled, "this site is revoked"});
}

void Driver::Connect(SiteId site, const std::shared_ptr<Follower>& follower) {
  follower->Push(TrialNotice());
  if (const auto packed = node_.SignedRosterNow(); packed.ok() && *packed) follower->Push(RosterNotice(**packed));
  if (const auto packed = node_.RevocationsNow(); packed.ok() && *packed) follower->Push(RevocationsNotice(**packed));
  for (const Envelope& envelope : node_.trial().CatchUp(site)) follower->Push(EnvelopeNotice(envelope));
  followers_.Attach(site, follower);
  telemetry_.Connected(site, node_.NameOf(site), true);
  // Gone before it was attached: nobody else would take it out.
  if (follower->ended() && followers_.Detach(site, follower.get()))
    telemetry_.Connected(site, node_.NameOf(site), false);
}

}  // namespace fedtrial::coordinator
