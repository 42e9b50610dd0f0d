#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "security/crypto/secret.h"
#include "security/crypto/x25519.h"

namespace fedtrial {

// The two one-message keys between two sites in one ctx.
struct ShareChannel {
  SecretBytes<32> lo_to_hi;
  SecretBytes<32> hi_to_lo;
};

// HKDF(X25519(c_i, c_j), ctx, "fl/secagg/v1/share-key" || u32 lo || u32 hi || c_pk_lo || c_pk_hi, 64). kIntegrity for a
// low-order key of theirs, kInvalidInput if both ids are the same.
Result<ShareChannel> DeriveShareChannel(const X25519PrivateKey& mine, SiteId my_id, const X25519PublicKey& theirs,
                                        SiteId their_id, const Digest& ctx);

// The same with the s keys and "fl/secagg/v1/pair-mask", 32 bytes; both sites get the same key.
Result<SecretBytes<32>> DerivePairMaskKey(const X25519PrivateKey& mine, SiteId my_id, const X25519PublicKey& theirs,
                                          SiteId their_id, const Digest& ctx);

// HKDF(b, ctx, "fl/secagg/v1/self-mask" || u32 id, 32); b is 32 bytes.
Result<SecretBytes<32>> DeriveSelfMaskKey(ByteView b, SiteId site, const Digest& ctx);

// What one site holds of another's two secrets.
struct HeldShare {
  std::uint8_t x = 0;  // the holder's share point
  SecretBytes<32> b;
  SecretBytes<32> s_sk;
};

inline constexpr std::size_t kSealedShareSize = 1 + 32 + 32 + 16;

// AES-256-GCM of u8 x || share(b) || share(s_sk), nonce 0 (one message a key), aad "fl/secagg/v1/share" || ctx ||
// u32 from || u32 to.
Result<Bytes> SealShare(const ShareChannel& channel, SiteId from, SiteId to, const Digest& ctx, const HeldShare& share);
// kIntegrity if it doesn't open; whether x is the receiver's point is the caller's to check.
Result<HeldShare> OpenShare(const ShareChannel& channel, SiteId from, SiteId to, const Digest& ctx, ByteView sealed);

}  // namespace fedtrial
