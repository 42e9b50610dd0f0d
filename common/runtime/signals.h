#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "common/base/result.h"
#include "common/base/time.h"

namespace fedtrial {

// Orderly stop on SIGINT and SIGTERM. Make it first thing in main, before any other thread: the signals are blocked in
// the calling thread and so in all it starts, and taken by a thread of its own. A second signal ends the process at
// once (status 128 + its number): the journal brings it back.
class StopSignal {
 public:
  static Result<std::unique_ptr<StopSignal>> Install();
  ~StopSignal();  // the signals get their default effect again

  // The signal's number, or 0 from RequestStop; nullopt after `timeout`. Any thread.
  std::optional<int> Wait(std::optional<Duration> timeout = std::nullopt);
  bool stopped() { return Wait(Duration::zero()).has_value(); }
  // The same without a signal.
  void RequestStop();

 private:
  StopSignal() = default;
  void Listen();
  void Stop(int number);

  std::mutex mutex_;
  std::condition_variable stopped_;
  std::optional<int> number_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace fedtrial
