#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "security/crypto/ed25519.h"

namespace fedtrial {

inline constexpr std::uint8_t kRoleCoordinator = 0;
inline constexpr std::uint8_t kRoleSite = 1;

// Who may speak in a trial, and with which keys.
struct RosterRow {
  SiteId id;
  VerifyKey signing_key{};
  Digest spki{};  // SHA-256 of the TLS public key (SubjectPublicKeyInfo, DER)
  std::uint8_t role = kRoleSite;
  bool revoked = false;  // from the revocation list; not hashed

  bool operator==(const RosterRow&) const = default;
};

// H("fl/roster/v1" || enc(trial_id) || u32 version || u32 rows || per row by id: u32 id || Ed25519 key || spki || u8
// role). In whatever order the rows are given.
Digest RosterHash(std::string_view trial_id, std::uint32_t version, std::span<const RosterRow> rows);

}  // namespace fedtrial
