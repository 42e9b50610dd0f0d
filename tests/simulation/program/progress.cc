#include "tests/simulation/program/progress.h"

#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace fedtrial::sim {
namespace {

constexpr std::int64_t kQuietMs = 10'000;
constexpr std::int64_t kFrameMs = 50;

std::int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1), said_(NowMs()) {}

Progress::~Progress() {
  if (open_) std::fputs("\r\x1b[K", stderr);
}

void Progress::Say(const std::string& line) {
  const std::int64_t now = NowMs();
  if (now - said_ < (terminal_ ? kFrameMs : kQuietMs)) return;
  said_ = now;
  std::fputs(terminal_ ? fmt::format("\r\x1b[K{}", line).c_str() : (line + "\n").c_str(), stderr);
  std::fflush(stderr);
  open_ = terminal_;
}

std::function<void(std::uint64_t, std::uint64_t, const std::string&)> Progress::OfRounds() {
  return [this](std::uint64_t round, std::uint64_t of, const std::string& what) {
    Say(fmt::format("round {} of {}: {}", round, of, what));
  };
}

std::function<void(std::size_t, std::size_t)> Progress::Of(std::string what) {
  return [this, what = std::move(what)](std::size_t done, std::size_t of) {
    Say(fmt::format("{}: {} of {}", what, done, of));
  };
}

}  // namespace fedtrial::sim
