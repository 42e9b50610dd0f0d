#include "coordinator/shell/spool.h"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace fedtrial::coordinator {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;
constexpr std::string_view kPart = ".part";

// "<site>-<digest>"
std::optional<StoredUpload> StoredFromName(std::string_view name) {
  const std::size_t dash = name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  StoredUpload upload;
  const auto [end, error] = std::from_chars(name.data(), name.data() + dash, upload.site.value);
  const auto digest = DigestFromHex(name.substr(dash + 1));
  if (error != std::errc{} || end != name.data() + dash || !digest.ok()) return std::nullopt;
  upload.digest = *digest;
  return upload;
}

}  // namespace

Status IncomingUpload::Append(ByteView chunk) {
  if (chunk.size() > length_ - offset_)
    return Error{ErrorCode::kInvalidInput, fmt::format("the upload goes on after its {} bytes", length_)};
  RETURN_IF_ERROR(WriteAllAt(fd_.get(), offset_, chunk, path_));
  hash_.Update(chunk);
  offset_ += chunk.size();
  return {};
}

Status IncomingUpload::ReadHeld() {
  ASSIGN_OR_RETURN(const std::uint64_t size, FileSize(fd_.get(), path_));
  const std::uint64_t held = std::min(size, length_);
  Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, held)));
  while (offset_ < held) {
    const std::size_t now = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), held - offset_));
    const std::span<std::uint8_t> part = std::span(buffer).first(now);
    RETURN_IF_ERROR(ReadAllAt(fd_.get(), offset_, part, path_));
    hash_.Update(part);
    offset_ += now;
  }
  return {};
}

Result<std::unique_ptr<Spool>> Spool::Open(const std::filesystem::path& folder, RoundId round,
                                           const Manifest& manifest) {
  RETURN_IF_ERROR(EnsurePrivateFolder(folder));
  std::unique_ptr<Spool> spool(new Spool(folder, round, manifest));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (const auto stored = StoredFromName(entry.path().filename().string()))
      spool->stored_.emplace(stored->site, stored->digest);
  if (error) return SystemError(error.value(), "read", folder);
  return spool;
}

std::filesystem::path Spool::PartPath(SiteId site) const { return folder_ / fmt::format("{}{}", site.value, kPart); }

std::filesystem::path Spool::StoredPath(SiteId site, const Digest& digest) const {
  return folder_ / fmt::format("{}-{}", site.value, ToHex(digest));
}

Result<Spool::Held> Spool::State(SiteId site) const {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = stored_.find(site); found != stored_.end()) return Held{length_, found->second};
  }
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(PartPath(site), error);
  if (error == std::errc::no_such_file_or_directory) return Held{};
  if (error) return SystemError(error.value(), "read", PartPath(site));
  return Held{std::min(size, length_), std::nullopt};
}

Result<IncomingUpload> Spool::Receive(SiteId site) const {
  if (closed_) return Error{ErrorCode::kWrongPhase, fmt::format("round {} takes no more uploads", ToString(round_))};
  const std::filesystem::path path = PartPath(site);
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.open()) return SystemError(errno, "open", path);
  IncomingUpload upload(std::move(fd), path, length_);
  RETURN_IF_ERROR(upload.ReadHeld());
  return upload;
}

Status Spool::Store(SiteId site, IncomingUpload upload, const Digest& digest) {
  if (upload.offset_ != length_)
    return Error{ErrorCode::kInvalidInput, fmt::format("the upload has {} bytes, wanted {}", upload.offset_, length_)};
  const std::filesystem::path part = PartPath(site);
  if (upload.hash_.Finish() != digest) {
    RETURN_IF_ERROR(RemoveFile(part));
    return Error{ErrorCode::kIntegrity, "the upload's bytes don't have the digest that was said; send it again whole"};
  }
  if (fsync(upload.fd_.get()) != 0) return SystemError(errno, "make durable", part);
  if (rename(part.c_str(), StoredPath(site, digest).c_str()) != 0) return SystemError(errno, "rename", part);
  RETURN_IF_ERROR(SyncFolder(folder_));
  const std::scoped_lock lock(mutex_);
  stored_[site] = digest;
  return {};
}

std::vector<StoredUpload> Spool::Stored() const {
  const std::scoped_lock lock(mutex_);
  std::vector<StoredUpload> uploads;
  for (const auto& [site, digest] : stored_) uploads.push_back({site, digest});
  return uploads;
}

void Spool::Remove() {
  Close();
  std::error_code ignored;  // what stays is removed at the next start
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace fedtrial::coordinator
