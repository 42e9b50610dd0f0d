#include "model/params/encode_values.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string_view>

namespace fedtrial {
namespace {

Error Invalid(std::string message) { return Error{ErrorCode::kInvalidInput, std::move(message)}; }

}  // namespace

Status CheckEncoding(const Encoding& encoding) {
  if (encoding.word_bits != 32 && encoding.word_bits != 64)
    return Invalid(fmt::format("words have {} bits, wanted 32 or 64", encoding.word_bits));
  if (encoding.fraction_bits >= encoding.word_bits || !(encoding.clip > 0.0) || !std::isfinite(encoding.clip))
    return Invalid(fmt::format("encoding has f = {} and clip {}", encoding.fraction_bits, encoding.clip));
  return {};
}

Status CheckBlock(const Encoding& encoding, const std::string& name, const Contribution::Block& block) {
  if (block.contributes != (block.weight > 0))
    return Invalid(fmt::format("block {} has weight {} and says that it {}", name, block.weight,
                               block.contributes ? "contributes" : "doesn't contribute"));
  // The double product is exact or larger than any word: weights that fit have less than 53 bits in practice.
  const double largest =
      static_cast<double>(block.weight) * std::max(1.0, encoding.clip * TwoTo(encoding.fraction_bits));
  if (!(largest < TwoTo(encoding.word_bits - 1)))
    return Invalid(fmt::format("block {}: weight {} is too large for {}-bit words with f = {} and clip {}", name,
                               block.weight, encoding.word_bits, encoding.fraction_bits, encoding.clip));
  return {};
}

std::vector<std::size_t> BlockOfTensors(const Manifest& manifest) {
  std::vector<std::size_t> block_of;
  std::map<std::string_view, std::size_t> index;
  for (const TensorSpec& spec : manifest.tensors)
    block_of.push_back(index.emplace(spec.block(), index.size()).first->second);
  return block_of;
}

}  // namespace fedtrial
