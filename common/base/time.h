#pragma once

#include <chrono>

namespace fedtrial {

using Duration = std::chrono::milliseconds;

// Time as the cores see it: since an arbitrary start, never going back. It arrives as an argument; only shells (steady
// clock) and the simulation (by hand) make one. It doesn't survive a restart: deadlines are set anew from their
// durations.
struct MonotonicClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};
using Time = MonotonicClock::time_point;

}  // namespace fedtrial
