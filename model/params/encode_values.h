#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "model/params/contribution.h"
#include "model/params/manifest.h"

// How values become words (SECURITY.md, Encoding): what fixed_point and word_stream share.
namespace fedtrial {

// Added to a double below 2^51 it leaves the nearest integer (ties to even) in the low bits of the sum: what
// std::nearbyint gives, but in plain additions that any compiler turns into vector code.
inline constexpr double kRoundingBias = 6755399441055744.0;   // 1.5 * 2^52
inline constexpr double kRoundingBound = 2251799813685248.0;  // 2^51

inline double TwoTo(unsigned exponent) { return std::ldexp(1.0, static_cast<int>(exponent)); }

// kInvalidInput unless words have 32 or 64 bits, f fits into them and the clip is finite and above 0.
Status CheckEncoding(const Encoding& encoding);
// kInvalidInput if the block has a weight and doesn't contribute, or the reverse, or a weight too large for its words.
Status CheckBlock(const Encoding& encoding, const std::string& name, const Contribution::Block& block);
// Index of each tensor's block, in order of first appearance.
std::vector<std::size_t> BlockOfTensors(const Manifest& manifest);

struct Tally {
  std::uint64_t clipped = 0, not_finite = 0;
};

// Two's complement of the rounded value. |value| < 2^(bits of Word - 1), and < 2^51 where kSmall.
template <typename Word, bool kSmall>
Word ToWord(double value) {
  if constexpr (kSmall)
    return static_cast<Word>(std::bit_cast<std::uint64_t>(value + kRoundingBias) -
                             std::bit_cast<std::uint64_t>(kRoundingBias));
  else
    return static_cast<Word>(static_cast<std::int64_t>(std::nearbyint(value)));
}

template <typename Word, bool kSmall, typename Value>
Tally EncodeScaled(std::span<const Value> values, double clip, double scale, Word* out) {
  Tally tally;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = values[i];
    double kept = value < -clip ? -clip : value;
    kept = kept > clip ? clip : kept;
    tally.not_finite += value - value != 0.0;
    tally.clipped += kept != value;
    out[i] = ToWord<Word, kSmall>(kept * scale);
  }
  return tally;
}

// `out` has room for as many words. The encoding and the weight have passed their checks.
template <typename Word, typename Value>
Tally EncodeValues(std::span<const Value> values, std::uint64_t weight, const Encoding& encoding, Word* out) {
  const double scale = static_cast<double>(weight) * TwoTo(encoding.fraction_bits);
  return encoding.clip * scale < kRoundingBound ? EncodeScaled<Word, true>(values, encoding.clip, scale, out)
                                                : EncodeScaled<Word, false>(values, encoding.clip, scale, out);
}

}  // namespace fedtrial
