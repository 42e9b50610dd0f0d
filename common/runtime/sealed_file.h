#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/runtime/files.h"
#include "security/crypto/secret.h"

namespace fedtrial {

// Files at rest (SECURITY.md, "At rest"). Layout, integers little-endian:
//   "fedtrial-sealed\n" | u32 version = 1 | wrap nonce (12) | data key under the KEK (32 + tag 16) | nonce prefix (7)
//   | records: AES-256-GCM of 1 MiB of plain bytes (the last one less, or none), tag (16) last
// Record i: nonce = prefix || u32 i || u8 final (1 for the last), AAD = enc(role) || enc(trial) || u32 version; the
// wrap has the AAD "fl/data-key/v1" || that. So a file doesn't open under another role, trial or KEK, and a cut,
// reordered, repeated or changed record, or a changed header, is kIntegrity.
inline constexpr std::size_t kSealedRecordBytes = std::size_t{1} << 20;

// Writes one file front to back; the target appears, whole, with Finish. Without it nothing is left. At most 2^32-1
// records (4 PiB).
class SealedWriter {
 public:
  Status Write(ByteView plain);
  Status Finish();

 private:
  friend class Sealer;
  SealedWriter(AtomicFile file, SecretBytes<32> key, Bytes aad, ByteView prefix);
  Status WriteRecord(bool last);

  AtomicFile file_;
  SecretBytes<32> key_;
  Bytes aad_;
  std::array<std::uint8_t, 7> prefix_;
  std::uint32_t index_ = 0;
  SecretBuffer pending_;    // room for one record
  std::size_t filled_ = 0;  // plain bytes in it
};

// Reads from anywhere; opens each touched record as a whole and keeps the last one. One thread at a time.
class SealedReader {
 public:
  std::uint64_t size() const { return size_; }  // plain bytes; proven by the last record, which is checked on opening
  // Fills `out` from `offset`; kInvalidInput beyond the end, kIntegrity if a record doesn't hold.
  Status ReadAt(std::uint64_t offset, std::span<std::uint8_t> out);
  // The next bytes from the start on, up to out.size(); 0 at the end.
  Result<std::size_t> Read(std::span<std::uint8_t> out);

 private:
  friend class Sealer;
  SealedReader(Fd fd, std::filesystem::path path, SecretBytes<32> key, Bytes aad);
  Status Start(ByteView prefix, std::uint64_t records_bytes);
  Status LoadRecord(std::uint32_t index);

  Fd fd_;
  std::filesystem::path path_;
  SecretBytes<32> key_;
  Bytes aad_;
  std::array<std::uint8_t, 7> prefix_{};
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
  std::uint32_t records_ = 0;
  std::optional<std::uint32_t> loaded_;
  SecretBuffer record_;  // plain bytes of `loaded_`
};

// Holds the key-encryption key of a folder and makes both. Const members may be called from any thread if `random` may.
class Sealer {
 public:
  // The key lies in `file` (32 bytes, mode 0600). `random` outlives the sealer and all it makes.
  static Result<Sealer> Open(const std::filesystem::path& file, std::string_view trial, Random& random);
  // As Open, after writing a new key. Refuses to replace one.
  static Result<Sealer> Create(const std::filesystem::path& file, std::string_view trial, Random& random);
  static Sealer FromKey(SecretBytes<32> key, std::string_view trial, Random& random);

  // `role` says what the file is ("model", "contribution"): a file of one role can't stand in for another.
  Result<SealedWriter> StartFile(const std::filesystem::path& path, std::string_view role) const;
  Result<SealedReader> OpenFile(const std::filesystem::path& path, std::string_view role) const;

  Status WriteFile(const std::filesystem::path& path, std::string_view role, ByteView plain) const;
  Result<Bytes> ReadFile(const std::filesystem::path& path, std::string_view role, std::size_t max_bytes) const;

  // A value for a database: nonce (12) || ciphertext || tag (16), AAD "fl/column/v1" || enc(place) || enc(trial) ||
  // u32 version. `place` says where it belongs ("participant/12-0"): moved to another row it doesn't open.
  Result<Bytes> SealColumn(std::string_view place, ByteView plain) const;
  Result<SecretBuffer> OpenColumn(std::string_view place, ByteView sealed) const;

 private:
  Sealer(SecretBytes<32> key, std::string_view trial, Random& random);

  SecretBytes<32> key_;
  std::string trial_;
  Random* random_;
};

}  // namespace fedtrial
