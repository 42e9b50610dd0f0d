#include "common/runtime/sealed_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "security/crypto/aes_gcm.h"

namespace fedtrial {
namespace {

constexpr std::string_view kMagic = "fedtrial-sealed\n";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPrefixSize = 7;
constexpr std::size_t kWrappedKeySize = 32 + kGcmTagSize;
constexpr std::size_t kHeaderSize = kMagic.size() + 4 + kGcmNonceSize + kWrappedKeySize + kPrefixSize;
constexpr std::size_t kSealedRecord = kSealedRecordBytes + kGcmTagSize;

Bytes FileAad(std::string_view role, std::string_view trial) {
  return ByteWriter().Enc(role).Enc(trial).U32(kVersion).Take();
}

Bytes WrapAad(ByteView file_aad) { return ByteWriter().Label("fl/data-key/v1").Raw(file_aad).Take(); }

Bytes ColumnAad(std::string_view place, std::string_view trial) {
  return ByteWriter().Label("fl/column/v1").Enc(place).Enc(trial).U32(kVersion).Take();
}

Bytes RecordNonce(ByteView prefix, std::uint32_t index, bool last) {
  return ByteWriter().Raw(prefix).U32(index).U8(last ? 1 : 0).Take();
}

template <std::size_t N>
std::array<std::uint8_t, N> Draw(Random& random) {
  std::array<std::uint8_t, N> bytes{};
  random.Fill(bytes);
  return bytes;
}

Error Damaged(const std::filesystem::path& path, std::string_view what) {
  return {ErrorCode::kIntegrity, fmt::format("sealed file {}: {}", path.string(), what)};
}

}  // namespace

SealedWriter::SealedWriter(AtomicFile file, SecretBytes<32> key, Bytes aad, ByteView prefix)
    : file_(std::move(file)), key_(std::move(key)), aad_(std::move(aad)), pending_(kSealedRecordBytes) {
  std::copy(prefix.begin(), prefix.end(), prefix_.begin());
}

// A full record is written only when more follows: the last one has to know that it is.
Status SealedWriter::Write(ByteView plain) {
  while (!plain.empty()) {
    if (filled_ == kSealedRecordBytes) RETURN_IF_ERROR(WriteRecord(/*last=*/false));
    const std::size_t taken = std::min(plain.size(), kSealedRecordBytes - filled_);
    std::copy_n(plain.begin(), taken, pending_.span().begin() + static_cast<std::ptrdiff_t>(filled_));
    filled_ += taken;
    plain = plain.subspan(taken);
  }
  return {};
}

Status SealedWriter::Finish() {
  RETURN_IF_ERROR(WriteRecord(/*last=*/true));
  return file_.Commit();
}

Status SealedWriter::WriteRecord(bool last) {
  if (index_ == std::numeric_limits<std::uint32_t>::max())
    return Error{ErrorCode::kInvalidInput, fmt::format("{} would be too large to seal", file_.path().string())};
  ASSIGN_OR_RETURN(const Bytes sealed,
                   GcmSeal(key_.view(), RecordNonce(prefix_, index_, last), aad_, pending_.view().first(filled_)));
  ++index_;  // whether or not the write succeeds: a nonce is used once
  filled_ = 0;
  return file_.Write(sealed);
}

SealedReader::SealedReader(Fd fd, std::filesystem::path path, SecretBytes<32> key, Bytes aad)
    : fd_(std::move(fd)), path_(std::move(path)), key_(std::move(key)), aad_(std::move(aad)) {}

Status SealedReader::Start(ByteView prefix, std::uint64_t records_bytes) {
  std::copy(prefix.begin(), prefix.end(), prefix_.begin());
  const std::uint64_t full = records_bytes / kSealedRecord;
  const std::uint64_t rest = records_bytes % kSealedRecord;
  if (records_bytes < kGcmTagSize || (rest != 0 && rest < kGcmTagSize)) return Damaged(path_, "it is cut short");
  const std::uint64_t records = full + (rest != 0 ? 1 : 0);
  if (records > std::numeric_limits<std::uint32_t>::max()) return Damaged(path_, "it is too large");
  records_ = static_cast<std::uint32_t>(records);
  size_ = records_bytes - records * kGcmTagSize;
  return LoadRecord(records_ - 1);  // its final flag proves the size
}

Status SealedReader::LoadRecord(std::uint32_t index) {
  if (loaded_ == index) return {};
  const bool last = index + 1 == records_;
  const std::uint64_t plain_start = std::uint64_t{index} * kSealedRecordBytes;
  const std::uint64_t plain_size = std::min<std::uint64_t>(kSealedRecordBytes, size_ - plain_start);
  Bytes sealed(static_cast<std::size_t>(plain_size) + kGcmTagSize);
  RETURN_IF_ERROR(ReadAllAt(fd_.get(), kHeaderSize + std::uint64_t{index} * kSealedRecord, sealed, path_));
  loaded_.reset();
  auto plain = GcmOpen(key_.view(), RecordNonce(prefix_, index, last), aad_, sealed);
  if (!plain.ok()) {
    if (plain.error().code != ErrorCode::kIntegrity) return plain.error().In(path_.string());
    return Damaged(path_, fmt::format("record {} of {} was changed, moved or cut", index + 1, records_));
  }
  record_ = std::move(plain).value();
  loaded_ = index;
  return {};
}

Status SealedReader::ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) {
  if (offset > size_ || out.size() > size_ - offset)
    return Error{ErrorCode::kInvalidInput, fmt::format("{} bytes at {} lie beyond the {} bytes of {}", out.size(),
                                                       offset, size_, path_.string())};
  while (!out.empty()) {
    RETURN_IF_ERROR(LoadRecord(static_cast<std::uint32_t>(offset / kSealedRecordBytes)));
    const ByteView from = record_.view().subspan(static_cast<std::size_t>(offset % kSealedRecordBytes));
    const std::size_t taken = std::min(from.size(), out.size());
    std::copy_n(from.begin(), taken, out.begin());
    out = out.subspan(taken);
    offset += taken;
  }
  return {};
}

Result<std::size_t> SealedReader::Read(std::span<std::uint8_t> out) {
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - position_));
  RETURN_IF_ERROR(ReadAt(position_, out.first(taken)));
  position_ += taken;
  return taken;
}

Sealer::Sealer(SecretBytes<32> key, std::string_view trial, Random& random)
    : key_(std::move(key)), trial_(trial), random_(&random) {}

Result<Sealer> Sealer::Open(const std::filesystem::path& file, std::string_view trial, Random& random) {
  ASSIGN_OR_RETURN(const SecretBuffer bytes, ReadKeyFile(file));
  auto key = SecretBytes<32>::CopyOf(bytes.view());
  if (!key.ok()) return key.error().In(file.string());
  return Sealer(std::move(key).value(), trial, random);
}

Result<Sealer> Sealer::Create(const std::filesystem::path& file, std::string_view trial, Random& random) {
  SecretBytes<32> key;
  random.Fill(key.span());
  RETURN_IF_ERROR(WriteNewFile(file, key.view()));
  return Sealer(std::move(key), trial, random);
}

Sealer Sealer::FromKey(SecretBytes<32> key, std::string_view trial, Random& random) {
  return Sealer(std::move(key), trial, random);
}

Result<SealedWriter> Sealer::StartFile(const std::filesystem::path& path, std::string_view role) const {
  Bytes aad = FileAad(role, trial_);
  SecretBytes<32> data_key;
  random_->Fill(data_key.span());
  const auto nonce = Draw<kGcmNonceSize>(*random_);
  const auto prefix = Draw<kPrefixSize>(*random_);
  ASSIGN_OR_RETURN(const Bytes wrapped, GcmSeal(key_.view(), nonce, WrapAad(aad), data_key.view()));
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file.Write(ByteWriter().Label(kMagic).U32(kVersion).Raw(nonce).Raw(wrapped).Raw(prefix).bytes()));
  return SealedWriter(std::move(file), std::move(data_key), std::move(aad), prefix);
}

Result<SealedReader> Sealer::OpenFile(const std::filesystem::path& path, std::string_view role) const {
  ASSIGN_OR_RETURN(Fd fd, OpenForReading(path));
  ASSIGN_OR_RETURN(const std::uint64_t size, FileSize(fd.get(), path));
  if (size < kHeaderSize) return Damaged(path, "it is cut short");
  Bytes header(kHeaderSize);
  RETURN_IF_ERROR(ReadAllAt(fd.get(), 0, header, path));
  ByteReader reader(header);
  if (AsText(reader.Raw(kMagic.size())) != kMagic) return Damaged(path, "it is not a sealed file");
  if (const std::uint32_t version = reader.U32(); version != kVersion)
    return Damaged(path, fmt::format("it has version {}, wanted {}", version, kVersion));
  const ByteView nonce = reader.Raw(kGcmNonceSize);
  const ByteView wrapped = reader.Raw(kWrappedKeySize);
  Bytes aad = FileAad(role, trial_);
  auto data_key = GcmOpen(key_.view(), nonce, WrapAad(aad), wrapped);
  if (!data_key.ok())
    return Damaged(path, fmt::format("its key doesn't open: changed, or not a {} of this trial and this folder", role));
  ASSIGN_OR_RETURN(auto key, SecretBytes<32>::CopyOf(data_key->view()));
  SealedReader sealed(std::move(fd), path, std::move(key), std::move(aad));
  RETURN_IF_ERROR(sealed.Start(reader.Raw(kPrefixSize), size - kHeaderSize));
  return sealed;
}

Status Sealer::WriteFile(const std::filesystem::path& path, std::string_view role, ByteView plain) const {
  ASSIGN_OR_RETURN(SealedWriter writer, StartFile(path, role));
  RETURN_IF_ERROR(writer.Write(plain));
  return writer.Finish();
}

Result<Bytes> Sealer::ReadFile(const std::filesystem::path& path, std::string_view role, std::size_t max_bytes) const {
  ASSIGN_OR_RETURN(SealedReader reader, OpenFile(path, role));
  if (reader.size() > max_bytes)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} has {} bytes, at most {} are allowed", path.string(), reader.size(), max_bytes)};
  Bytes plain(static_cast<std::size_t>(reader.size()));
  RETURN_IF_ERROR(reader.ReadAt(0, plain));
  return plain;
}

Result<Bytes> Sealer::SealColumn(std::string_view place, ByteView plain) const {
  const auto nonce = Draw<kGcmNonceSize>(*random_);
  ASSIGN_OR_RETURN(const Bytes sealed, GcmSeal(key_.view(), nonce, ColumnAad(place, trial_), plain));
  return ByteWriter().Raw(nonce).Raw(sealed).Take();
}

Result<SecretBuffer> Sealer::OpenColumn(std::string_view place, ByteView sealed) const {
  if (sealed.size() < kGcmNonceSize + kGcmTagSize)
    return Error{ErrorCode::kIntegrity, fmt::format("sealed value {} is cut short", place)};
  auto plain =
      GcmOpen(key_.view(), sealed.first(kGcmNonceSize), ColumnAad(place, trial_), sealed.subspan(kGcmNonceSize));
  if (!plain.ok())
    return Error{ErrorCode::kIntegrity,
                 fmt::format("sealed value {} doesn't open: changed, moved, or of another trial or folder", place)};
  return plain;
}

}  // namespace fedtrial
