#include "security/sharing/shamir.h"

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <fmt/format.h>

namespace fedtrial {
namespace {

// What is wrong with a set of share points, or nothing.
Status CheckPoints(std::span<const std::uint8_t> points, unsigned threshold) {
  if (threshold < 2)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("a threshold of {} hides nothing, wanted at least 2", threshold)};
  if (points.size() < threshold)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} shares are fewer than the threshold of {}", points.size(), threshold)};
  std::bitset<256> seen;
  for (const std::uint8_t x : points) {
    if (x == 0) return Error{ErrorCode::kInvalidInput, "share point 0 is the secret itself"};
    if (seen[x]) return Error{ErrorCode::kInvalidInput, fmt::format("share point {} comes twice", x)};
    seen.set(x);
  }
  return {};
}

// f(x) per byte by Horner, highest coefficient first. `coefficients` holds c_1 .. c_{t-1}, each as long as the secret.
SecretBuffer Evaluate(ByteView secret, ByteView coefficients, std::uint8_t x) {
  SecretBuffer y(secret.size());
  const std::span<std::uint8_t> out = y.span();
  for (std::size_t k = coefficients.size() / secret.size(); k-- > 0;) {
    const ByteView c = coefficients.subspan(k * secret.size(), secret.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = Gf256Multiply(out[i] ^ c[i], x);
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] ^= secret[i];
  return y;
}

Result<std::vector<Share>> Split(ByteView secret, ByteView coefficients, std::span<const std::uint8_t> points) {
  std::vector<Share> shares;
  shares.reserve(points.size());
  for (const std::uint8_t x : points) shares.push_back({x, Evaluate(secret, coefficients, x)});
  return shares;
}

}  // namespace

std::uint8_t Gf256Multiply(std::uint8_t a, std::uint8_t b) {
  unsigned product = 0;
  unsigned shifted = a;
  for (unsigned bit = 0; bit < 8; ++bit) {
    product ^= shifted & (0u - ((static_cast<unsigned>(b) >> bit) & 1u));
    shifted = (shifted << 1) ^ (0x11bu & (0u - ((shifted >> 7) & 1u)));
  }
  return static_cast<std::uint8_t>(product);
}

std::uint8_t Gf256Inverse(std::uint8_t a) {
  // a^254 = (a^127)^2: the group has 255 elements.
  std::uint8_t power = a;
  for (int i = 0; i < 6; ++i) power = Gf256Multiply(Gf256Multiply(power, power), a);
  return Gf256Multiply(power, power);
}

Result<std::vector<Share>> SplitSecret(ByteView secret, unsigned threshold, std::span<const std::uint8_t> points,
                                       Random& random) {
  RETURN_IF_ERROR(CheckPoints(points, threshold));
  if (secret.empty()) return Error{ErrorCode::kInvalidInput, "an empty secret can't be shared"};
  SecretBuffer coefficients(secret.size() * (threshold - 1));
  random.Fill(coefficients.span());
  return Split(secret, coefficients.view(), points);
}

Result<std::vector<Share>> SplitSecretForTest(ByteView secret, std::span<const Bytes> coefficients,
                                              std::span<const std::uint8_t> points) {
  RETURN_IF_ERROR(CheckPoints(points, static_cast<unsigned>(coefficients.size()) + 1));
  if (secret.empty()) return Error{ErrorCode::kInvalidInput, "an empty secret can't be shared"};
  ByteWriter joined;
  for (const Bytes& c : coefficients) {
    if (c.size() != secret.size())
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("a coefficient of {} bytes, wanted {}", c.size(), secret.size())};
    joined.Raw(c);
  }
  return Split(secret, joined.bytes(), points);
}

Result<SecretBuffer> CombineShares(std::span<const Share> shares, unsigned threshold) {
  Bytes points;
  for (const Share& share : shares) points.push_back(share.x);
  RETURN_IF_ERROR(CheckPoints(points, threshold));
  const std::size_t size = shares[0].y.size();
  if (size == 0) return Error{ErrorCode::kInvalidInput, "shares are empty"};
  for (const Share& share : shares) {
    if (share.y.size() != size)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("shares of {} and {} bytes aren't of one secret", size, share.y.size())};
  }
  SecretBuffer secret(size);
  for (unsigned j = 0; j < threshold; ++j) {
    std::uint8_t weight = 1;  // prod x_m / (x_m - x_j); points are public, minus is xor
    for (unsigned m = 0; m < threshold; ++m) {
      if (m == j) continue;
      weight = Gf256Multiply(weight, Gf256Multiply(points[m], Gf256Inverse(points[m] ^ points[j])));
    }
    for (std::size_t i = 0; i < size; ++i) secret.span()[i] ^= Gf256Multiply(shares[j].y.view()[i], weight);
  }
  return secret;
}

}  // namespace fedtrial
