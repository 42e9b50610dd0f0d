#pragma once

#include <cstddef>

#include "common/base/bytes.h"
#include "security/crypto/secret.h"

namespace fedtrial {

inline constexpr std::size_t kGcmKeySize = 32;
inline constexpr std::size_t kGcmNonceSize = 12;
inline constexpr std::size_t kGcmTagSize = 16;

// AES-256-GCM, 96-bit nonce, 128-bit tag last; a key never meets a nonce twice. kInvalidInput for another key or nonce
// size. A message is at most 2^31-1 bytes.
Result<Bytes> GcmSeal(ByteView key, ByteView nonce, ByteView aad, ByteView plain);
// kIntegrity if it doesn't open: wrong key, nonce or aad, or a changed byte.
Result<SecretBuffer> GcmOpen(ByteView key, ByteView nonce, ByteView aad, ByteView sealed);

}  // namespace fedtrial
