#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/tensor.h"

namespace fedtrial {

// How values become words: word_bits 32 or 64, scaled by 2^fraction_bits after clipping to [-clip, clip].
// clip is the plan's; only f and word_bits stand in the manifest (the plan's hash binds the clip).
struct Encoding {
  unsigned word_bits = 64;
  unsigned fraction_bits = 32;
  double clip = 256.0;
  bool operator==(const Encoding&) const = default;
};

// What one round's vector means, word by word. Both sides make it from the plan, the step and the model's header
// (proto/plan/layout.h), so no site believes a peer about it; its SHA-256 goes into every signature and mask.
//
// The vector of words: per block in order of first appearance its weight n_k and a 0/1 contributor word, both at f = 0;
// then the values of the tensors in order.
struct Manifest {
  std::uint32_t step = 0;  // of the plan, from 0
  std::string task;
  std::uint64_t seed = 0;  // of this round
  Digest model{};          // SHA-256 of the model the round starts from; zeros before the first
  Encoding encoding;
  std::vector<TensorSpec> tensors;

  std::vector<std::string> Blocks() const;  // in order of first appearance
  std::uint64_t Values() const;             // elements of all tensors
  std::uint64_t Words() const;              // 2 a block, then the values
  // RFC 8785, integers and strings only; 64-bit integers as decimal strings. Offsets count values from 0.
  std::string CanonicalJson() const;
};

}  // namespace fedtrial
