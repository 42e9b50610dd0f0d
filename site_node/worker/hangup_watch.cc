#include "site_node/worker/hangup_watch.h"

#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace fedtrial::site {

HangupWatch::HangupWatch(int fd) : wake_(eventfd(0, EFD_CLOEXEC)) {
  if (wake_ < 0) return;  // no descriptor left: the task runs to its end unwatched
  thread_ = std::thread([this, fd] {
    pollfd watched[2] = {{fd, 0, 0}, {wake_, POLLIN, 0}};  // of fd only POLLHUP and POLLERR, which are always told
    while (poll(watched, 2, -1) < 0) {
    }
    if (watched[0].revents != 0) gone_ = true;
  });
}

HangupWatch::~HangupWatch() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);  // 8 bytes into an eventfd: never short
  thread_.join();
  close(wake_);
}

}  // namespace fedtrial::site
