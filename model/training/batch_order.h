#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/base/bytes.h"
#include "security/crypto/seeded_random.h"

namespace fedtrial {

// Mini-batches of one replica: its patients in random order, dealt out `batch` at a time, the last of a pass smaller;
// then shuffled anew. The same seed gives the same batches on every machine.
class BatchOrder {
 public:
  // patients: indices, not empty; batch >= 1.
  BatchOrder(std::vector<std::size_t> patients, std::size_t batch, const Digest& seed);
  std::span<const std::size_t> Next();  // valid until the next call

 private:
  std::vector<std::size_t> patients_;
  std::size_t batch_;
  std::size_t next_;
  SeededRandom random_;
};

// SHA-256("fl/batches/v1" || u64 seed || cohort || u32 replica).
Digest BatchSeed(std::uint64_t seed, const Digest& cohort, std::size_t replica);

}  // namespace fedtrial
