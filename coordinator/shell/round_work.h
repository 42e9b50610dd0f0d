#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/core/effects.h"
#include "coordinator/shell/accumulator.h"
#include "coordinator/shell/model_files.h"
#include "coordinator/shell/spool.h"
#include "coordinator/shell/state_paths.h"

namespace fedtrial::coordinator {

// What the core wants done with vectors: one thread works the effects off in order and answers with inputs, so the
// driver never waits for a disk full of words. One round at a time. Members from the driver's thread, spool from any.
class RoundWork {
 public:
  using Answer = std::function<void(Input)>;

  RoundWork(const Plan& plan, StatePaths paths, const ModelFiles& models, unsigned threads, Answer answer);
  ~RoundWork();  // the running job is finished first

  Status Open(const OpenSpool& effect);
  void Add(const AddToSum& effect);
  void Finish(FinishStep effect);
  void Close(RoundId round);
  // What killed processes left behind, but for the open round's.
  void RemoveOldSpools() const;

  // Null if this attempt isn't the open one.
  std::shared_ptr<Spool> spool(RoundId round) const;

 private:
  void Queue(std::function<void()> job);
  void Work();

  // On the work thread.
  Status Rebuild();
  Status AddNow(const StoredUpload& upload);
  Result<StepFinished> FinishNow(const FinishStep& effect);
  bool WaitForRoom(const Error& why);  // false: stopping

  const Plan& plan_;
  const StatePaths paths_;
  const ModelFiles& models_;
  const Answer answer_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::shared_ptr<Spool> spool_;

  // Of the work thread alone.
  Accumulator sum_;
  std::shared_ptr<Spool> summed_;  // whose uploads are in the sum
  unsigned word_bits_ = 64;
  std::uint64_t words_ = 0;
  std::vector<StoredUpload> added_;
  bool sound_ = false;  // the sum is just that of added_: no half upload, no masks taken out yet

  std::thread thread_;
};

}  // namespace fedtrial::coordinator
