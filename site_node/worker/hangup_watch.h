#pragma once

#include <atomic>
#include <thread>

namespace fedtrial::site {

// While it lives, a thread of its own waits for all writers of the pipe to be gone, and says so: whoever asked is dead,
// and a task that nobody waits for is given up.
class HangupWatch {
 public:
  explicit HangupWatch(int fd);
  ~HangupWatch();
  HangupWatch(const HangupWatch&) = delete;
  HangupWatch& operator=(const HangupWatch&) = delete;

  const std::atomic<bool>& gone() const { return gone_; }

 private:
  std::atomic<bool> gone_ = false;
  int wake_ = -1;  // eventfd: the watch is over
  std::thread thread_;
};

}  // namespace fedtrial::site
