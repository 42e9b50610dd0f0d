#include "coordinator/shell/accumulator.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "common/runtime/files.h"
#include "security/crypto/seeded_random.h"
#include "tests/unit/coordinator/shell/test_trial.h"

namespace fedtrial::coordinator {
namespace {

class AccumulatorTest : public testing::TestWithParam<unsigned> {
 protected:
  static constexpr std::uint64_t kWords = 700'001;  // several chunks and a rest

  // Files of random words, and their sum by hand.
  std::vector<std::filesystem::path> MakeFiles(Words& sum) {
    SeededRandom random(11);
    std::vector<std::filesystem::path> files;
    sum = ZeroWords(GetParam(), kWords);
    for (int i = 0; i < 4; ++i) {
      Words words = ZeroWords(GetParam(), kWords);
      random.Fill(MutableWordBytes(words));
      files.push_back(temp / std::to_string(i));
      EXPECT_TRUE(WriteWholeFile(files.back(), WordBytes(words)).ok());
      std::visit(
          [&](auto& total) {
            const auto& more = std::get<std::decay_t<decltype(total)>>(words);
            for (std::size_t w = 0; w < total.size(); ++w) total[w] += more[w];
          },
          sum);
    }
    return files;
  }
  TempFolder temp;
};

TEST_P(AccumulatorTest, TheSumIsTheSameInAnyOrderAndWithAnyNumberOfThreads) {
  Words wanted;
  std::vector<std::filesystem::path> files = MakeFiles(wanted);
  for (const unsigned threads : {1U, 2U, 5U}) {
    std::rotate(files.begin(), files.begin() + 1, files.end());
    Accumulator sum(threads);
    sum.Reset(GetParam(), kWords);
    for (const auto& file : files) ASSERT_TRUE(sum.Add(file).ok());
    EXPECT_EQ(sum.words(), wanted);
  }
}

TEST_P(AccumulatorTest, ResetBringsZerosBack) {
  Words unused;
  const auto files = MakeFiles(unused);
  Accumulator sum(2);
  sum.Reset(GetParam(), kWords);
  ASSERT_TRUE(sum.Add(files[0]).ok());
  sum.Reset(GetParam(), kWords);
  EXPECT_EQ(sum.words(), ZeroWords(GetParam(), kWords));
}

TEST_P(AccumulatorTest, AFileOfAnotherLengthIsRefused) {
  ASSERT_TRUE(WriteWholeFile(temp / "short", Bytes(16)).ok());
  Accumulator sum(2);
  sum.Reset(GetParam(), kWords);
  EXPECT_EQ(sum.Add(temp / "short").error().code, ErrorCode::kIntegrity);
  EXPECT_EQ(sum.words(), ZeroWords(GetParam(), kWords));
}

TEST_P(AccumulatorTest, MasksComeOffWhateverTheThreads) {
  SecretBytes<32> key;
  key.span()[0] = 9;
  std::vector<MaskTerm> on;
  on.push_back({key.Clone(), true});
  Words masked = ZeroWords(GetParam(), kWords);
  std::visit([&](auto& words) { AddMasks(std::span(words), 0, on, 1); }, masked);
  ASSERT_TRUE(WriteWholeFile(temp / "masked", WordBytes(masked)).ok());
  Accumulator sum(3);
  sum.Reset(GetParam(), kWords);
  ASSERT_TRUE(sum.Add(temp / "masked").ok());
  std::vector<MaskTerm> off;
  off.push_back({key.Clone(), false});
  sum.RemoveMasks(off);
  EXPECT_EQ(sum.words(), ZeroWords(GetParam(), kWords));
}

INSTANTIATE_TEST_SUITE_P(WordSizes, AccumulatorTest, testing::Values(32U, 64U));

}  // namespace
}  // namespace fedtrial::coordinator
