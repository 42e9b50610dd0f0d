#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "security/crypto/roster_hash.h"

namespace fedtrial {

// What an attempt at a round is bound to: a key, mask or message of another one never fits.
struct ContextInputs {
  std::string trial_id;
  RoundId round;
  Digest roster_hash{};
  Digest manifest_hash{};
  Digest plan_hash{};
};

// H("fl/ctx/v1" || enc(trial_id) || u64 round || u32 attempt || roster_hash || manifest_hash || plan_hash).
Digest Context(const ContextInputs& inputs);

inline constexpr std::string_view kSharedSet = "shared";      // U2
inline constexpr std::string_view kIncludedSet = "included";  // U3

// H("fl/secagg/v1/" || label || ctx || u32 count || sorted u32 ids). The span may be in any order.
Digest SetHash(std::string_view label, const Digest& ctx, std::span<const SiteId> ids);
Digest SetHash(std::string_view label, const Digest& ctx, const std::set<SiteId>& ids);

// Commitments: H(".../r-commit" || ctx || u32 id || r), H(".../b-commit" || ctx || u32 id || b); r and b are 32 bytes.
Digest RCommit(const Digest& ctx, SiteId site, ByteView r);
Digest BCommit(const Digest& ctx, SiteId site, ByteView b);

// H("fl/secagg/v1/keys" || ctx || per site of U1 by id: u32 id || enc(Keys body as received)).
Digest KeysHash(const Digest& ctx, const std::map<SiteId, Bytes>& keys_bodies);

// What a site signs in Agree: keys_hash || set("shared", U2) || set("included", U3), 96 bytes.
struct AgreeBody {
  Digest keys_hash{};
  Digest shared{};
  Digest included{};

  Bytes Encode() const;
  static Result<AgreeBody> Decode(ByteView bytes);
  bool operator==(const AgreeBody&) const = default;
};
AgreeBody MakeAgreeBody(const Digest& ctx, const std::map<SiteId, Bytes>& keys_bodies, const std::set<SiteId>& shared,
                        const std::set<SiteId>& included);

}  // namespace fedtrial
