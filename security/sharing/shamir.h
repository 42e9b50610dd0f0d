#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "security/crypto/secret.h"

namespace fedtrial {

// One point of the polynomials that hide a secret, byte by byte.
struct Share {
  std::uint8_t x = 0;  // 1 to 255
  SecretBuffer y;      // as long as the secret
};

// Shamir over GF(2^8) with 0x11b: f(x) = secret + sum c_k x^k per byte, so any `threshold` shares give the secret and
// fewer say nothing about it. Branch-free in the secret. Wanted: 2 <= threshold <= number of points, points distinct
// and not 0, secret not empty; else kInvalidInput.
Result<std::vector<Share>> SplitSecret(ByteView secret, unsigned threshold, std::span<const std::uint8_t> points,
                                       Random& random);
// coefficients[k-1] is c_k, each as long as the secret; threshold = their number + 1.
Result<std::vector<Share>> SplitSecretForTest(ByteView secret, std::span<const Bytes> coefficients,
                                              std::span<const std::uint8_t> points);

// By Lagrange at 0 from the first `threshold` shares. kInvalidInput if there are fewer, or an x is 0 or comes twice, or
// lengths differ, among all that are given. A wrong share isn't seen here: check the secret against its commitment.
Result<SecretBuffer> CombineShares(std::span<const Share> shares, unsigned threshold);

// The field, branch-free; Gf256Inverse(0) is 0.
std::uint8_t Gf256Multiply(std::uint8_t a, std::uint8_t b);
std::uint8_t Gf256Inverse(std::uint8_t a);

}  // namespace fedtrial
