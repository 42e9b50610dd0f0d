#include "common/runtime/files.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

namespace fedtrial {
namespace {

constexpr std::string_view kTemporaryMark = ".fedtrial-tmp.";  // in the name of every unfinished file

std::filesystem::path FolderOf(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

ErrorCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case EPERM:
    case EEXIST:
    case ELOOP:
    case ENAMETOOLONG:
      return ErrorCode::kInvalidInput;
    default:  // ENOSPC, EDQUOT, EFBIG, EIO, EROFS, EMFILE, …: mended outside, then tried again
      return ErrorCode::kUnavailable;
  }
}

// Writes all, through `write_some(done)`, which returns what the system call returned.
template <typename WriteSome>
Status WriteFully(ByteView bytes, const std::filesystem::path& path, WriteSome write_some) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = write_some(done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(errno, "write", path);
    done += static_cast<std::size_t>(written);
  }
  return {};
}

Result<std::size_t> BoundedSize(const Fd& fd, std::size_t max_bytes, const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::uint64_t size, FileSize(fd.get(), path));
  if (size <= max_bytes) return static_cast<std::size_t>(size);
  return Error{ErrorCode::kInvalidInput,
               fmt::format("{} has {} bytes, at most {} are allowed", path.string(), size, max_bytes)};
}

Status CheckKeyMode(int fd, const std::filesystem::path& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return SystemError(errno, "look at", path);
  if ((info.st_mode & 0177) == 0) return {};
  return Error{ErrorCode::kInvalidInput,
               fmt::format("key file {} has mode {:04o}, wanted 0600: others could read it (chmod 600 {})",
                           path.string(), info.st_mode & 07777, path.string())};
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = other.Release();
  }
  return *this;
}

int Fd::Release() { return std::exchange(fd_, -1); }

void Fd::Close() {
  if (fd_ >= 0) close(Release());
}

Error SystemError(int error_number, std::string_view doing, const std::filesystem::path& path) {
  return {CodeOf(error_number),
          fmt::format("cannot {} {}: {}", doing, path.string(), std::generic_category().message(error_number))};
}

Result<Fd> OpenForReading(const std::filesystem::path& path) {
  // O_NONBLOCK: a named pipe in the place of a file must not hold us up.
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) return SystemError(errno, "open", path);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return SystemError(errno, "look at", path);
  if (!S_ISREG(info.st_mode))
    return Error{ErrorCode::kInvalidInput, fmt::format("{} is not a regular file", path.string())};
  return fd;
}

Status WriteAll(int fd, ByteView bytes, const std::filesystem::path& path) {
  return WriteFully(bytes, path, [&](std::size_t done) { return write(fd, bytes.data() + done, bytes.size() - done); });
}

Status WriteAllAt(int fd, std::uint64_t offset, ByteView bytes, const std::filesystem::path& path) {
  return WriteFully(bytes, path, [&](std::size_t done) {
    return pwrite(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
  });
}

Status ReadAllAt(int fd, std::uint64_t offset, std::span<std::uint8_t> out, const std::filesystem::path& path) {
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t got = pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(errno, "read", path);
    if (got == 0)
      return Error{ErrorCode::kIntegrity,
                   fmt::format("{} ends at byte {}, wanted {}", path.string(), offset + done, offset + out.size())};
    done += static_cast<std::size_t>(got);
  }
  return {};
}

Result<std::uint64_t> FileSize(int fd, const std::filesystem::path& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return SystemError(errno, "look at", path);
  return static_cast<std::uint64_t>(info.st_size);
}

Status EnsurePrivateFolder(const std::filesystem::path& folder) {
  if (folder.empty()) return Error{ErrorCode::kInvalidInput, "a folder's name is empty"};
  if (mkdir(folder.c_str(), 0700) == 0) return SyncFolder(FolderOf(folder));
  if (errno == ENOENT && FolderOf(folder) != folder) {
    RETURN_IF_ERROR(EnsurePrivateFolder(FolderOf(folder)));
    if (mkdir(folder.c_str(), 0700) == 0) return SyncFolder(FolderOf(folder));
  }
  if (errno != EEXIST) return SystemError(errno, "create", folder);
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0) return SystemError(errno, "look at", folder);
  if (!S_ISDIR(info.st_mode))
    return Error{ErrorCode::kInvalidInput, fmt::format("{} is not a folder", folder.string())};
  if ((info.st_mode & 0077) != 0)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("folder {} has mode {:04o}, wanted 0700: others could enter it (chmod 700 {})",
                             folder.string(), info.st_mode & 07777, folder.string())};
  return {};
}

Status SyncFolder(const std::filesystem::path& folder) {
  const Fd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return SystemError(errno, "open", folder);
  if (fsync(fd.get()) != 0) return SystemError(errno, "sync", folder);
  return {};
}

Result<Bytes> ReadWholeFile(const std::filesystem::path& path, std::size_t max_bytes) {
  ASSIGN_OR_RETURN(const Fd fd, OpenForReading(path));
  ASSIGN_OR_RETURN(const std::size_t size, BoundedSize(fd, max_bytes, path));
  Bytes bytes(size);
  RETURN_IF_ERROR(ReadAllAt(fd.get(), 0, bytes, path));
  return bytes;
}

Result<SecretBuffer> ReadKeyFile(const std::filesystem::path& path, std::size_t max_bytes) {
  ASSIGN_OR_RETURN(const Fd fd, OpenForReading(path));
  RETURN_IF_ERROR(CheckKeyMode(fd.get(), path));
  ASSIGN_OR_RETURN(const std::size_t size, BoundedSize(fd, max_bytes, path));
  SecretBuffer bytes(size);
  RETURN_IF_ERROR(ReadAllAt(fd.get(), 0, bytes.span(), path));
  return bytes;
}

Status CheckKeyFileMode(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const Fd fd, OpenForReading(path));
  return CheckKeyMode(fd.get(), path);
}

Status WriteWholeFile(const std::filesystem::path& path, ByteView bytes, mode_t mode) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path, mode));
  RETURN_IF_ERROR(file.Write(bytes));
  return file.Commit();
}

Status WriteNewFile(const std::filesystem::path& path, ByteView bytes) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file.Write(bytes));
  return file.CommitAsNew();
}

Status RemoveFile(const std::filesystem::path& path) {
  if (unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return SystemError(errno, "remove", path);
  }
  return SyncFolder(FolderOf(path));
}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path temporary, Fd fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::move(other.temporary_)), fd_(std::move(other.fd_)) {
  other.temporary_.clear();
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Result<AtomicFile> AtomicFile::Create(const std::filesystem::path& path, mode_t mode) {
  std::string name = (FolderOf(path) / fmt::format(".{}{}XXXXXX", path.filename().string(), kTemporaryMark)).string();
  Fd fd(mkostemp(name.data(), O_CLOEXEC));
  if (!fd.open()) return SystemError(errno, "create", path);
  AtomicFile file(path, name, std::move(fd));
  if (fchmod(file.fd_.get(), mode) != 0) return SystemError(errno, "set the mode of", path);
  return file;
}

Status AtomicFile::Write(ByteView bytes) { return WriteAll(fd_.get(), bytes, path_); }

Status AtomicFile::Sync() {
  if (fsync(fd_.get()) != 0) return SystemError(errno, "sync", path_);
  return {};
}

Status AtomicFile::Commit() {
  RETURN_IF_ERROR(Sync());
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return SystemError(errno, "replace", path_);
  temporary_.clear();
  return SyncFolder(FolderOf(path_));
}

Status AtomicFile::CommitAsNew() {
  RETURN_IF_ERROR(Sync());
  if (link(temporary_.c_str(), path_.c_str()) != 0) return SystemError(errno, "create", path_);
  unlink(temporary_.c_str());
  temporary_.clear();
  return SyncFolder(FolderOf(path_));
}

Status RemoveTemporaryFiles(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (entry->path().filename().string().find(kTemporaryMark) != std::string::npos) unlink(entry->path().c_str());
  if (error) return SystemError(error.value(), "list", folder);
  return {};
}

Result<std::uint64_t> FreeSpace(const std::filesystem::path& folder) {
  struct statvfs info {};
  if (statvfs(folder.c_str(), &info) != 0) return SystemError(errno, "look at", folder);
  return std::uint64_t{info.f_bavail} * std::uint64_t{info.f_frsize};
}

Status RequireFreeSpace(const std::filesystem::path& folder, std::uint64_t bytes) {
  ASSIGN_OR_RETURN(const std::uint64_t space, FreeSpace(folder));
  if (space >= bytes) return {};
  return Error{ErrorCode::kUnavailable,
               fmt::format("disk of {} has {} bytes left, {} are needed", folder.string(), space, bytes)};
}

}  // namespace fedtrial
