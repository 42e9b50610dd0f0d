#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "common/base/random.h"
#include "security/crypto/aes_ctr.h"

namespace fedtrial {

// The AES-256-CTR stream under a seed: the same seed gives the same bytes on every machine, however they are asked for.
// For tests, the simulation, deals of folds and permutations; keys come from SystemRandom.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(std::span<const std::uint8_t, 32> seed) : stream_(seed) {}
  explicit SeededRandom(std::uint64_t seed);  // the seed is SHA-256("fl/seed/v1" || u64 seed)
  void Fill(std::span<std::uint8_t> out) override { stream_.Fill(out); }

 private:
  CtrStream stream_;
};

// Evenly from 0 to bound-1 (bound >= 1): a little-endian u64 word modulo bound, words >= 2^64 - (2^64 mod bound)
// skipped.
std::uint64_t UniformBelow(std::uint64_t bound, Random& random);

// Fisher-Yates from the last place down to the second: for a = size-1 .. 1, swap a and UniformBelow(a+1).
template <typename T>
void Shuffle(std::span<T> items, Random& random) {
  for (std::size_t a = items.size(); a-- > 1;) std::swap(items[a], items[UniformBelow(a + 1, random)]);
}

}  // namespace fedtrial
