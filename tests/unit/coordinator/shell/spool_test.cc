#include "coordinator/shell/spool.h"

#include <fstream>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/shell/test_trial.h"

namespace fedtrial::coordinator {
namespace {

constexpr RoundId kRound{4, 1};
constexpr SiteId kSite{3};
constexpr std::uint64_t kValues = 1000;

class SpoolTest : public testing::Test {
 protected:
  std::unique_ptr<Spool> Open() { return Spool::Open(temp / "spool", kRound, TestManifest(32, kValues)).value(); }
  static Bytes Upload() {
    Bytes bytes(static_cast<std::size_t>(TestManifest(32, kValues).Words() * 4));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 31);
    return bytes;
  }
  TempFolder temp;
};

TEST_F(SpoolTest, AnUploadInPiecesIsStoredWholeUnderItsDigest) {
  const auto spool = Open();
  const Bytes bytes = Upload();
  auto incoming = spool->Receive(kSite).value();
  ASSERT_TRUE(incoming.Append(ByteView(bytes).first(100)).ok());
  ASSERT_TRUE(incoming.Append(ByteView(bytes).subspan(100)).ok());
  ASSERT_TRUE(spool->Store(kSite, std::move(incoming), Sha256(bytes)).ok());
  EXPECT_EQ(spool->State(kSite)->stored, Sha256(bytes));
  EXPECT_EQ(ReadWholeFile(spool->StoredPath(kSite, Sha256(bytes)), bytes.size()).value(), bytes);
}

TEST_F(SpoolTest, AnUploadGoesOnWhereItWasCutAlsoAfterARestart) {
  const Bytes bytes = Upload();
  {
    auto incoming = Open()->Receive(kSite).value();
    ASSERT_TRUE(incoming.Append(ByteView(bytes).first(777)).ok());
  }
  const auto spool = Open();
  EXPECT_EQ(spool->State(kSite)->bytes, 777U);
  auto incoming = spool->Receive(kSite).value();
  EXPECT_EQ(incoming.offset(), 777U);
  ASSERT_TRUE(incoming.Append(ByteView(bytes).subspan(777)).ok());
  EXPECT_TRUE(spool->Store(kSite, std::move(incoming), Sha256(bytes)).ok());
}

TEST_F(SpoolTest, StoredUploadsAreFoundAgainAfterARestart) {
  const Bytes bytes = Upload();
  {
    const auto spool = Open();
    auto incoming = spool->Receive(kSite).value();
    ASSERT_TRUE(incoming.Append(bytes).ok());
    ASSERT_TRUE(spool->Store(kSite, std::move(incoming), Sha256(bytes)).ok());
  }
  const auto stored = Open()->Stored();
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].site, kSite);
  EXPECT_EQ(stored[0].digest, Sha256(bytes));
}

TEST_F(SpoolTest, AnAlteredUploadIsDroppedAndMayComeAgain) {
  const auto spool = Open();
  Bytes bytes = Upload();
  const Digest said = Sha256(bytes);
  bytes[5] ^= 1;
  auto incoming = spool->Receive(kSite).value();
  ASSERT_TRUE(incoming.Append(bytes).ok());
  EXPECT_EQ(spool->Store(kSite, std::move(incoming), said).error().code, ErrorCode::kIntegrity);
  EXPECT_EQ(spool->State(kSite)->bytes, 0U);
  EXPECT_TRUE(spool->Stored().empty());
}

TEST_F(SpoolTest, ATruncatedOrOverlongUploadIsRefused) {
  const auto spool = Open();
  const Bytes bytes = Upload();
  auto incoming = spool->Receive(kSite).value();
  ASSERT_TRUE(incoming.Append(ByteView(bytes).first(10)).ok());
  EXPECT_EQ(incoming.Append(bytes).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(spool->Store(kSite, std::move(incoming), Sha256(bytes)).error().code, ErrorCode::kInvalidInput);
}

TEST_F(SpoolTest, AClosedSpoolTakesNothingAndLeavesNoFile) {
  const auto spool = Open();
  ASSERT_TRUE(spool->Receive(kSite)->Append(Upload()).ok());
  spool->Remove();
  EXPECT_EQ(spool->Receive(kSite).error().code, ErrorCode::kWrongPhase);
  EXPECT_FALSE(std::filesystem::exists(temp / "spool"));
}

TEST_F(SpoolTest, ItsFolderIsForTheOwnerAlone) {
  Open();
  const auto mode = std::filesystem::status(temp / "spool").permissions() & std::filesystem::perms::all;
  EXPECT_EQ(mode, std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace fedtrial::coordinator
