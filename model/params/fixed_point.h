#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "model/params/contribution.h"
#include "model/params/manifest.h"

namespace fedtrial {

// Words of a round: 32 or 64 bits, two's complement, added modulo 2^word_bits.
using Words = std::variant<std::vector<std::uint32_t>, std::vector<std::uint64_t>>;

std::uint64_t SizeInWords(const Words& words);
std::span<const std::uint8_t> WordBytes(const Words& words);  // little-endian, as sent
std::span<std::uint8_t> MutableWordBytes(Words& words);
Words ZeroWords(unsigned word_bits, std::uint64_t count);

// The largest f with clip * 2^f * cap + sites / 2 < 2^(word_bits - 1): nothing can overflow (SECURITY.md, Encoding).
// cap bounds the sum of the weights. kInvalidInput if not even f = 0 fits.
Result<unsigned> LargestFractionBits(double clip, std::uint64_t cap, std::uint64_t sites, unsigned word_bits);

// weight * clip(value, -clip, clip) * 2^f, rounded to nearest even in double. Refuses a value that is not finite,
// anything not of the manifest's shape, a weight too large for its words, and a block with a weight that doesn't
// contribute or the reverse (kInvalidInput, naming the tensor or block). `clipped` counts values that were clipped.
// A block in `withheld` (by index; empty: none) is sent as zeros, front words too, and its values aren't read.
struct Encoded {
  Words words;
  std::uint64_t clipped = 0;
};
Result<Encoded> EncodeContribution(const Manifest& manifest, const Contribution& contribution,
                                   const std::vector<bool>& withheld);

// The finished sum of a round, read in place: the words stay where they are (flat memory at 100 M parameters).
class Sum {
 public:
  // Checks the length, and that every front word lies in [0, sites * patient_cap] and contributors in [0, sites], none
  // without weight (kIntegrity: a site has lied, or a mask is left). Manifest and words must outlive the sum.
  static Result<Sum> Over(const Manifest& manifest, const Words& words, std::uint64_t sites, std::uint64_t patient_cap);

  const Manifest& manifest() const { return *manifest_; }
  std::uint64_t sites() const { return sites_; }
  std::uint64_t weight(std::size_t block) const;
  std::uint64_t contributors(std::size_t block) const;
  std::size_t block_of(std::size_t tensor) const { return block_of_[tensor]; }
  // The sum of weight * value, in double.
  double value(std::size_t tensor, std::uint64_t index) const;
  std::vector<double> values(std::size_t tensor) const;
  // Sum over weight: the weighted mean. A block without weight gives zeros.
  std::vector<double> means(std::size_t tensor) const;
  // The weighted means of the elements from `first` on, as many as `out` has: for tensors too large to copy.
  void MeansInto(std::size_t tensor, std::uint64_t first, std::span<double> out) const;
  // Index of the tensor of this name; kInternal if the manifest has none.
  Result<std::size_t> Find(std::string_view name) const;

 private:
  const Manifest* manifest_ = nullptr;
  const Words* words_ = nullptr;
  std::uint64_t sites_ = 0;
  std::vector<std::size_t> block_of_;      // tensor -> block
  std::vector<std::uint64_t> first_word_;  // tensor -> word
};

}  // namespace fedtrial
