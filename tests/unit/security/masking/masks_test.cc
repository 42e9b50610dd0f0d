#include "security/masking/masks.h"

#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <set>

#include "security/crypto/aes_ctr.h"
#include "security/crypto/seeded_random.h"
#include "security/sharing/shamir.h"

namespace fedtrial {
namespace {

constexpr std::size_t kTileBytes = 16 * 1024;

std::vector<MaskTerm> SomeTerms(std::size_t count, Random& random) {
  std::vector<MaskTerm> terms(count);
  for (std::size_t i = 0; i < count; ++i) {
    random.Fill(terms[i].key.span());
    terms[i].add = i % 3 != 1;
  }
  return terms;
}

template <typename Word>
std::vector<Word> SomeWords(std::size_t count, Random& random) {
  std::vector<Word> words(count);
  random.Fill({reinterpret_cast<std::uint8_t*>(words.data()), count * sizeof(Word)});
  return words;
}

// Word by word, straight from the text.
template <typename Word>
void AddMasksSlowly(std::vector<Word>& words, std::uint64_t first_word, const std::vector<MaskTerm>& terms) {
  for (const MaskTerm& term : terms) {
    CtrStream stream(term.key.span());
    stream.SeekTo(first_word * sizeof(Word));
    for (Word& word : words) {
      std::array<std::uint8_t, sizeof(Word)> bytes;
      stream.Fill(bytes);
      Word mask = 0;
      for (std::size_t i = 0; i < sizeof(Word); ++i) mask |= static_cast<Word>(Word{bytes[i]} << (8 * i));
      word = static_cast<Word>(term.add ? word + mask : word - mask);
    }
  }
}

template <typename Word>
class Masks : public testing::Test {};
using Words = testing::Types<std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(Masks, Words);

TYPED_TEST(Masks, AreTheSameForAnyNumberOfThreadsAndAnyCut) {
  using Word = TypeParam;
  SeededRandom random(5);
  const auto terms = SomeTerms(5, random);
  constexpr std::size_t kCount = 5 * kTileBytes / sizeof(Word) + 777;
  const auto input = SomeWords<Word>(kCount, random);
  auto wanted = input;
  AddMasksSlowly(wanted, 3, terms);
  for (const unsigned threads : {0u, 1u, 2u, 3u, 7u, 100u}) {
    auto words = input;
    AddMasks<Word>(words, 3, terms, threads);
    EXPECT_EQ(words, wanted) << threads;
  }
  auto words = input;
  for (std::size_t begin = 0, size = 1; begin < words.size(); begin += size, size = size * 3 + 1) {
    size = std::min(size, words.size() - begin);
    AddMasks<Word>(std::span(words).subspan(begin, size), 3 + begin, terms, 2);
  }
  EXPECT_EQ(words, wanted);
}

TYPED_TEST(Masks, OfNothingChangeNothing) {
  using Word = TypeParam;
  SeededRandom random(6);
  const auto terms = SomeTerms(2, random);
  std::vector<Word> none;
  AddMasks<Word>(none, 0, terms, 4);
  std::vector<Word> words = {1, 2, 3};
  AddMasks<Word>(words, 0, {}, 4);
  EXPECT_EQ(words, (std::vector<Word>{1, 2, 3}));
}

// One roster of 3 to 8 sites with any ids, some dropped after Shares, the rest summed in any order.
template <typename Word>
void SumIsThatOfTheIncludedSites(std::uint64_t seed) {
  SeededRandom random(seed);
  const auto n = 3 + UniformBelow(6, random);
  std::map<SiteId, X25519PrivateKey> keys;
  while (keys.size() < n)
    keys.emplace(SiteId{static_cast<std::uint32_t>(1 + UniformBelow(0xfffffffe, random))},
                 X25519PrivateKey::Generate(random));
  const auto dropped_count = UniformBelow(n - 1, random);
  const std::size_t words = 1 + UniformBelow(40, random);
  Digest ctx;
  random.Fill(ctx);

  std::vector<Word> plain(words), sum(words);
  std::vector<MaskTerm> removals;
  std::uint64_t left_to_drop = dropped_count;
  std::set<SiteId> dropped;
  for (const auto& [id, key] : keys) {
    if (left_to_drop > 0 && UniformBelow(2, random) == 0) {
      --left_to_drop;
      dropped.insert(id);
    }
  }
  for (const auto& [id, key] : keys) {
    if (dropped.contains(id)) continue;
    std::map<SiteId, X25519PublicKey> neighbours;
    for (const auto& [other, other_key] : keys) {
      if (other != id) neighbours.emplace(other, other_key.PublicKey());
    }
    SecretBytes<32> b;
    random.Fill(b.span());
    auto masked = SomeWords<Word>(words, random);
    for (std::size_t e = 0; e < words; ++e) plain[e] += masked[e];
    AddMasks<Word>(masked, 0, SiteMasks(ctx, id, b.view(), key, neighbours).value(), 1);
    for (std::size_t e = 0; e < words; ++e) sum[e] += masked[e];
    removals.push_back(SelfMaskRemoval(ctx, id, b.view()).value());
    for (const SiteId gone : dropped)
      removals.push_back(PairMaskRemoval(ctx, id, key.PublicKey(), gone, keys.at(gone)).value());
  }
  RC_ASSERT(sum != plain);
  AddMasks<Word>(sum, 0, removals, 1);
  RC_ASSERT(sum == plain);
}

RC_GTEST_PROP(Masks, CancelForAnyRosterAndAnyDropouts, (std::uint64_t seed)) {
  SumIsThatOfTheIncludedSites<std::uint32_t>(seed);
  SumIsThatOfTheIncludedSites<std::uint64_t>(seed);
}

// SECURITY.md section 4: what a curious coordinator sees of a vector of equal words.
TEST(MaskedWords, LookUniformAndUnlikeTheInput) {
  constexpr std::size_t kCount = 1'000'000;
  SeededRandom random(8);
  const auto terms = SomeTerms(4, random);
  std::vector<std::uint32_t> words(kCount);
  for (std::size_t i = 0; i < kCount; ++i) words[i] = static_cast<std::uint32_t>(i);
  AddMasks<std::uint32_t>(words, 0, terms, 1);
  std::array<double, 256> bins{};
  double mean = 0;
  for (const auto word : words) {
    ++bins[word >> 24];
    mean += word / static_cast<double>(kCount);
  }
  double chi_square = 0;
  for (const double bin : bins) chi_square += (bin - kCount / 256.0) * (bin - kCount / 256.0) / (kCount / 256.0);
  EXPECT_LT(chi_square, 347.7);  // p = 1e-4 at 255 degrees of freedom
  double product = 0, words_square = 0, input_square = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const double x = static_cast<double>(i) - (kCount - 1) / 2.0;
    const double y = words[i] - mean;
    product += x * y;
    input_square += x * x;
    words_square += y * y;
  }
  EXPECT_LT(std::abs(product / std::sqrt(input_square * words_square)), 0.005);
}

}  // namespace
}  // namespace fedtrial
