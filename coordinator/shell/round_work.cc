#include "coordinator/shell/round_work.h"

#include <algorithm>
#include <fmt/format.h>

#include "common/runtime/files.h"
#include "common/runtime/heaps.h"
#include "common/runtime/log.h"
#include "coordinator/shell/step_result.h"

namespace fedtrial::coordinator {
namespace {

constexpr Duration kRoomCheck = std::chrono::seconds(5);

}  // namespace

RoundWork::RoundWork(const Plan& plan, StatePaths paths, const ModelFiles& models, unsigned threads, Answer answer)
    : plan_(plan), paths_(std::move(paths)), models_(models), answer_(std::move(answer)), sum_(threads) {
  thread_ = std::thread([this] { Work(); });
}

RoundWork::~RoundWork() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void RoundWork::Queue(std::function<void()> job) {
  {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_all();
}

void RoundWork::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;  // what is left is in the journal
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

std::shared_ptr<Spool> RoundWork::spool(RoundId round) const {
  const std::scoped_lock lock(mutex_);
  return spool_ != nullptr && spool_->round() == round ? spool_ : nullptr;
}

Status RoundWork::Open(const OpenSpool& effect) {
  const unsigned word_bits = effect.manifest.encoding.word_bits;
  const std::uint64_t words = effect.manifest.Words();
  ASSIGN_OR_RETURN(std::shared_ptr<Spool> spool,
                   Spool::Open(paths_.spool(effect.round), effect.round, effect.manifest));
  if (const Status space = RequireFreeSpace(paths_.spools(), spool->length()); !space.ok())
    LogError("no room for the round's uploads: make some before its deadline",
             {{"round", effect.round}, {"why", space.error()}});
  {
    const std::scoped_lock lock(mutex_);
    spool_ = spool;
  }
  Queue([this, spool, word_bits, words] {
    summed_ = spool;
    word_bits_ = word_bits;
    words_ = words;
    added_.clear();
    sum_.Reset(word_bits_, words_);
    sound_ = true;
  });
  return {};
}

void RoundWork::Add(const AddToSum& effect) {
  Queue([this, round = effect.round, upload = StoredUpload{effect.site, effect.digest}] {
    if (summed_ == nullptr || summed_->round() != round) return;
    added_.push_back(upload);
    if (const Status added = AddNow(upload); !added.ok()) {
      sound_ = false;
      LogError("an upload can't be read from the spool",
               {{"round", round}, {"site", upload.site}, {"why", added.error()}});
    }
  });
}

Status RoundWork::AddNow(const StoredUpload& upload) {
  return sum_.Add(summed_->StoredPath(upload.site, upload.digest));
}

Status RoundWork::Rebuild() {
  sum_.Reset(word_bits_, words_);
  for (const StoredUpload& upload : added_) RETURN_IF_ERROR(AddNow(upload));
  sound_ = true;
  return {};
}

void RoundWork::Finish(FinishStep effect) {
  const auto shared = std::make_shared<FinishStep>(std::move(effect));
  Queue([this, shared] {
    auto finished = FinishNow(*shared);
    // A full disk mustn't cost the round: the uploads still lie in the spool.
    while (!finished.ok() && finished.error().code == ErrorCode::kUnavailable && WaitForRoom(finished.error()))
      finished = FinishNow(*shared);
    if (finished.ok())
      answer_(std::move(finished).value());
    else if (finished.error().code != ErrorCode::kUnavailable)
      answer_(StepFailed{shared->round, finished.error().message});
  });
}

bool RoundWork::WaitForRoom(const Error& why) {
  LogError("the round can't be finished yet: it is tried again", {{"why", why}});
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kRoomCheck, [this] { return stopping_; });
  return !stopping_;
}

Result<StepFinished> RoundWork::FinishNow(const FinishStep& effect) {
  if (summed_ == nullptr || summed_->round() != effect.round)
    return Error{ErrorCode::kInternal, fmt::format("round {} has no sum", ToString(effect.round))};
  std::vector<SiteId> in_sum;
  for (const StoredUpload& upload : added_) in_sum.push_back(upload.site);
  std::sort(in_sum.begin(), in_sum.end());
  if (in_sum != effect.included)
    return Error{ErrorCode::kInternal,
                 fmt::format("the sum of round {} isn't that of the included sites", ToString(effect.round))};
  if (!sound_) RETURN_IF_ERROR(Rebuild());
  sound_ = false;
  ReturnFreeMemory();  // what uploads left free, before the copies of the model
  sum_.RemoveMasks(effect.masks);
  ASSIGN_OR_RETURN(const Sum sum,
                   Sum::Over(effect.manifest, sum_.words(), effect.included.size(), plan_.encoding.patient_cap));
  return MakeStepResult(plan_, effect, sum, models_);
}

void RoundWork::Close(RoundId round) {
  std::shared_ptr<Spool> closed = spool(round);
  if (closed == nullptr) return;
  closed->Close();
  {
    const std::scoped_lock lock(mutex_);
    spool_.reset();
  }
  Queue([this, closed] {
    closed->Remove();
    if (summed_ != closed) return;
    summed_.reset();
    added_.clear();
    sound_ = false;
  });
}

void RoundWork::RemoveOldSpools() const {
  const std::filesystem::path keep = [&] {
    const std::scoped_lock lock(mutex_);
    return spool_ == nullptr ? std::filesystem::path() : paths_.spool(spool_->round());
  }();
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(paths_.spools(), error)) {
    if (entry.path() == keep) continue;
    std::error_code ignored;
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace fedtrial::coordinator
