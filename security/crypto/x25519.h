#pragma once

#include <array>
#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "security/crypto/openssl_fwd.h"
#include "security/crypto/secret.h"

namespace fedtrial {

using X25519PublicKey = std::array<std::uint8_t, 32>;

// RFC 7748. Move only; a key that was moved from may only be destroyed or assigned to.
class X25519PrivateKey {
 public:
  static X25519PrivateKey Generate(Random& random);
  // kInvalidInput unless there are 32 bytes; any 32 bytes are a key.
  static Result<X25519PrivateKey> FromBytes(ByteView bytes);

  const X25519PublicKey& PublicKey() const { return public_key_; }
  // kIntegrity if the shared secret is all zero, as it is for every low-order key.
  Result<SecretBytes<32>> Agree(const X25519PublicKey& theirs) const;
  // As given, not clamped: what is cut into shares.
  ByteView bytes() const { return bytes_.view(); }

 private:
  explicit X25519PrivateKey(SecretBytes<32> bytes);

  SecretBytes<32> bytes_;
  EvpPkeyPtr key_;  // of bytes_
  X25519PublicKey public_key_{};
};

// A point of order 1, 2, 4 or 8, in any of its encodings: every shared secret with it is zero.
bool IsLowOrder(const X25519PublicKey& key);

}  // namespace fedtrial
