#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <rapidcheck/gtest.h>

#include "common/base/bytes.h"
#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"
#include "security/crypto/system_random.h"

namespace fedtrial {
namespace {

// Gives the words it was told to, then zeros.
class ScriptedRandom : public Random {
 public:
  explicit ScriptedRandom(std::vector<std::uint64_t> words) {
    ByteWriter writer;
    for (const auto word : words) writer.U64(word);
    bytes_ = writer.Take();
  }
  void Fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = at_ < bytes_.size() ? bytes_[at_++] : std::uint8_t{0};
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

TEST(SystemRandom, FillsEveryByteAndNeverTwiceTheSame) {
  SystemRandom random;
  Bytes a((1 << 20) + 77), b(a.size());
  random.Fill(a);
  random.Fill(b);
  EXPECT_NE(a, b);
  EXPECT_NE(Bytes(a.end() - 32, a.end()), Bytes(32));  // beyond the first piece too
  random.Fill({});
}

TEST(SeededRandom, TheSameSeedGivesTheSameBytesHoweverTheyAreAskedFor) {
  SeededRandom a(42), b(42), other(43);
  Bytes whole(100), pieces(100), others(100);
  a.Fill(whole);
  b.Fill(std::span(pieces).first(13));
  b.Fill(std::span(pieces).subspan(13));
  other.Fill(others);
  EXPECT_EQ(whole, pieces);
  EXPECT_NE(whole, others);
}

TEST(SeededRandom, ANumberIsASeedByItsHash) {
  const Digest seed = Sha256(ByteWriter().Label("fl/seed/v1").U64(42).bytes());
  SeededRandom a(42);
  SeededRandom b(std::span<const std::uint8_t, 32>{seed});
  Bytes x(32), y(32);
  a.Fill(x);
  b.Fill(y);
  EXPECT_EQ(x, y);
}

TEST(UniformBelow, SkipsTheWordsThatWouldFavourSmallNumbers) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  ScriptedRandom skips_one({kMax, 5});  // 2^64 mod 3 is 1
  EXPECT_EQ(UniformBelow(3, skips_one), 2u);
  ScriptedRandom last_kept({kMax - 1});
  EXPECT_EQ(UniformBelow(3, last_kept), 2u);
  ScriptedRandom power_of_two({kMax});
  EXPECT_EQ(UniformBelow(4, power_of_two), 3u);
  ScriptedRandom one({kMax});
  EXPECT_EQ(UniformBelow(1, one), 0u);
}

RC_GTEST_PROP(Shuffle, KeepsEveryItem, (std::uint64_t seed, std::uint8_t size)) {
  std::vector<int> items(size);
  std::iota(items.begin(), items.end(), 0);
  SeededRandom random(seed);
  auto shuffled = items;
  Shuffle(std::span(shuffled), random);
  RC_ASSERT(std::is_permutation(items.begin(), items.end(), shuffled.begin()));
}

TEST(Shuffle, ReachesEveryOrderAboutEquallyOften) {
  std::array<int, 6> counts{};
  SeededRandom random(7);
  for (int i = 0; i < 6000; ++i) {
    std::array<int, 3> items = {0, 1, 2};
    Shuffle(std::span<int>(items), random);
    ++counts[static_cast<std::size_t>(items[0] * 2 + (items[1] > items[2] ? 1 : 0))];
  }
  for (const int count : counts) {  // 1000 expected, standard deviation 29
    EXPECT_GT(count, 850);
    EXPECT_LT(count, 1150);
  }
}

}  // namespace
}  // namespace fedtrial
