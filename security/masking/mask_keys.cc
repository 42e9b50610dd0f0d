#include "security/masking/mask_keys.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

#include "security/crypto/aes_gcm.h"
#include "security/crypto/hkdf.h"

namespace fedtrial {
namespace {

constexpr std::array<std::uint8_t, kGcmNonceSize> kZeroNonce{};

// HKDF of the secret that two sites share, bound to both ids and public keys in id order.
Result<SecretBuffer> DerivePair(std::string_view label, const X25519PrivateKey& mine, SiteId my_id,
                                const X25519PublicKey& theirs, SiteId their_id, const Digest& ctx, std::size_t size) {
  if (my_id == their_id)
    return Error{ErrorCode::kInvalidInput, fmt::format("{} has no pair with itself", ToString(my_id))};
  ASSIGN_OR_RETURN(const SecretBytes<32> shared, mine.Agree(theirs));
  const bool low = my_id < their_id;
  const Bytes info = ByteWriter()
                         .Label(label)
                         .U32(std::min(my_id, their_id).value)
                         .U32(std::max(my_id, their_id).value)
                         .Raw(low ? mine.PublicKey() : theirs)
                         .Raw(low ? theirs : mine.PublicKey())
                         .Take();
  return HkdfSha256(shared.view(), ctx, info, size);
}

const SecretBytes<32>& DirectionKey(const ShareChannel& channel, SiteId from, SiteId to) {
  return from < to ? channel.lo_to_hi : channel.hi_to_lo;
}

Bytes ShareAad(const Digest& ctx, SiteId from, SiteId to) {
  return ByteWriter().Label("fl/secagg/v1/share").Raw(ctx).U32(from.value).U32(to.value).Take();
}

}  // namespace

Result<ShareChannel> DeriveShareChannel(const X25519PrivateKey& mine, SiteId my_id, const X25519PublicKey& theirs,
                                        SiteId their_id, const Digest& ctx) {
  ASSIGN_OR_RETURN(const SecretBuffer keys,
                   DerivePair("fl/secagg/v1/share-key", mine, my_id, theirs, their_id, ctx, 64));
  return ShareChannel{SecretBytes<32>(keys.view().first<32>()), SecretBytes<32>(keys.view().last<32>())};
}

Result<SecretBytes<32>> DerivePairMaskKey(const X25519PrivateKey& mine, SiteId my_id, const X25519PublicKey& theirs,
                                          SiteId their_id, const Digest& ctx) {
  ASSIGN_OR_RETURN(const SecretBuffer key,
                   DerivePair("fl/secagg/v1/pair-mask", mine, my_id, theirs, their_id, ctx, 32));
  return SecretBytes<32>(key.view().first<32>());
}

Result<SecretBytes<32>> DeriveSelfMaskKey(ByteView b, SiteId site, const Digest& ctx) {
  if (b.size() != 32) return WrongSecretSize(b.size(), 32);
  return HkdfSha256Key(b, ctx, ByteWriter().Label("fl/secagg/v1/self-mask").U32(site.value).bytes());
}

Result<Bytes> SealShare(const ShareChannel& channel, SiteId from, SiteId to, const Digest& ctx,
                        const HeldShare& share) {
  SecretBytes<1 + 32 + 32> plain;
  plain.span()[0] = share.x;
  std::copy_n(share.b.view().begin(), 32, plain.span().begin() + 1);
  std::copy_n(share.s_sk.view().begin(), 32, plain.span().begin() + 33);
  return GcmSeal(DirectionKey(channel, from, to).view(), kZeroNonce, ShareAad(ctx, from, to), plain.view());
}

Result<HeldShare> OpenShare(const ShareChannel& channel, SiteId from, SiteId to, const Digest& ctx, ByteView sealed) {
  if (sealed.size() != kSealedShareSize)
    return Error{ErrorCode::kIntegrity, fmt::format("the sealed share of {} for {} has {} bytes, wanted {}",
                                                    ToString(from), ToString(to), sealed.size(), kSealedShareSize)};
  auto plain = GcmOpen(DirectionKey(channel, from, to).view(), kZeroNonce, ShareAad(ctx, from, to), sealed);
  if (!plain.ok()) return plain.error().In(fmt::format("the sealed share of {} for {}", ToString(from), ToString(to)));
  const ByteView bytes = plain->view();
  return HeldShare{bytes[0], SecretBytes<32>(bytes.subspan<1, 32>()), SecretBytes<32>(bytes.subspan<33, 32>())};
}

}  // namespace fedtrial
