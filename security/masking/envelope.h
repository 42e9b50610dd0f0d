#pragma once

#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "security/crypto/ed25519.h"

namespace fedtrial {

// One signed message of a round. The body is kept as received and never encoded again.
struct Envelope {
  Digest ctx{};
  std::uint8_t phase = 0;      // 0 Hello, 1 Keys, 2 Shares, 3 Masked, 4 Agree, 5 Unmask
  SiteId sender;               // kCoordinatorId for the coordinator
  SiteId receiver;             // kCoordinatorId, kBroadcastId or a site
  std::uint64_t sequence = 0;  // per ctx and sender, from 1
  Bytes body;
  Signature signature{};

  bool operator==(const Envelope&) const = default;
};

// Ed25519("fl/msg/v1" || ctx || u8 phase || u32 sender || u32 receiver || u64 sequence || H(body)).
Envelope SignEnvelope(const SigningKey& key, const Digest& ctx, std::uint8_t phase, SiteId sender, SiteId receiver,
                      std::uint64_t sequence, Bytes body);
// The signature alone; ctx, sender, phase and sequence are the receiver's to check before.
bool VerifyEnvelope(const Envelope& envelope, const VerifyKey& key);

// As it travels: ctx 32 | u8 phase | u32 sender | u32 receiver | u64 sequence | enc(body) | signature 64.
Bytes EncodeEnvelope(const Envelope& envelope);
Result<Envelope> DecodeEnvelope(ByteView bytes);

}  // namespace fedtrial
