#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/runtime/files.h"
#include "model/params/manifest.h"
#include "security/crypto/sha256.h"

namespace fedtrial::coordinator {

// One site's upload while it arrives. One thread at a time.
class IncomingUpload {
 public:
  std::uint64_t offset() const { return offset_; }  // bytes held
  // kInvalidInput past the upload's length; kUnavailable if the disk is full (what was held before still is).
  Status Append(ByteView chunk);

 private:
  friend class Spool;
  IncomingUpload(Fd fd, std::filesystem::path path, std::uint64_t length)
      : fd_(std::move(fd)), path_(std::move(path)), length_(length) {}
  Status ReadHeld();

  Fd fd_;
  std::filesystem::path path_;
  std::uint64_t length_;
  std::uint64_t offset_ = 0;
  Sha256Stream hash_;  // of the bytes before offset_
};

struct StoredUpload {
  SiteId site;
  Digest digest{};
};

// The masked uploads of one attempt at a round: `<site>.part` while one arrives, `<site>-<digest>` when it is whole,
// checked and durable. They lie unsealed: they are masked. Any thread; but one IncomingUpload a site at a time, which
// is the caller's to see to.
class Spool {
 public:
  // Makes the folder, or takes up what a crash left in it. Every upload has just the manifest's words.
  static Result<std::unique_ptr<Spool>> Open(const std::filesystem::path& folder, RoundId round,
                                             const Manifest& manifest);

  RoundId round() const { return round_; }
  std::uint64_t words() const { return words_; }
  std::uint64_t values() const { return values_; }
  std::uint64_t length() const { return length_; }  // of an upload, bytes

  // How many of this site's bytes are held; `stored` only if they are whole.
  struct Held {
    std::uint64_t bytes = 0;
    std::optional<Digest> stored;
  };
  Result<Held> State(SiteId site) const;

  // Goes on where the last one stopped. kWrongPhase once the spool is closed.
  Result<IncomingUpload> Receive(SiteId site) const;
  // kIntegrity if the bytes aren't these (they are dropped, the site starts again), kInvalidInput if some are missing.
  // Durable when ok.
  Status Store(SiteId site, IncomingUpload upload, const Digest& digest);
  std::vector<StoredUpload> Stored() const;
  std::filesystem::path StoredPath(SiteId site, const Digest& digest) const;

  // No more is taken; Remove empties the folder.
  void Close() { closed_ = true; }
  bool closed() const { return closed_; }
  void Remove();

 private:
  Spool(std::filesystem::path folder, RoundId round, const Manifest& manifest)
      : folder_(std::move(folder)),
        round_(round),
        words_(manifest.Words()),
        values_(manifest.Values()),
        length_(words_ * manifest.encoding.word_bits / 8) {}
  std::filesystem::path PartPath(SiteId site) const;

  const std::filesystem::path folder_;
  const RoundId round_;
  const std::uint64_t words_;
  const std::uint64_t values_;
  const std::uint64_t length_;
  std::atomic<bool> closed_ = false;
  mutable std::mutex mutex_;
  std::map<SiteId, Digest> stored_;
};

}  // namespace fedtrial::coordinator
