#include "site_node/shell/contribution_files.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "common/runtime/files.h"
#include "model/params/fixed_point.h"
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
    manifest_.encoding = {64, 8, 256.0};
    manifest_.tensors = {{"a/x", {3}, ScalarType::kFloat64},
                         {"b/y", {200'000}, ScalarType::kFloat64},
                         {"a/z", {1}, ScalarType::kFloat64}};
    contribution_.blocks = {{3, true}, {2, true}};
    for (const TensorSpec& spec : manifest_.tensors) {
      std::vector<double> values(spec.elements());
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 1000) / 7.0 - 70.0;
      contribution_.tensors.push_back(Tensor::Of(std::move(values)));
    }
    words_ = EncodeContribution(manifest_, contribution_, {}).value().words;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // As the worker's parts bring it: cut in the middle of a value too.
  Result<WordsFile::Saved> Save(const Manifest& manifest, const Contribution& contribution) {
    ASSIGN_OR_RETURN(WordsFile file, WordsFile::Start(sealer_, folder_ / "w", manifest, contribution.blocks));
    for (const Tensor& tensor : contribution.tensors) {
      const auto& values = std::get<std::vector<double>>(tensor.values);
      ByteView bytes(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(double));
      for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), 100'003)))
        RETURN_IF_ERROR(file.Add(bytes.first(std::min<std::size_t>(bytes.size(), 100'003))));
    }
    return file.Finish();
  }
  Digest Saved() {
    const auto saved = Save(manifest_, contribution_);
    EXPECT_TRUE(saved.ok()) << saved.error().message;
    return saved.ok() ? saved->digest : Digest{};
  }

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
  Contribution contribution_;
  Words words_;  // of it
};

TEST_F(ContributionFiles, WithoutMasksTheWordsComeBackAsTheyWere) {
  const Digest digest = Saved();
  const auto masked = MaskWords(sealer_, folder_ / "w", Effect(digest, {}, false), folder_ / "m", 1);
  ASSERT_TRUE(masked.ok()) << masked.error().message;
  EXPECT_EQ(masked->length, manifest_.Words() * 8);
  EXPECT_EQ(masked->digest, digest);
  EXPECT_EQ(Read(folder_ / "m"), std::get<1>(words_));
}

TEST_F(ContributionFiles, AWithheldBlockIsZerosInFrontWordsAndEveryTensor) {
  const Digest digest = Saved();
  ASSERT_TRUE(MaskWords(sealer_, folder_ / "w", Effect(digest, {true, false}, false), folder_ / "m", 1).ok());
  const auto words = Read(folder_ / "m");
  const auto& before = std::get<1>(words_);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool of_a = i < 2 || (i >= 4 && i < 7) || i == words.size() - 1;
    ASSERT_EQ(words[i], of_a ? 0 : before[i]) << i;
  }
}

TEST_F(ContributionFiles, TheMaskStreamRunsThroughChunksWithoutABreak) {
  const Digest digest = Saved();
  const MaskContribution effect = Effect(digest, {}, true);
  const auto masked = MaskWords(sealer_, folder_ / "w", effect, folder_ / "m", 2);
  ASSERT_TRUE(masked.ok());
  auto expected = std::get<1>(words_);
  AddMasks(std::span(expected), 0, effect.masks, 1);
  const auto words = Read(folder_ / "m");
  EXPECT_EQ(words, expected);
  EXPECT_EQ(masked->digest, Sha256({reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 8}));
}

TEST_F(ContributionFiles, WordsOtherThanTheJournalledOnesAreRefusedAndNothingIsWritten) {
  Saved();
  const auto masked = MaskWords(sealer_, folder_ / "w", Effect(Digest{9}, {}, true), folder_ / "m", 1);
  ASSERT_FALSE(masked.ok());
  EXPECT_EQ(masked.error().code, ErrorCode::kIntegrity);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m"));
}

TEST_F(ContributionFiles, AContributionOfAnotherLengthIsRefused) {
  Manifest other = manifest_;
  other.tensors.pop_back();
  Contribution shorter = contribution_;
  shorter.tensors.pop_back();
  const auto saved = Save(other, shorter);
  ASSERT_TRUE(saved.ok()) << saved.error().message;
  EXPECT_EQ(MaskWords(sealer_, folder_ / "w", Effect(saved->digest, {}, true), folder_ / "m", 1).error().code,
            ErrorCode::kIntegrity);
}

TEST_F(ContributionFiles, NothingIsLeftOfAnAnswerThatBreaksOff) {
  Contribution shorter = contribution_;
  shorter.tensors.pop_back();
  EXPECT_EQ(Save(manifest_, shorter).error().code, ErrorCode::kInvalidInput);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(ContributionFiles, NoWordOfTheContributionLiesReadableOnDisk) {
  manifest_.encoding = {64, 0, 1e18};
  manifest_.tensors = {{"a/x", {1000}, ScalarType::kFloat64}};
  contribution_.blocks = {{1, true}};
  contribution_.tensors = {Tensor::Of(std::vector<double>(1000, 0x414243444546p0))};
  Saved();
  const auto bytes = ReadWholeFile(folder_ / "w", 1 << 24);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(AsText(*bytes).find("FEDCBA"), std::string_view::npos);
}

}  // namespace
}  // namespace fedtrial::site
