#include "security/crypto/system_random.h"

#include <algorithm>
#include <cstddef>
#include <openssl/rand.h>

#include "security/crypto/openssl.h"

namespace fedtrial {

void SystemRandom::Fill(std::span<std::uint8_t> out) {
  constexpr std::size_t kAtOnce = 1 << 20;  // the call takes an int
  while (!out.empty()) {
    const std::size_t size = std::min(out.size(), kAtOnce);
    if (RAND_priv_bytes(out.data(), static_cast<int>(size)) != 1) OpenSslAbort("the random generator");
    out = out.subspan(size);
  }
}

}  // namespace fedtrial
