#include "model/params/word_stream.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <span>

#include "model/params/encode_values.h"

namespace fedtrial {
namespace {

static_assert(std::endian::native == std::endian::little, "values and words are taken as they lie in memory");
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

Error Invalid(std::string message) { return Error{ErrorCode::kInvalidInput, std::move(message)}; }

template <typename T>
ByteView BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

WordStream::WordStream(Manifest manifest, std::vector<Contribution::Block> blocks, Sink sink)
    : manifest_(std::move(manifest)),
      blocks_(std::move(blocks)),
      block_of_(BlockOfTensors(manifest_)),
      sink_(std::move(sink)),
      floats_(kPieceBytes / sizeof(float)),
      doubles_(kPieceBytes / sizeof(double)) {}

Result<WordStream> WordStream::Start(Manifest manifest, std::vector<Contribution::Block> blocks, Sink sink) {
  RETURN_IF_ERROR(CheckEncoding(manifest.encoding));
  const std::vector<std::string> names = manifest.Blocks();
  if (blocks.size() != names.size())
    return Invalid(fmt::format("contribution has {} blocks, the manifest {}", blocks.size(), names.size()));
  for (std::size_t b = 0; b < names.size(); ++b) RETURN_IF_ERROR(CheckBlock(manifest.encoding, names[b], blocks[b]));
  WordStream stream(std::move(manifest), std::move(blocks), std::move(sink));
  RETURN_IF_ERROR(stream.manifest_.encoding.word_bits == 32 ? stream.PutFront<std::uint32_t>()
                                                            : stream.PutFront<std::uint64_t>());
  return stream;
}

template <typename Word>
Status WordStream::PutFront() {
  std::vector<Word> words;
  for (const Contribution::Block& block : blocks_) {
    words.push_back(static_cast<Word>(block.weight));
    words.push_back(block.contributes ? 1 : 0);
  }
  return sink_(BytesOf(words));
}

void WordStream::SkipFinishedTensors() {
  while (tensor_ < manifest_.tensors.size() && element_ == manifest_.tensors[tensor_].elements()) {
    ++tensor_;
    element_ = 0;
  }
}

Status WordStream::Add(ByteView values) {
  while (!values.empty()) {
    SkipFinishedTensors();
    if (tensor_ == manifest_.tensors.size()) return Invalid("more values came than the round has");
    const TensorSpec& spec = manifest_.tensors[tensor_];
    const std::uint64_t rest = (spec.elements() - element_) * SizeOf(spec.type) - held_;  // bytes still to come
    const std::size_t taken = std::min(values.size(), kPieceBytes - held_);
    const std::size_t now = static_cast<std::size_t>(std::min<std::uint64_t>(taken, rest));
    std::uint8_t* const piece = spec.type == ScalarType::kFloat32 ? reinterpret_cast<std::uint8_t*>(floats_.data())
                                                                  : reinterpret_cast<std::uint8_t*>(doubles_.data());
    std::memcpy(piece + held_, values.data(), now);
    held_ += now;
    values = values.subspan(now);
    if (held_ == kPieceBytes || now == rest) RETURN_IF_ERROR(EncodePiece());
  }
  return {};
}

Status WordStream::EncodePiece() {
  const bool narrow = manifest_.encoding.word_bits == 32;
  if (manifest_.tensors[tensor_].type == ScalarType::kFloat32)
    return narrow ? Encode<std::uint32_t>(floats_) : Encode<std::uint64_t>(floats_);
  return narrow ? Encode<std::uint32_t>(doubles_) : Encode<std::uint64_t>(doubles_);
}

template <typename Word, typename Value>
Status WordStream::Encode(const std::vector<Value>& piece) {
  const std::span<const Value> values = std::span(piece).first(held_ / sizeof(Value));
  std::vector<Word> words(values.size());
  const Tally tally = EncodeValues(values, blocks_[block_of_[tensor_]].weight, manifest_.encoding, words.data());
  if (tally.not_finite > 0) {
    const auto bad = std::ranges::find_if(values, [](Value value) { return !std::isfinite(value); });
    return Invalid(fmt::format("tensor \"{}\": value {} is not finite", manifest_.tensors[tensor_].name,
                               element_ + static_cast<std::uint64_t>(bad - values.begin())));
  }
  clipped_ += tally.clipped;
  element_ += values.size();
  held_ = 0;
  return sink_(BytesOf(words));
}

Result<std::uint64_t> WordStream::Finish() {
  SkipFinishedTensors();
  if (tensor_ < manifest_.tensors.size())
    return Invalid(fmt::format("tensor \"{}\": {} of {} values came", manifest_.tensors[tensor_].name,
                               element_ + held_ / SizeOf(manifest_.tensors[tensor_].type),
                               manifest_.tensors[tensor_].elements()));
  return clipped_;
}

}  // namespace fedtrial
