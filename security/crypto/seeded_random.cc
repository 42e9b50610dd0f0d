#include "security/crypto/seeded_random.h"

#include <array>
#include <limits>

#include "common/base/bytes.h"
#include "security/crypto/sha256.h"

namespace fedtrial {

SeededRandom::SeededRandom(std::uint64_t seed)
    : SeededRandom(std::span<const std::uint8_t, 32>(Sha256(ByteWriter().Label("fl/seed/v1").U64(seed).bytes()))) {}

std::uint64_t UniformBelow(std::uint64_t bound, Random& random) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t remainder = (kMax % bound + 1) % bound;  // 2^64 mod bound
  for (;;) {
    std::array<std::uint8_t, 8> bytes;
    random.Fill(bytes);
    const std::uint64_t word = ByteReader(bytes).U64();
    if (word <= kMax - remainder) return word % bound;
  }
}

}  // namespace fedtrial
