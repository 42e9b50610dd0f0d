#include "model/params/fixed_point.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "model/params/encode_values.h"

namespace fedtrial {
namespace {

Error Invalid(std::string message) { return Error{ErrorCode::kInvalidInput, std::move(message)}; }

std::uint64_t FirstNotFinite(const Tensor& tensor) {
  std::uint64_t index = 0;
  while (index < tensor.size() && std::isfinite(tensor.at(index))) ++index;
  return index;
}

template <typename Word>
class Encoder {
 public:
  Encoder(const Manifest& manifest, std::vector<Word>& words) : manifest_(manifest), words_(words) {}

  Status Front(std::size_t index, const std::string& name, const Contribution::Block& block) {
    RETURN_IF_ERROR(CheckBlock(manifest_.encoding, name, block));
    words_[2 * index] = static_cast<Word>(block.weight);
    words_[2 * index + 1] = block.contributes ? 1 : 0;
    return {};
  }

  Status Values(const TensorSpec& spec, const Tensor& tensor, std::uint64_t weight, std::uint64_t place) {
    const Tally tally = std::visit(
        [&](const auto& v) {
          return EncodeValues(std::span(v.data(), v.size()), weight, manifest_.encoding, words_.data() + place);
        },
        tensor.values);
    if (tally.not_finite > 0)
      return Invalid(fmt::format("tensor \"{}\": {} of {} values are not finite, the first is value {}", spec.name,
                                 tally.not_finite, tensor.size(), FirstNotFinite(tensor)));
    clipped_ += tally.clipped;
    return {};
  }

  std::uint64_t clipped() const { return clipped_; }

 private:
  const Manifest& manifest_;
  std::vector<Word>& words_;
  std::uint64_t clipped_ = 0;
};

Status CheckShapes(const Manifest& manifest, const Contribution& contribution, std::size_t blocks,
                   const std::vector<bool>& withheld) {
  if (contribution.blocks.size() != blocks || (!withheld.empty() && withheld.size() != blocks))
    return Invalid(fmt::format("contribution has {} blocks and {} marks, the manifest {} blocks",
                               contribution.blocks.size(), withheld.size(), blocks));
  if (contribution.tensors.size() != manifest.tensors.size())
    return Invalid(fmt::format("contribution has {} tensors, the manifest {}", contribution.tensors.size(),
                               manifest.tensors.size()));
  for (std::size_t t = 0; t < manifest.tensors.size(); ++t) {
    const TensorSpec& spec = manifest.tensors[t];
    const Tensor& tensor = contribution.tensors[t];
    if (tensor.shape != spec.shape || tensor.type() != spec.type || tensor.size() != spec.elements())
      return Invalid(fmt::format("tensor \"{}\": got shape {} of {} with {} values, the manifest has {} of {}",
                                 spec.name, ShapeText(tensor.shape), ToString(tensor.type()), tensor.size(),
                                 ShapeText(spec.shape), ToString(spec.type)));
  }
  return {};
}

template <typename Word>
Result<Encoded> Encode(const Manifest& manifest, const Contribution& contribution, const std::vector<bool>& withheld) {
  const std::vector<std::string> blocks = manifest.Blocks();
  RETURN_IF_ERROR(CheckShapes(manifest, contribution, blocks.size(), withheld));
  std::vector<Word> words(manifest.Words());
  Encoder<Word> encoder(manifest, words);
  const auto is_withheld = [&](std::size_t block) { return !withheld.empty() && withheld[block]; };
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (!is_withheld(b)) RETURN_IF_ERROR(encoder.Front(b, blocks[b], contribution.blocks[b]));
  }
  const std::vector<std::size_t> block_of = BlockOfTensors(manifest);
  std::uint64_t place = 2 * blocks.size();
  for (std::size_t t = 0; t < manifest.tensors.size(); ++t) {
    const std::size_t b = block_of[t];
    if (!is_withheld(b))
      RETURN_IF_ERROR(
          encoder.Values(manifest.tensors[t], contribution.tensors[t], contribution.blocks[b].weight, place));
    place += manifest.tensors[t].elements();
  }
  return Encoded{std::move(words), encoder.clipped()};
}

// A word as the signed number it stands for.
std::int64_t SignedAt(const Words& words, std::uint64_t index) {
  if (const auto* narrow = std::get_if<0>(&words)) return static_cast<std::int32_t>((*narrow)[index]);
  return static_cast<std::int64_t>(std::get<1>(words)[index]);
}

Status CheckFront(const Words& words, const std::vector<std::string>& blocks, std::uint64_t sites,
                  std::uint64_t patient_cap) {
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const std::int64_t weight = SignedAt(words, 2 * b), contributors = SignedAt(words, 2 * b + 1);
    if (weight < 0 || static_cast<std::uint64_t>(weight) > sites * patient_cap)
      return Error{ErrorCode::kIntegrity,
                   fmt::format("block {}: the weights add up to {}, {} sites of at most {} can't", blocks[b], weight,
                               sites, patient_cap)};
    if (contributors < 0 || static_cast<std::uint64_t>(contributors) > sites || (contributors == 0) != (weight == 0))
      return Error{ErrorCode::kIntegrity, fmt::format("block {}: {} of {} sites contribute, with weight {}", blocks[b],
                                                      contributors, sites, weight)};
  }
  return {};
}

}  // namespace

std::uint64_t SizeInWords(const Words& words) {
  return std::visit([](const auto& w) -> std::uint64_t { return w.size(); }, words);
}

std::span<const std::uint8_t> WordBytes(const Words& words) {
  static_assert(std::endian::native == std::endian::little);
  return std::visit(
      [](const auto& w) { return std::span(reinterpret_cast<const std::uint8_t*>(w.data()), w.size() * sizeof(w[0])); },
      words);
}

std::span<std::uint8_t> MutableWordBytes(Words& words) {
  return std::visit(
      [](auto& w) { return std::span(reinterpret_cast<std::uint8_t*>(w.data()), w.size() * sizeof(w[0])); }, words);
}

Words ZeroWords(unsigned word_bits, std::uint64_t count) {
  if (word_bits == 32) return std::vector<std::uint32_t>(count);
  return std::vector<std::uint64_t>(count);
}

Result<unsigned> LargestFractionBits(double clip, std::uint64_t cap, std::uint64_t sites, unsigned word_bits) {
  if (word_bits != 32 && word_bits != 64) return Invalid(fmt::format("words have {} bits, wanted 32 or 64", word_bits));
  if (!std::isfinite(clip) || !(clip > 0.0) || cap == 0 || sites == 0)
    return Invalid(fmt::format("clip {}, cap {} and {} sites: all must be above 0", clip, cap, sites));
  // Both roundings go up, so that what passes is safe; the same on every machine, as it is plain double.
  const double infinity = std::numeric_limits<double>::infinity();
  const auto fits = [&](unsigned f) {
    const double largest = std::nextafter(clip * static_cast<double>(cap), infinity) * TwoTo(f);
    return std::nextafter(largest + static_cast<double>(sites) / 2.0, infinity) < TwoTo(word_bits - 1);
  };
  if (!fits(0))
    return Invalid(fmt::format("clip {} with weights up to {} doesn't fit into {}-bit words", clip, cap, word_bits));
  unsigned f = 0;
  while (f + 2 < word_bits && fits(f + 1)) ++f;
  return f;
}

Result<Encoded> EncodeContribution(const Manifest& manifest, const Contribution& contribution,
                                   const std::vector<bool>& withheld) {
  RETURN_IF_ERROR(CheckEncoding(manifest.encoding));
  if (manifest.encoding.word_bits == 32) return Encode<std::uint32_t>(manifest, contribution, withheld);
  return Encode<std::uint64_t>(manifest, contribution, withheld);
}

Result<Sum> Sum::Over(const Manifest& manifest, const Words& words, std::uint64_t sites, std::uint64_t patient_cap) {
  RETURN_IF_ERROR(CheckEncoding(manifest.encoding));
  const std::vector<std::string> blocks = manifest.Blocks();
  if (SizeInWords(words) != manifest.Words() || (words.index() == 0) != (manifest.encoding.word_bits == 32))
    return Invalid(fmt::format("the sum has {} words of {} bits, the manifest {} of {}", SizeInWords(words),
                               words.index() == 0 ? 32 : 64, manifest.Words(), manifest.encoding.word_bits));
  if (patient_cap != 0 && sites > std::numeric_limits<std::int64_t>::max() / patient_cap)
    return Invalid(fmt::format("{} sites of at most {} patients are too many", sites, patient_cap));
  RETURN_IF_ERROR(CheckFront(words, blocks, sites, patient_cap));
  Sum sum;
  sum.manifest_ = &manifest;
  sum.words_ = &words;
  sum.sites_ = sites;
  sum.block_of_ = BlockOfTensors(manifest);
  std::uint64_t place = 2 * blocks.size();
  for (const TensorSpec& spec : manifest.tensors) {
    sum.first_word_.push_back(place);
    place += spec.elements();
  }
  return sum;
}

std::uint64_t Sum::weight(std::size_t block) const { return static_cast<std::uint64_t>(SignedAt(*words_, 2 * block)); }

std::uint64_t Sum::contributors(std::size_t block) const {
  return static_cast<std::uint64_t>(SignedAt(*words_, 2 * block + 1));
}

double Sum::value(std::size_t tensor, std::uint64_t index) const {
  return static_cast<double>(SignedAt(*words_, first_word_[tensor] + index)) / TwoTo(manifest_->encoding.fraction_bits);
}

std::vector<double> Sum::values(std::size_t tensor) const {
  std::vector<double> out(manifest_->tensors[tensor].elements());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = value(tensor, i);
  return out;
}

std::vector<double> Sum::means(std::size_t tensor) const {
  std::vector<double> out(manifest_->tensors[tensor].elements());
  MeansInto(tensor, 0, out);
  return out;
}

void Sum::MeansInto(std::size_t tensor, std::uint64_t first, std::span<double> out) const {
  const std::uint64_t total = weight(block_of_[tensor]);
  if (total == 0) {
    std::fill(out.begin(), out.end(), 0.0);
    return;
  }
  // A product, not a quotient: dividing would take longer than all the memory that moves.
  const double unit = 1.0 / (static_cast<double>(total) * TwoTo(manifest_->encoding.fraction_bits));
  std::visit(
      [&](const auto& words) {
        using Signed = std::make_signed_t<std::decay_t<decltype(words[0])>>;
        const auto* place = words.data() + first_word_[tensor] + first;
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(static_cast<Signed>(place[i])) * unit;
      },
      *words_);
}

Result<std::size_t> Sum::Find(std::string_view name) const {
  const auto& tensors = manifest_->tensors;
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [name](const TensorSpec& spec) { return spec.name == name; });
  if (found == tensors.end()) return Error{ErrorCode::kInternal, fmt::format("the sum has no tensor \"{}\"", name)};
  return static_cast<std::size_t>(found - tensors.begin());
}

}  // namespace fedtrial
