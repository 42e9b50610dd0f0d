#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "security/crypto/ed25519.h"
#include "security/crypto/roster_hash.h"

namespace fedtrial {

struct RosterEntry {
  RosterRow row;
  std::string name;  // the site's, as in its certificate
  bool operator==(const RosterEntry&) const = default;
};

// Everybody of a trial, signed by the consortium's key, which the coordinator doesn't hold.
struct Roster {
  std::string trial_id;
  std::uint32_t version = 0;  // from 1; a change is a higher one
  std::vector<RosterEntry> entries;

  // Sorted by id, no id, key, spki or name twice; ids 0 (the coordinator, role 0) to 2^32-2; one coordinator.
  Status Check() const;
  Digest Hash() const;  // names aren't in it
  // "fl/roster-file/v1" || enc(trial_id) || u32 version || u32 rows || per row by id: u32 id || signing key || spki ||
  // u8 role || enc(name). Revoked isn't in it.
  Bytes Encode() const;
  static Result<Roster> Decode(ByteView bytes);  // checks

  std::vector<RosterRow> Rows() const;
  const RosterEntry* Find(SiteId id) const;  // null if unknown
  const RosterEntry* FindBySpki(const Digest& spki) const;
  const RosterEntry* FindByName(std::string_view name) const;
  bool operator==(const Roster&) const = default;
};

struct SignedRoster {
  Bytes encoded;
  Signature signature{};  // over "fl/roster-sig/v1" || roster_hash || SHA-256(encoded)
};
Result<SignedRoster> SignRoster(const SigningKey& consortium, const Roster& roster);
// kIntegrity if the signature doesn't hold.
Result<Roster> OpenRoster(const VerifyKey& consortium, const SignedRoster& signed_roster);

// kIntegrity unless it is of the same trial with a higher version.
Status CheckNextRoster(const Roster& current, const Roster& next);

}  // namespace fedtrial
