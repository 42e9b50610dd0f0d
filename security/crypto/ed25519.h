#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "security/crypto/openssl_fwd.h"
#include "security/crypto/secret.h"

namespace fedtrial {

using VerifyKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

// RFC 8032. Move only; a key that was moved from may only be destroyed or assigned to.
class SigningKey {
 public:
  static SigningKey Generate(Random& random);
  // kInvalidInput unless there are 32 bytes.
  static Result<SigningKey> FromSeed(ByteView seed);

  const VerifyKey& PublicKey() const { return public_key_; }
  Signature Sign(ByteView message) const;
  ByteView seed() const { return seed_.view(); }  // for storing sealed

 private:
  explicit SigningKey(SecretBytes<32> seed);

  SecretBytes<32> seed_;
  EvpPkeyPtr key_;  // of seed_
  VerifyKey public_key_{};
};

bool Verify(const VerifyKey& key, ByteView message, const Signature& signature);

// Every signature starts with the label of its kind, so that none can stand for another. None is another's beginning.
inline constexpr std::string_view kMessageLabel = "fl/msg/v1";  // signed envelopes
inline constexpr std::string_view kRosterLabel = "fl/roster-sig/v1";
inline constexpr std::string_view kPlanLabel = "fl/plan/v1";
inline constexpr std::string_view kApproveLabel = "fl/approve/v1";
inline constexpr std::string_view kEnrolLabel = "fl/enrol/v1";
inline constexpr std::string_view kModelLabel = "fl/model/v1";
inline constexpr std::string_view kAuditHeadLabel = "fl/audit-head/v1";
inline constexpr std::string_view kRevocationLabel = "fl/revocation/v1";

// Over label || message.
Signature SignLabelled(const SigningKey& key, std::string_view label, ByteView message);
bool VerifyLabelled(const VerifyKey& key, std::string_view label, ByteView message, const Signature& signature);

}  // namespace fedtrial
