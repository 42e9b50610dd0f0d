#include "common/runtime/message_pipe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <limits>
#include <poll.h>
#include <signal.h>
#include <span>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "common/runtime/files.h"

namespace fedtrial {
namespace {

constexpr std::size_t kStep = std::size_t{1} << 24;  // a length that lies costs at most this much memory

Error PipeError(int error_number, std::string_view doing) {
  return {ErrorCode::kUnavailable,
          fmt::format("cannot {} the pipe: {}", doing, std::generic_category().message(error_number))};
}

// Reads until `out` is full or the other end closed; the bytes read.
Result<std::size_t> ReadUpTo(int fd, std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = read(fd, out.data() + done, out.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return PipeError(errno, "read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Error CutShort() { return {ErrorCode::kIntegrity, "the pipe was closed within a message"}; }

Status WaitReadable(int fd, Duration timeout) {
  const int milliseconds =
      static_cast<int>(std::clamp<Duration::rep>(timeout.count(), 0, std::numeric_limits<int>::max()));
  pollfd waiting{fd, POLLIN, 0};
  int ready = 0;
  do {
    ready = poll(&waiting, 1, milliseconds);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return PipeError(errno, "wait for");
  if (ready > 0) return {};
  return Error{ErrorCode::kUnavailable, fmt::format("no message on the pipe within {} ms", milliseconds)};
}

}  // namespace

Status WriteMessage(int fd, ByteView message) {
  [[maybe_unused]] static const auto ignored = signal(SIGPIPE, SIG_IGN);
  if (message.size() > std::numeric_limits<std::uint32_t>::max())
    return Error{ErrorCode::kInvalidInput, fmt::format("a message of {} bytes is too long", message.size())};
  const Bytes length = ByteWriter().U32(static_cast<std::uint32_t>(message.size())).Take();
  RETURN_IF_ERROR(WriteAll(fd, length, "the pipe"));
  return WriteAll(fd, message, "the pipe");
}

Result<std::optional<Bytes>> ReadMessage(int fd, std::size_t max_bytes, std::optional<Duration> timeout) {
  if (timeout) RETURN_IF_ERROR(WaitReadable(fd, *timeout));
  std::array<std::uint8_t, 4> header{};
  ASSIGN_OR_RETURN(const std::size_t got, ReadUpTo(fd, header));
  if (got == 0) return std::optional<Bytes>();
  if (got < header.size()) return CutShort();
  const std::size_t size = ByteReader(header).U32();
  if (size > max_bytes)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("a message on the pipe says it has {} bytes, at most {} are allowed", size, max_bytes)};
  Bytes message;
  while (message.size() < size) {
    const std::size_t start = message.size();
    message.resize(std::min(size, start + std::max(kStep, start)));
    ASSIGN_OR_RETURN(const std::size_t read, ReadUpTo(fd, std::span(message).subspan(start)));
    if (read < message.size() - start) return CutShort();
  }
  return std::optional<Bytes>(std::move(message));
}

void ExitWhenClosed(int fd) {
  std::thread([fd] {
    pollfd watched{fd, 0, 0};  // only POLLHUP and POLLERR, which are always told
    while (poll(&watched, 1, -1) <= 0) {
    }
    _exit(1);
  }).detach();
}

}  // namespace fedtrial
