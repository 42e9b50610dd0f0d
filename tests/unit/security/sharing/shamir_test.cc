#include "security/sharing/shamir.h"

#include <bitset>
#include <gtest/gtest.h>
#include <numeric>
#include <rapidcheck/gtest.h>

#include "security/crypto/seeded_random.h"
#include "tests/unit/security/vectors.h"

namespace fedtrial {
namespace {

Bytes Points(std::size_t count) {
  Bytes points(count);
  std::iota(points.begin(), points.end(), std::uint8_t{1});
  return points;
}

std::vector<Share> Pick(const std::vector<Share>& shares, const nlohmann::json& xs) {
  std::vector<Share> picked;
  for (const auto& x : xs) picked.push_back({x.get<std::uint8_t>(), shares[x.get<std::size_t>() - 1].y.Clone()});
  return picked;
}

// Schoolbook, with branches.
std::uint8_t SlowMultiply(unsigned a, unsigned b) {
  unsigned product = 0;
  for (int bit = 0; bit < 8; ++bit) {
    if ((b >> bit & 1) != 0) product ^= a << bit;
  }
  for (int bit = 15; bit >= 8; --bit) {
    if ((product >> bit & 1) != 0) product ^= 0x11bu << (bit - 8);
  }
  return static_cast<std::uint8_t>(product);
}

TEST(Gf256, MultipliesEveryPairAndInvertsEveryElement) {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b)
      ASSERT_EQ(Gf256Multiply(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b)), SlowMultiply(a, b));
    const auto element = static_cast<std::uint8_t>(a);
    EXPECT_EQ(Gf256Multiply(element, Gf256Inverse(element)), a == 0 ? 0 : 1);
  }
  EXPECT_EQ(Gf256Multiply(0x57, 0x83), 0xc1);
  EXPECT_EQ(Gf256Inverse(0x53), 0xca);
}

TEST(Shamir, GivesTheSharesOfTheVectorsAndTheSecretBack) {
  const auto list = Vectors("shamir_gf256.json", "cases");
  for (const auto& c : list) {
    std::vector<Bytes> coefficients;
    for (const auto& hex : c["coefficients"]) coefficients.push_back(Hex(hex));
    Bytes points;
    for (const auto& share : c["shares"]) points.push_back(share["x"].get<std::uint8_t>());
    const auto shares = SplitSecretForTest(Hex(c["secret"]), coefficients, points).value();
    ASSERT_EQ(shares.size(), c["n"].get<std::size_t>());
    for (std::size_t i = 0; i < shares.size(); ++i) {
      EXPECT_EQ(shares[i].x, points[i]);
      EXPECT_EQ(ToHex(shares[i].y.view()), c["shares"][i]["y"]);
    }
    const auto threshold = c["threshold"].get<unsigned>();
    for (const auto& subset : c["reconstruct_subsets"])
      EXPECT_EQ(ToHex(CombineShares(Pick(shares, subset), threshold).value().view()), c["secret"]);
  }
}

TEST(Shamir, TooFewSharesAreRefusedAndWouldGiveAnotherValue) {
  const auto list = Vectors("shamir_gf256.json", "cases");
  for (const auto& c : list) {
    std::vector<Share> few;
    for (const auto& x : c["too_few"])
      few.push_back({x.get<std::uint8_t>(), SecretBuffer::CopyOf(Hex(c["shares"][x.get<std::size_t>() - 1]["y"]))});
    const auto threshold = c["threshold"].get<unsigned>();
    EXPECT_EQ(CombineShares(few, threshold).error().code, ErrorCode::kInvalidInput);
    if (few.size() < 2) continue;  // a lone share is refused whatever the threshold
    const auto value = CombineShares(few, static_cast<unsigned>(few.size())).value();
    EXPECT_EQ(ToHex(value.view()), c["too_few_interpolates_to"]);
    EXPECT_NE(ToHex(value.view()), c["secret"]);
  }
}

TEST(Shamir, EveryBadCaseOfTheVectorsIsRefused) {
  SeededRandom random(1);
  int refused = 0;
  const auto list = Vectors("shamir_gf256.json", "must_refuse");
  for (const auto& c : list) {
    const auto threshold = c["threshold"].get<unsigned>();
    if (c.contains("xs")) {
      std::vector<Share> shares;
      for (std::size_t i = 0; i < c["xs"].size(); ++i)
        shares.push_back({c["xs"][i].get<std::uint8_t>(),
                          SecretBuffer(c.contains("lengths") ? c["lengths"][i].get<std::size_t>() : 32)});
      EXPECT_EQ(CombineShares(shares, threshold).error().code, ErrorCode::kInvalidInput) << c;
    } else {
      const auto secret = c.contains("secret") ? Hex(c["secret"]) : Bytes(32, 1);
      const auto split = SplitSecret(secret, threshold, Points(c["n"].get<std::size_t>()), random);
      ASSERT_FALSE(split.ok()) << c;
      EXPECT_EQ(split.error().code, ErrorCode::kInvalidInput) << c;
    }
    ++refused;
  }
  EXPECT_EQ(refused, 8);
}

TEST(Shamir, BadSharesAndCoefficientsAreRefused) {
  SeededRandom random(1);
  EXPECT_FALSE(SplitSecret(Bytes(32), 2, Bytes{0, 1}, random).ok());
  EXPECT_FALSE(SplitSecret(Bytes(32), 2, Bytes{7, 7}, random).ok());
  EXPECT_FALSE(SplitSecretForTest(Bytes(32), std::vector<Bytes>{Bytes(31)}, Bytes{1, 2}).ok());
  EXPECT_FALSE(SplitSecretForTest({}, std::vector<Bytes>{Bytes()}, Bytes{1, 2}).ok());
  EXPECT_FALSE(SplitSecretForTest(Bytes(32), {}, Bytes{1, 2}).ok());
  std::vector<Share> empty(2);
  empty[0].x = 1;
  empty[1].x = 2;
  EXPECT_FALSE(CombineShares(empty, 2).ok());
  EXPECT_FALSE(CombineShares({}, 0).ok());
}

RC_GTEST_PROP(Shamir, AnyThresholdSharesGiveTheSecretBack, (std::uint64_t seed)) {
  const auto n = *rc::gen::inRange<std::size_t>(2, 40);
  const auto threshold = *rc::gen::inRange<unsigned>(2, static_cast<unsigned>(n) + 1);
  const auto secret = *rc::gen::nonEmpty<Bytes>();
  SeededRandom random(seed);
  Bytes points = Points(255);
  Shuffle(std::span(points), random);
  auto shares = SplitSecret(secret, threshold, ByteView(points).first(n), random).value();
  Shuffle(std::span(shares), random);
  RC_ASSERT(ToBytes(CombineShares(shares, threshold).value().view()) == secret);
  shares.resize(threshold - 1);
  RC_ASSERT(!CombineShares(shares, threshold).ok());
}

// Exhaustive: with threshold 3 and any two shares, each of the 256 secrets fits exactly one choice of a third share, so
// the two say nothing.
TEST(Shamir, OneShareLessThanTheThresholdLeavesAllValuesOfAByte) {
  SeededRandom random(3);
  const auto shares = SplitSecret(Bytes{0x6b}, 3, Points(5), random).value();
  std::bitset<256> possible;
  for (unsigned guess = 0; guess < 256; ++guess) {
    std::vector<Share> three;
    three.push_back({shares[1].x, shares[1].y.Clone()});
    three.push_back({shares[4].x, shares[4].y.Clone()});
    three.push_back({shares[0].x, SecretBuffer::CopyOf(Bytes{static_cast<std::uint8_t>(guess)})});
    possible.set(CombineShares(three, 3).value().view()[0]);
  }
  EXPECT_TRUE(possible.all());
}

// And over all coefficients: a given share takes each value equally often, whatever the secret.
TEST(Shamir, AShareIsUniformWhateverTheSecret) {
  for (const std::uint8_t secret : {std::uint8_t{0}, std::uint8_t{0xff}}) {
    std::bitset<256> values;
    for (unsigned c = 0; c < 256; ++c) {
      const std::vector<Bytes> coefficients = {Bytes{static_cast<std::uint8_t>(c)}};
      values.set(SplitSecretForTest(Bytes{secret}, coefficients, Bytes{9, 10}).value()[0].y.view()[0]);
    }
    EXPECT_TRUE(values.all());
  }
}

}  // namespace
}  // namespace fedtrial
