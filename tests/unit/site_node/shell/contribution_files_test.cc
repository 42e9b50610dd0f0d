#include "site_node/shell/contribution_files.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "common/runtime/files.h"
#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"

namespace fedtrial::site {
namespace {

class ContributionFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "contributionXXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    manifest_.encoding = {64, 32, 256.0};
    manifest_.tensors = {{"a/x", {3}, ScalarType::kFloat64},
                         {"b/y", {200'000}, ScalarType::kFloat64},
                         {"a/z", {1}, ScalarType::kFloat64}};
    std::vector<std::uint64_t> words(manifest_.Words());
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = 1000 + i;
    words_ = std::move(words);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  MaskContribution Effect(const Digest& digest, std::vector<bool> withheld, bool with_mask) {
    MaskContribution effect;
    effect.manifest = manifest_;
    effect.words_digest = digest;
    effect.withheld = std::move(withheld);
    if (with_mask) effect.masks.push_back({SecretBytes<32>(std::array<std::uint8_t, 32>{7}), true});
    return effect;
  }
  std::vector<std::uint64_t> Read(const std::filesystem::path& file) {
    const auto bytes = ReadWholeFile(file, 1 << 24);
    EXPECT_TRUE(bytes.ok());
    std::vector<std::uint64_t> words(bytes->size() / 8);
    std::memcpy(words.data(), bytes->data(), bytes->size());
    return words;
  }

  std::filesystem::path folder_;
  SeededRandom random_{1};
  Sealer sealer_ = Sealer::FromKey(SecretBytes<32>(), "trial", random_);
  Manifest manifest_;
  Words words_;
};

TEST_F(ContributionFiles, WithoutMasksTheWordsComeBackAsTheyWere) {
  const auto digest = SaveWords(sealer_, folder_ / "w", words_);
  ASSERT_TRUE(digest.ok());
  const auto masked = MaskWords(sealer_, folder_ / "w", Effect(*digest, {}, false), folder_ / "m", 1);
  ASSERT_TRUE(masked.ok()) << masked.error().message;
  EXPECT_EQ(masked->length, manifest_.Words() * 8);
  EXPECT_EQ(masked->digest, *digest);
  EXPECT_EQ(Read(folder_ / "m"), std::get<1>(words_));
}

TEST_F(ContributionFiles, AWithheldBlockIsZerosInFrontWordsAndEveryTensor) {
  const auto digest = SaveWords(sealer_, folder_ / "w", words_);
  ASSERT_TRUE(digest.ok());
  ASSERT_TRUE(MaskWords(sealer_, folder_ / "w", Effect(*digest, {true, false}, false), folder_ / "m", 1).ok());
  const auto words = Read(folder_ / "m");
  const auto& before = std::get<1>(words_);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool of_a = i < 2 || (i >= 4 && i < 7) || i == words.size() - 1;
    ASSERT_EQ(words[i], of_a ? 0 : before[i]) << i;
  }
}

TEST_F(ContributionFiles, TheMaskStreamRunsThroughChunksWithoutABreak) {
  const auto digest = SaveWords(sealer_, folder_ / "w", words_);
  ASSERT_TRUE(digest.ok());
  const MaskContribution effect = Effect(*digest, {}, true);
  const auto masked = MaskWords(sealer_, folder_ / "w", effect, folder_ / "m", 2);
  ASSERT_TRUE(masked.ok());
  auto expected = std::get<1>(words_);
  AddMasks(std::span(expected), 0, effect.masks, 1);
  const auto words = Read(folder_ / "m");
  EXPECT_EQ(words, expected);
  EXPECT_EQ(masked->digest, Sha256({reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 8}));
}

TEST_F(ContributionFiles, WordsOtherThanTheJournalledOnesAreRefusedAndNothingIsWritten) {
  ASSERT_TRUE(SaveWords(sealer_, folder_ / "w", words_).ok());
  const auto masked = MaskWords(sealer_, folder_ / "w", Effect(Digest{9}, {}, true), folder_ / "m", 1);
  ASSERT_FALSE(masked.ok());
  EXPECT_EQ(masked.error().code, ErrorCode::kIntegrity);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m"));
}

TEST_F(ContributionFiles, AContributionOfAnotherLengthIsRefused) {
  const auto digest = SaveWords(sealer_, folder_ / "w", ZeroWords(64, 5));
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(MaskWords(sealer_, folder_ / "w", Effect(*digest, {}, true), folder_ / "m", 1).error().code,
            ErrorCode::kIntegrity);
}

TEST_F(ContributionFiles, NoWordOfTheContributionLiesReadableOnDisk) {
  std::vector<std::uint64_t> words(1000, 0x4142434445464748);
  ASSERT_TRUE(SaveWords(sealer_, folder_ / "w", Words(words)).ok());
  const auto bytes = ReadWholeFile(folder_ / "w", 1 << 24);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(AsText(*bytes).find("HGFEDCBA"), std::string_view::npos);
}

}  // namespace
}  // namespace fedtrial::site
