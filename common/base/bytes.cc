#include "common/base/bytes.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <typename Word>
void AppendLittleEndian(Bytes& bytes, Word value) {
  for (std::size_t i = 0; i < sizeof(Word); ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

template <typename Word>
Word FromLittleEndian(ByteView bytes) {
  Word value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= static_cast<Word>(Word{bytes[i]} << (8 * i));
  return value;
}

}  // namespace

std::string ToHex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

Result<Bytes> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return Error{ErrorCode::kInvalidInput, "hex text has an odd number of digits"};
  Bytes bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = HexDigit(hex[2 * i]);
    const int low = HexDigit(hex[2 * i + 1]);
    if (high < 0 || low < 0)
      return Error{ErrorCode::kInvalidInput, fmt::format("not a hex digit at position {}", 2 * i + (high < 0 ? 1 : 2))};
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return bytes;
}

Result<Digest> DigestFromHex(std::string_view hex) {
  ASSIGN_OR_RETURN(const Bytes bytes, FromHex(hex));
  Digest digest;
  if (bytes.size() != digest.size())
    return Error{ErrorCode::kInvalidInput, fmt::format("a digest has 64 hex digits, got {}", hex.size())};
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

ByteWriter& ByteWriter::U8(std::uint8_t value) {
  bytes_.push_back(value);
  return *this;
}

ByteWriter& ByteWriter::U32(std::uint32_t value) {
  AppendLittleEndian(bytes_, value);
  return *this;
}

ByteWriter& ByteWriter::U64(std::uint64_t value) {
  AppendLittleEndian(bytes_, value);
  return *this;
}

ByteWriter& ByteWriter::Raw(ByteView bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

ByteWriter& ByteWriter::Enc(ByteView bytes) { return U32(static_cast<std::uint32_t>(bytes.size())).Raw(bytes); }

std::uint8_t ByteReader::U8() { return FromLittleEndian<std::uint8_t>(Raw(1)); }
std::uint32_t ByteReader::U32() { return FromLittleEndian<std::uint32_t>(Raw(4)); }
std::uint64_t ByteReader::U64() { return FromLittleEndian<std::uint64_t>(Raw(8)); }

ByteView ByteReader::Raw(std::size_t size) {
  if (failed_ || size > rest_.size()) {
    failed_ = true;
    return {};
  }
  const ByteView bytes = rest_.first(size);
  rest_ = rest_.subspan(size);
  return bytes;
}

ByteView ByteReader::Enc() { return Raw(U32()); }

Status ByteReader::Finish(std::string_view what) const {
  if (failed_) return Error{ErrorCode::kInvalidInput, fmt::format("{} is cut short", what)};
  if (!rest_.empty())
    return Error{ErrorCode::kInvalidInput, fmt::format("{} has {} bytes too many", what, rest_.size())};
  return {};
}

}  // namespace fedtrial
