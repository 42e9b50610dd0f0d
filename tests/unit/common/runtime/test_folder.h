#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <sys/resource.h>

#include "common/base/bytes.h"
#include "common/runtime/files.h"
#include "common/runtime/process.h"

namespace fedtrial {

// A private folder that goes with its scope.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fedtrial-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Stands for a full disk: in its scope no file of this process grows beyond `bytes`.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

inline std::string ReadText(const std::filesystem::path& path) {
  const auto bytes = ReadWholeFile(path, std::size_t{1} << 30);
  return bytes.ok() ? std::string(AsText(*bytes)) : "(" + bytes.error().message + ")";
}

// Puts other bytes in a file's place, without the care (and time) of WriteWholeFile.
inline void Overwrite(const std::filesystem::path& path, ByteView bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app).flush();  // there, at least
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::filesystem::resize_file(path, bytes.size());  // last: a file cut to nothing is flushed when closed
}

// This test program as one of the children of children.cc.
inline ChildOptions Child(std::vector<std::string> arguments) {
  ChildOptions options;
  options.program = std::filesystem::read_symlink("/proc/self/exe");
  options.arguments = std::move(arguments);
  options.arguments.insert(options.arguments.begin(), "--child");
  options.max_message_bytes = 64 << 20;
  return options;
}

}  // namespace fedtrial
