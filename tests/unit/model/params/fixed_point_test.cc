#include "model/params/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>

namespace fedtrial {
namespace {

Manifest OneBlock(unsigned word_bits, unsigned f, double clip, std::uint64_t values, ScalarType type) {
  Manifest manifest;
  manifest.encoding = {word_bits, f, clip};
  manifest.tensors = {{"risk/beta", {values}, type}};
  return manifest;
}

Contribution Filled(std::uint64_t weight, ScalarType type, const std::vector<double>& values) {
  return {{{weight, weight > 0}}, {Tensor::OfType(type, {values.size()}, values)}, {}};
}

void AddTo(Words& sum, const Words& words) {
  std::visit(
      [&](auto& into) {
        const auto& from = std::get<std::decay_t<decltype(into)>>(words);
        for (std::size_t i = 0; i < into.size(); ++i)
          into[i] = static_cast<std::decay_t<decltype(into[0])>>(into[i] + from[i]);
      },
      sum);
}

// What SECURITY.md says, in the plainest words.
std::int64_t Plain(double value, double clip, std::uint64_t weight, unsigned f) {
  const double clipped = std::min(std::max(value, -clip), clip);
  return static_cast<std::int64_t>(
      std::nearbyint(clipped * static_cast<double>(weight) * std::ldexp(1.0, static_cast<int>(f))));
}

std::int64_t SignedWord(const Words& words, std::size_t i) {
  if (words.index() == 0) return static_cast<std::int32_t>(std::get<0>(words)[i]);
  return static_cast<std::int64_t>(std::get<1>(words)[i]);
}

TEST(FixedPoint, TiesGoToTheEvenNumber) {
  const std::vector<double> values{0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.0, -0.0, 2.4999, -2.5001};
  const std::vector<std::int64_t> wanted{0, 2, 2, 0, -2, -2, 0, 0, 2, -3};
  for (const unsigned bits : {32u, 64u}) {
    const Manifest manifest = OneBlock(bits, 0, 100, values.size(), ScalarType::kFloat64);
    const Words words = EncodeContribution(manifest, Filled(1, ScalarType::kFloat64, values), {})->words;
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(SignedWord(words, 2 + i), wanted[i]) << values[i];
  }
}

TEST(FixedPoint, WordsStandInFrontAndNegativeValuesAreTwosComplement) {
  const Manifest manifest = OneBlock(32, 4, 8, 2, ScalarType::kFloat32);
  const Words words = EncodeContribution(manifest, Filled(3, ScalarType::kFloat32, {1.0, -1.0}), {})->words;
  EXPECT_EQ(std::get<0>(words), (std::vector<std::uint32_t>{3, 1, 48, 0xffffffd0}));
  const auto bytes = WordBytes(words);
  ASSERT_EQ(bytes.size(), 16u);
  EXPECT_EQ(bytes[0], 3);
  EXPECT_EQ(bytes[12], 0xd0);
}

TEST(FixedPoint, ClippedValuesAreCountedAndCutAtTheClip) {
  const Manifest manifest = OneBlock(64, 8, 2, 4, ScalarType::kFloat32);
  const Encoded encoded =
      EncodeContribution(manifest, Filled(1, ScalarType::kFloat32, {3.0, -2.5, 2.0, -2.0}), {}).value();
  EXPECT_EQ(encoded.clipped, 2u);
  EXPECT_EQ(SignedWord(encoded.words, 2), 512);
  EXPECT_EQ(SignedWord(encoded.words, 3), -512);
}

TEST(FixedPoint, AValueThatIsNotFiniteIsRefusedAndNamed) {
  for (const double bad :
       {std::nan(""), std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    for (const unsigned bits : {32u, 64u}) {
      for (const std::uint64_t weight : {std::uint64_t{0}, std::uint64_t{5}}) {
        const Manifest manifest = OneBlock(bits, 8, 2, 3, ScalarType::kFloat32);
        const auto encoded = EncodeContribution(manifest, Filled(weight, ScalarType::kFloat32, {0.0, bad, 1.0}), {});
        ASSERT_FALSE(encoded.ok());
        EXPECT_EQ(encoded.error().code, ErrorCode::kInvalidInput);
        EXPECT_NE(encoded.error().message.find("risk/beta"), std::string::npos);
        EXPECT_NE(encoded.error().message.find("value 1"), std::string::npos);
      }
    }
  }
}

TEST(FixedPoint, WhatIsNotOfTheManifestIsRefused) {
  const Manifest manifest = OneBlock(32, 8, 2, 2, ScalarType::kFloat32);
  const auto refused = [&](const Contribution& contribution, const std::vector<bool>& withheld = {}) {
    return !EncodeContribution(manifest, contribution, withheld).ok();
  };
  EXPECT_TRUE(refused(Filled(1, ScalarType::kFloat32, {1.0})));
  EXPECT_TRUE(refused(Filled(1, ScalarType::kFloat64, {1.0, 2.0})));
  EXPECT_TRUE(refused({{}, {Tensor::OfType(ScalarType::kFloat32, {2}, {1.0, 2.0})}, {}}));
  EXPECT_TRUE(refused({{{1, true}}, {}, {}}));
  EXPECT_TRUE(refused({{{1, false}}, {Tensor::OfType(ScalarType::kFloat32, {2}, {1.0, 2.0})}, {}}));
  EXPECT_TRUE(refused({{{0, true}}, {Tensor::OfType(ScalarType::kFloat32, {2}, {1.0, 2.0})}, {}}));
  EXPECT_TRUE(refused(Filled(1, ScalarType::kFloat32, {1.0, 2.0}), {true, false}));
  EXPECT_TRUE(refused(Filled(std::uint64_t{1} << 22, ScalarType::kFloat32, {0.0, 0.0})));  // 2 * 2^8 * 2^22 = 2^31
  EXPECT_TRUE(refused(Filled(std::numeric_limits<std::uint64_t>::max(), ScalarType::kFloat32, {0.0, 0.0})));
  EXPECT_FALSE(refused(Filled((std::uint64_t{1} << 22) - 1, ScalarType::kFloat32, {2.0, -2.0})));
}

TEST(FixedPoint, AWithheldBlockIsZerosAndItsValuesAreNotRead) {
  Manifest manifest;
  manifest.encoding = {32, 4, 8};
  manifest.tensors = {{"a/x", {1}, ScalarType::kFloat64}, {"b/x", {1}, ScalarType::kFloat64}};
  const Contribution contribution{{{3, true}, {2, true}}, {Tensor::Of({std::nan("")}), Tensor::Of({1.0})}, {}};
  EXPECT_EQ(std::get<0>(EncodeContribution(manifest, contribution, {true, false})->words),
            (std::vector<std::uint32_t>{0, 0, 2, 1, 0, 32}));
}

TEST(Sum, GivesTheWeightedMeanOfTheBlock) {
  Manifest manifest;
  manifest.encoding = {64, 20, 8};
  manifest.tensors = {{"a/x", {2}, ScalarType::kFloat32}, {"b/x", {1}, ScalarType::kFloat64}};
  Words words = ZeroWords(64, manifest.Words());
  const Contribution one{
      {{3, true}, {0, false}}, {Tensor::OfType(ScalarType::kFloat32, {2}, {1.0, -2.0}), Tensor::Of({0.0})}, {}};
  const Contribution two{
      {{1, true}, {0, false}}, {Tensor::OfType(ScalarType::kFloat32, {2}, {5.0, 2.0}), Tensor::Of({0.0})}, {}};
  AddTo(words, EncodeContribution(manifest, one, {})->words);
  AddTo(words, EncodeContribution(manifest, two, {})->words);
  const Sum sum = Sum::Over(manifest, words, 2, 3).value();
  EXPECT_EQ(sum.weight(0), 4u);
  EXPECT_EQ(sum.contributors(0), 2u);
  EXPECT_EQ(sum.means(0), (std::vector<double>{2.0, -1.0}));
  EXPECT_EQ(sum.values(0), (std::vector<double>{8.0, -4.0}));
  EXPECT_EQ(sum.means(1), (std::vector<double>{0.0}));
  EXPECT_EQ(sum.Find("b/x").value(), 1u);
  EXPECT_EQ(sum.Find("b/y").error().code, ErrorCode::kInternal);
}

TEST(Sum, FrontWordsOutOfBoundsAreRefused) {
  const Manifest manifest = OneBlock(32, 4, 8, 1, ScalarType::kFloat32);
  const auto code = [&](std::vector<std::uint32_t> words) {
    const auto sum = Sum::Over(manifest, Words(std::move(words)), 3, 10);
    return sum.ok() ? std::string("ok") : std::string(ToString(sum.error().code));
  };
  const std::string integrity(ToString(ErrorCode::kIntegrity));
  EXPECT_EQ(code({30, 3, 7}), "ok");
  EXPECT_EQ(code({31, 3, 7}), integrity);
  EXPECT_EQ(code({30, 4, 7}), integrity);
  EXPECT_EQ(code({0xffffffff, 3, 7}), integrity);
  EXPECT_EQ(code({30, 0xffffffff, 7}), integrity);
  EXPECT_EQ(code({30, 0, 7}), integrity);
  EXPECT_EQ(code({0, 1, 7}), integrity);
  EXPECT_EQ(code({30, 3}), std::string(ToString(ErrorCode::kInvalidInput)));
  EXPECT_FALSE(Sum::Over(manifest, ZeroWords(64, 3), 3, 10).ok());
}

RC_GTEST_PROP(FixedPoint, EveryWordIsThePlainFormulas, ()) {
  const unsigned bits = *rc::gen::element(32u, 64u);
  const auto type = *rc::gen::element(ScalarType::kFloat32, ScalarType::kFloat64);
  const double clip = *rc::gen::element(0.5, 1.0, 8.0, 256.0);
  const auto weight = *rc::gen::inRange<std::uint64_t>(1, 1000);
  const unsigned f = LargestFractionBits(clip, 1000, 1, bits).value();
  const auto raw = *rc::gen::container<std::vector<double>>(
      rc::gen::map(rc::gen::inRange<std::int64_t>(-(std::int64_t{1} << 40), std::int64_t{1} << 40),
                   [clip](std::int64_t v) { return 1.2 * clip * std::ldexp(static_cast<double>(v), -40); }));
  const Tensor tensor = Tensor::OfType(type, {raw.size()}, raw);
  const Manifest manifest = OneBlock(bits, f, clip, raw.size(), type);
  const auto encoded = EncodeContribution(manifest, {{{weight, true}}, {tensor}, {}}, {});
  RC_ASSERT(encoded.ok());
  for (std::size_t i = 0; i < raw.size(); ++i)
    RC_ASSERT(SignedWord(encoded->words, 2 + i) == Plain(tensor.at(i), clip, weight, f));
}

RC_GTEST_PROP(FixedPoint, TheMeanIsWithinTheResolutionInAnyOrder, ()) {
  const unsigned bits = *rc::gen::element(32u, 64u);
  const auto sites = *rc::gen::inRange<std::size_t>(1, 8);
  const double clip = 8.0;
  const std::uint64_t cap = 100 * sites;
  const unsigned f = LargestFractionBits(clip, cap, sites, bits).value();
  const Manifest manifest = OneBlock(bits, f, clip, 3, ScalarType::kFloat64);
  std::vector<Words> words;
  double total = 0;
  std::vector<double> mean(3);
  for (std::size_t s = 0; s < sites; ++s) {
    const auto weight = *rc::gen::inRange<std::uint64_t>(0, 101);
    std::vector<double> values(3);
    for (double& v : values) v = std::ldexp(static_cast<double>(*rc::gen::inRange(-(1 << 30), 1 << 30)), -28);
    words.push_back(EncodeContribution(manifest, Filled(weight, ScalarType::kFloat64, values), {})->words);
    total += static_cast<double>(weight);
    for (std::size_t i = 0; i < 3; ++i) mean[i] += static_cast<double>(weight) * std::clamp(values[i], -clip, clip);
  }
  Words forward = ZeroWords(bits, 5), backward = ZeroWords(bits, 5);
  for (const Words& w : words) AddTo(forward, w);
  for (auto w = words.rbegin(); w != words.rend(); ++w) AddTo(backward, *w);
  RC_ASSERT(forward == backward);
  const auto sum = Sum::Over(manifest, forward, sites, 100);
  RC_ASSERT(sum.ok());
  if (total == 0) return;
  const double resolution =
      static_cast<double>(sites) * std::ldexp(1.0, -static_cast<int>(f) - 1) / total + 1e-15 * clip;
  for (std::size_t i = 0; i < 3; ++i) RC_ASSERT(std::abs(sum->means(0)[i] - mean[i] / total) <= resolution);
}

RC_GTEST_PROP(FixedPoint, NoSumWithinTheCapsOverflows, ()) {
  const unsigned bits = *rc::gen::element(32u, 64u);
  const auto sites = *rc::gen::inRange<std::uint64_t>(1, 50);
  const auto cap_of_one = *rc::gen::inRange<std::uint64_t>(1, 5000);
  const double clip = static_cast<double>(*rc::gen::inRange(1, 1 << 20)) / (1 << 10);
  const auto f = LargestFractionBits(clip, sites * cap_of_one, sites, bits);
  if (!f.ok()) return;
  // Everybody at the clip with the largest weight: the exact sum, in long double, stays within the words.
  const long double largest = static_cast<long double>(sites) *
                              std::ceil(static_cast<long double>(clip) * static_cast<long double>(cap_of_one) *
                                            std::exp2(static_cast<long double>(*f)) -
                                        0.5L);
  RC_ASSERT(largest < std::exp2(static_cast<long double>(bits - 1)));
}

}  // namespace
}  // namespace fedtrial
