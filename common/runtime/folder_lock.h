#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/result.h"
#include "common/runtime/files.h"

namespace fedtrial {

// One process a state folder: an flock on its file `lock`, gone with the process however it ends. The file is never
// removed; it holds the last holder's pid and program for a person to read.
class FolderLock {
 public:
  // kUnavailable, naming folder, pid and program of the holder, if another process (or this one) has it.
  static Result<FolderLock> Take(const std::filesystem::path& folder, std::string_view program);

 private:
  explicit FolderLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace fedtrial
