#include "model/training/batch_order.h"

#include <algorithm>
#include <utility>

#include "security/crypto/sha256.h"

namespace fedtrial {

BatchOrder::BatchOrder(std::vector<std::size_t> patients, std::size_t batch, const Digest& seed)
    : patients_(std::move(patients)), batch_(batch), next_(patients_.size()), random_(seed) {}

std::span<const std::size_t> BatchOrder::Next() {
  if (next_ == patients_.size()) {
    Shuffle(std::span(patients_), random_);
    next_ = 0;
  }
  const std::size_t size = std::min(batch_, patients_.size() - next_);
  const std::span<const std::size_t> batch(patients_.data() + next_, size);
  next_ += size;
  return batch;
}

Digest BatchSeed(std::uint64_t seed, const Digest& cohort, std::size_t replica) {
  return Sha256(
      ByteWriter().Label("fl/batches/v1").U64(seed).Raw(cohort).U32(static_cast<std::uint32_t>(replica)).bytes());
}

}  // namespace fedtrial
