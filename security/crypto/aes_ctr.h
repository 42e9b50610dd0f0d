#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "common/base/bytes.h"
#include "security/crypto/openssl_fwd.h"
#include "security/crypto/secret.h"

namespace fedtrial {

// The key stream of AES-256-CTR from a zero counter block (big-endian, 128 bits). One context for its whole life; one
// thread at a time. Movable.
class CtrStream {
 public:
  explicit CtrStream(std::span<const std::uint8_t, 32> key);
  static CtrStream FromCounterForTest(std::span<const std::uint8_t, 32> key, std::span<const std::uint8_t, 16> counter);

  // The next Fill starts at this byte of the stream.
  void SeekTo(std::uint64_t offset);
  void Fill(std::span<std::uint8_t> out);

 private:
  EvpCipherCtxPtr context_;
  std::array<std::uint8_t, 16> start_{};  // the counter block of byte 0
};

}  // namespace fedtrial
