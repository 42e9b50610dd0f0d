#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "security/crypto/seeded_random.h"

namespace fedtrial::sim {

// Numbers drawn from a stream of its own for every purpose and patient (or site, or visit), so that nothing depends on
// the order in which they are made or on the number of threads: the seed of a stream is
// SHA-256("fl/simcohort/v1" || u64 seed || enc(purpose) || u64 index).
class Draws {
 public:
  Draws(std::uint64_t seed, std::string_view purpose, std::uint64_t index);

  double Uniform();  // above 0 and below 1, 53 bits
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }
  double Normal();  // Box and Muller
  bool Happens(double probability) { return Uniform() < probability; }
  int Whole(int low, int high);  // evenly, both ends possible
  double LogNormal(double median, double spread);
  double Bounded(double mean, double deviation, double low, double high);  // normal, moved to the ends
  std::size_t Choice(std::span<const double> shares);  // shares add up to 1; the last takes the rest

 private:
  std::uint64_t Word();

  SeededRandom random_;
  std::array<std::uint8_t, 4096> buffer_{};
  std::size_t at_ = 4096;  // of the next byte; at the end the buffer is filled anew
};

}  // namespace fedtrial::sim
