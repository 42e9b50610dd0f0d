#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/runtime/files.h"

namespace fedtrial {

// How long a daemon waits for a command that only looks into its folder.
inline constexpr Duration kLockPatience = std::chrono::seconds(2);

// One process a state folder: an flock on its file `lock`, gone with the process however it ends. The file is never
// removed; it holds the last holder's pid and program for a person to read.
class FolderLock {
 public:
  // kUnavailable, naming folder, pid and program of the holder, if another process (or this one) has it and keeps it
  // for `patience`.
  static Result<FolderLock> Take(const std::filesystem::path& folder, std::string_view program,
                                 Duration patience = Duration(0));

 private:
  explicit FolderLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace fedtrial
