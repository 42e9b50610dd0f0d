#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "security/crypto/ed25519.h"

namespace fedtrial {

// One thing that happened. No patient identifiers: a case is an HMAC, anything longer is in detail_hash.
struct AuditEvent {
  std::string time;  // RFC 3339, UTC
  std::string actor;
  std::string action;
  std::string trial;
  std::uint64_t round = 0;  // below 2^53
  Digest detail_hash{};
};

// Where a chain stands: its last line's number (from 1) and hash; seq 0 and zeros before the first.
struct AuditHead {
  std::uint64_t seq = 0;
  Digest hash{};
  bool operator==(const AuditHead&) const = default;
};

// Makes the next line of an append-only log: canonical JSON (RFC 8785) with the hash of all before it, h_n =
// H("fl/audit/v1" || h_{n-1} || enc(line)). The caller writes the line, a newline after it.
class AuditChain {
 public:
  AuditChain() = default;
  explicit AuditChain(const AuditHead& head) : head_(head) {}

  std::string Append(const AuditEvent& event);  // without the newline
  const AuditHead& head() const { return head_; }

 private:
  AuditHead head_;
};

Digest AuditLineHash(const Digest& before, std::string_view line);

struct AuditLine {
  AuditEvent event;
  std::uint64_t seq = 0;
  Digest prev{};
};
// kIntegrity if it isn't a line that Append could have written.
Result<AuditLine> ReadAuditLine(std::string_view line);

// Checks a whole log, lines without newlines, and returns its head. kIntegrity names the first line that was changed,
// removed, put in or moved ("line 17: ..."). `anchors` are heads that others have countersigned, in any order: without
// one, a cut or rewritten end can't be seen.
Result<AuditHead> VerifyChain(std::span<const std::string> lines, std::span<const AuditHead> anchors = {});

// Every this many events, and at the end of a round, the head is signed and exchanged.
inline constexpr std::uint64_t kEventsPerHead = 256;

// The owner's word for its head: signature over "fl/audit-head/v1" || u64 seq || hash || enc(time).
struct SignedHead {
  AuditHead head;
  std::string time;  // RFC 3339, UTC
  Signature signature{};
  bool operator==(const SignedHead&) const = default;
};
SignedHead SignHead(const SigningKey& key, const AuditHead& head, std::string time);
bool VerifyHead(const VerifyKey& owner, const SignedHead& head);

// A witness's word that it has seen another's head: over the same bytes || the owner's signature, so that it can't pass
// for a head of the witness's own.
Signature CountersignHead(const SigningKey& witness, const SignedHead& head);
bool VerifyCountersignature(const VerifyKey& witness, const SignedHead& head, const Signature& countersignature);

// As it travels and is kept: u64 seq || hash || enc(time) || signature; a countersigned one has the witness's after it.
Bytes PackHead(const SignedHead& head);
Result<SignedHead> UnpackHead(ByteView bytes);
struct CountersignedHead {
  SignedHead head;
  Signature countersignature{};
};
Bytes PackHead(const CountersignedHead& head);
Result<CountersignedHead> UnpackCountersignedHead(ByteView bytes);

// A witness accepts an owner's next head only if it doesn't go back: kIntegrity for a lower seq, or another hash at the
// same seq (the owner's log was cut or rewritten).
Status CheckNextHead(const AuditHead& last_seen, const AuditHead& next);

}  // namespace fedtrial
