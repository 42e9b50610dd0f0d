#include "common/runtime/signals.h"

#include <pthread.h>
#include <signal.h>
#include <system_error>
#include <unistd.h>

namespace fedtrial {
namespace {

sigset_t StopSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Result<std::unique_ptr<StopSignal>> StopSignal::Install() {
  const sigset_t set = StopSet();
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0)
    return Error{ErrorCode::kInternal, "cannot block signals: " + std::generic_category().message(error)};
  std::unique_ptr<StopSignal> stop(new StopSignal());
  stop->thread_ = std::thread([self = stop.get()] { self->Listen(); });
  return stop;
}

void StopSignal::Listen() {
  const sigset_t stops = StopSet();
  int number = 0;
  while (sigwait(&stops, &number) == 0 && !ending_) {
    if (stopped()) _exit(128 + number);
    Stop(number);
  }
}

StopSignal::~StopSignal() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);  // to that thread alone: ends its sigwait
  thread_.join();
  const sigset_t set = StopSet();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::optional<int> StopSignal::Wait(std::optional<Duration> timeout) {
  std::unique_lock lock(mutex_);
  const auto is_stopped = [this] { return number_.has_value(); };
  if (timeout)
    stopped_.wait_for(lock, *timeout, is_stopped);
  else
    stopped_.wait(lock, is_stopped);
  return number_;
}

void StopSignal::RequestStop() { Stop(0); }

void StopSignal::Stop(int number) {
  const std::scoped_lock lock(mutex_);
  if (!number_) number_ = number;
  stopped_.notify_all();
}

}  // namespace fedtrial
