#pragma once

#include <cstddef>

#include "common/base/bytes.h"
#include "security/crypto/secret.h"

namespace fedtrial {

// RFC 5869 with SHA-256. size is 1 to 255 * 32 bytes, else kInvalidInput; info at most 1 KiB.
Result<SecretBuffer> HkdfSha256(ByteView ikm, ByteView salt, ByteView info, std::size_t size);
Result<SecretBytes<32>> HkdfSha256Key(ByteView ikm, ByteView salt, ByteView info);

}  // namespace fedtrial
