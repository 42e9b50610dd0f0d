#pragma once

#include <cstdint>
#include <ctime>
#include <set>
#include <string>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "security/crypto/ed25519.h"
#include "security/pki/roster.h"

namespace fedtrial {

inline constexpr std::time_t kRevocationLifetime = 24 * 3600;  // seconds after issued_at; a staler list stops the round

// Who is no longer let in. Each list is whole and replaces the one before.
struct RevocationList {
  std::string trial_id;
  std::uint64_t number = 0;
  std::time_t issued_at = 0;        // seconds since 1970
  std::set<SiteId> sites;           // rows of the roster
  std::set<std::uint64_t> serials;  // of certificates

  // "fl/revocation-file/v1" || enc(trial_id) || u64 number || u64 issued_at || u32 count || u32 ids || u32 count || u64
  // serials, both sorted.
  Bytes Encode() const;
  static Result<RevocationList> Decode(ByteView bytes);
  void ApplyTo(Roster& roster) const;  // sets `revoked` of every row
  bool operator==(const RevocationList&) const = default;
};

struct SignedRevocationList {
  Bytes encoded;
  Signature signature{};  // over "fl/revocation/v1" || encoded
};
SignedRevocationList SignRevocationList(const SigningKey& consortium, const RevocationList& list);
Result<RevocationList> OpenRevocationList(const VerifyKey& consortium, const SignedRevocationList& signed_list);

// kIntegrity if it is of another trial, has a lower number, or the same number with other content.
Status CheckNextRevocationList(const RevocationList& current, const RevocationList& next);
// kUnavailable if it is older than kRevocationLifetime at `now`.
Status CheckFresh(const RevocationList& list, std::time_t now);

}  // namespace fedtrial
