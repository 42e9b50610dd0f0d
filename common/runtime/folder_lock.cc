#include "common/runtime/folder_lock.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <string>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

namespace fedtrial {

Result<FolderLock> FolderLock::Take(const std::filesystem::path& folder, std::string_view program, Duration patience) {
  const std::filesystem::path path = folder / "lock";
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.open()) return SystemError(errno, "open", path);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    if (errno != EWOULDBLOCK) return SystemError(errno, "lock", path);
    std::array<char, 256> text{};
    const ssize_t got = pread(fd.get(), text.data(), text.size(), 0);
    std::string holder(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    holder = holder.substr(0, holder.find('\n'));
    return Error{ErrorCode::kUnavailable,
                 fmt::format("{} is in use by process {}", folder.string(), holder.empty() ? "(starting)" : holder)};
  }
  if (ftruncate(fd.get(), 0) != 0) return SystemError(errno, "write", path);
  RETURN_IF_ERROR(WriteAllAt(fd.get(), 0, AsBytes(fmt::format("{} ({})\n", getpid(), program)), path));
  return FolderLock(std::move(fd));
}

}  // namespace fedtrial
