#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fedtrial {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using Digest = std::array<std::uint8_t, 32>;  // SHA-256

std::string ToHex(ByteView bytes);
Result<Bytes> FromHex(std::string_view hex);
Result<Digest> DigestFromHex(std::string_view hex);

inline ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view AsText(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes ToBytes(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

// Writes the encodings that are hashed or signed: integers little-endian, Enc(b) = u32 length then the bytes.
class ByteWriter {
 public:
  ByteWriter& U8(std::uint8_t value);
  ByteWriter& U32(std::uint32_t value);
  ByteWriter& U64(std::uint64_t value);
  ByteWriter& Raw(ByteView bytes);
  ByteWriter& Label(std::string_view label) { return Raw(AsBytes(label)); }  // ASCII, no terminator
  ByteWriter& Enc(ByteView bytes);                                           // at most 2^32-1 bytes
  ByteWriter& Enc(std::string_view text) { return Enc(AsBytes(text)); }

  const Bytes& bytes() const { return bytes_; }
  Bytes Take() { return std::move(bytes_); }  // the writer is empty afterwards

 private:
  Bytes bytes_;
};

// Reads what ByteWriter wrote, from anybody: never past the end. The first failure sticks; values read after it are
// zero or empty, so a decoder may read everything and ask Finish once.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  std::uint8_t U8();
  std::uint32_t U32();
  std::uint64_t U64();
  ByteView Raw(std::size_t size);
  ByteView Enc();
  std::string EncText() { return std::string(AsText(Enc())); }
  template <std::size_t N>
  std::array<std::uint8_t, N> Array() {
    std::array<std::uint8_t, N> out{};
    const ByteView bytes = Raw(N);
    for (std::size_t i = 0; i < bytes.size(); ++i) out[i] = bytes[i];
    return out;
  }
  std::size_t left() const { return rest_.size(); }

  // kInvalidInput if anything was missing or is left over; `what` names the message.
  Status Finish(std::string_view what) const;

 private:
  ByteView rest_;
  bool failed_ = false;
};

}  // namespace fedtrial
