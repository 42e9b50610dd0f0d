#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "common/base/time.h"

namespace fedtrial::simulation {

// The manual clock: what is due runs in order of time, then of scheduling. Time stands still while something runs.
class EventQueue {
 public:
  Time now() const { return now_; }
  bool empty() const { return events_.empty(); }

  void At(Time when, std::function<void()> run) {
    events_.emplace(std::pair(std::max(when, now_), next_++), std::move(run));
  }
  void After(Duration delay, std::function<void()> run) { At(now_ + delay, std::move(run)); }

  bool NextIsBefore(Time end) const { return !events_.empty() && events_.begin()->first.first <= end; }
  // Runs the next event; false if there is none.
  bool RunNext() {
    if (events_.empty()) return false;
    auto event = events_.extract(events_.begin());
    now_ = event.key().first;
    event.mapped()();
    return true;
  }

 private:
  Time now_{};
  std::uint64_t next_ = 0;
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> events_;
};

}  // namespace fedtrial::simulation
