#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "security/crypto/secret.h"

namespace fedtrial {

// Every error names the path. kUnavailable: disk full, quota, too many open files or a failing device (try again once
// that is mended); kInvalidInput: missing, of the wrong kind or mode, larger than allowed, not permitted.

// Owner of a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { Close(); }

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  int Release();
  void Close();

 private:
  int fd_ = -1;
};

// The error of the system call that has just failed: "cannot write /a/b: No space left on device".
Error SystemError(int error_number, std::string_view doing, const std::filesystem::path& path);

// All descriptors are opened close-on-exec.
Result<Fd> OpenForReading(const std::filesystem::path& path);  // a regular file
// All bytes, at the current position or at `offset`, whatever the kernel splits them into.
Status WriteAll(int fd, ByteView bytes, const std::filesystem::path& path);
Status WriteAllAt(int fd, std::uint64_t offset, ByteView bytes, const std::filesystem::path& path);
// kIntegrity if the file ends before `out` is full.
Status ReadAllAt(int fd, std::uint64_t offset, std::span<std::uint8_t> out, const std::filesystem::path& path);
Result<std::uint64_t> FileSize(int fd, const std::filesystem::path& path);

// Creates the folder and its parents with mode 0700; one that others can enter is refused.
Status EnsurePrivateFolder(const std::filesystem::path& folder);
// Makes names created, renamed or removed in the folder durable.
Status SyncFolder(const std::filesystem::path& folder);

Result<Bytes> ReadWholeFile(const std::filesystem::path& path, std::size_t max_bytes);
// As above, for a secret: a regular file whose mode is 0600 or tighter. What comes back is wiped with its owner.
Result<SecretBuffer> ReadKeyFile(const std::filesystem::path& path, std::size_t max_bytes = 64 * 1024);
Status CheckKeyFileMode(const std::filesystem::path& path);

// Replaces the file as a whole: temporary name in the same folder, fsync, rename, fsync of the folder. After a crash
// the old or the new content is there, never a part.
Status WriteWholeFile(const std::filesystem::path& path, ByteView bytes, mode_t mode = 0600);
// The same, but refuses (kInvalidInput) to replace a file: for keys. Mode 0600.
Status WriteNewFile(const std::filesystem::path& path, ByteView bytes);
// Removes the file if it is there, durably.
Status RemoveFile(const std::filesystem::path& path);

// The same replacement for content that arrives in pieces. Without Commit the target is untouched and the temporary
// file is removed.
class AtomicFile {
 public:
  static Result<AtomicFile> Create(const std::filesystem::path& path, mode_t mode = 0600);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  Status Write(ByteView bytes);
  Status Commit();       // replaces the target
  Status CommitAsNew();  // kInvalidInput if the target is there already
  const std::filesystem::path& path() const { return path_; }

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, Fd fd);
  Status Sync();

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty once renamed or moved from
  Fd fd_;
};

// Removes the temporary files that killed processes left in the folder. Call it under the folder's lock.
Status RemoveTemporaryFiles(const std::filesystem::path& folder);

// Bytes that this user can still write in the folder's file system, and a check before large work: kUnavailable with
// both figures.
Result<std::uint64_t> FreeSpace(const std::filesystem::path& folder);
Status RequireFreeSpace(const std::filesystem::path& folder, std::uint64_t bytes);

}  // namespace fedtrial
