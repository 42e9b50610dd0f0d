#include "common/runtime/sealed_file.h"

#include <algorithm>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "security/crypto/seeded_random.h"
#include "tests/unit/common/runtime/test_folder.h"

namespace fedtrial {
namespace {

using testing::HasSubstr;

constexpr std::size_t kHeader = 16 + 4 + 12 + 48 + 7;
constexpr std::size_t kRecord = kSealedRecordBytes + 16;

class SealedFile : public testing::Test {
 protected:
  Bytes Plain(std::size_t size) {
    Bytes bytes(size);
    random_.Fill(bytes);
    return bytes;
  }
  // The bytes of a file that seals `plain`.
  Bytes Sealed(const Bytes& plain) {
    EXPECT_TRUE(sealer_.WriteFile(path_, "model", plain).ok());
    return ReadWholeFile(path_, std::size_t{1} << 30).value();
  }
  // Reads the file with `bytes` in its place.
  Status ReadAs(const Bytes& bytes) {
    Overwrite(path_, bytes);
    const auto read = sealer_.ReadFile(path_, "model", std::size_t{1} << 30);
    if (read.ok()) return {};
    return read.error();
  }
  void ExpectRefused(Bytes file, const std::function<void(Bytes&)>& change) {
    change(file);
    ExpectRefused(ReadAs(file));
  }
  void ExpectRefused(const Status& read) {
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, ErrorCode::kIntegrity) << read.error().message;
    EXPECT_THAT(read.error().message, HasSubstr(path_.string()));
  }

  TestFolder folder_;
  SeededRandom random_{std::uint64_t{1}};
  std::filesystem::path path_ = folder_ / "file";
  Sealer sealer_ = Sealer::FromKey(SecretBytes<32>(), "t1", random_);
};

TEST_F(SealedFile, OfAnySizeComesBack) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kSealedRecordBytes - 1, kSealedRecordBytes,
                                 kSealedRecordBytes + 1, 2 * kSealedRecordBytes, 2 * kSealedRecordBytes + 5}) {
    const Bytes plain = Plain(size);
    ASSERT_TRUE(sealer_.WriteFile(path_, "model", plain).ok());
    const auto read = sealer_.ReadFile(path_, "model", size);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_TRUE(*read == plain) << size;
  }
}

TEST_F(SealedFile, WrittenInPiecesIsReadInOtherPiecesAndFromAnywhere) {
  const Bytes plain = Plain(3 * kSealedRecordBytes + 77);
  auto writer = sealer_.StartFile(path_, "model");
  ASSERT_TRUE(writer.ok());
  for (std::size_t done = 0; done < plain.size(); done += std::min<std::size_t>(700'001, plain.size() - done))
    ASSERT_TRUE(writer->Write(ByteView(plain).subspan(done, std::min<std::size_t>(700'001, plain.size() - done))).ok());
  ASSERT_TRUE(writer->Finish().ok());

  auto reader = sealer_.OpenFile(path_, "model");
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->size(), plain.size());
  Bytes all;
  Bytes piece(400'003);
  for (std::size_t got = reader->Read(piece).value(); got > 0; got = reader->Read(piece).value())
    all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
  EXPECT_TRUE(all == plain);
  for (const std::size_t offset : {2 * kSealedRecordBytes - 3, std::size_t{0}, plain.size() - 10}) {
    Bytes part(10);
    ASSERT_TRUE(reader->ReadAt(offset, part).ok());
    EXPECT_TRUE(std::equal(part.begin(), part.end(), plain.begin() + static_cast<std::ptrdiff_t>(offset))) << offset;
  }
  Bytes beyond(2);
  EXPECT_EQ(reader->ReadAt(plain.size() - 1, beyond).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(reader->ReadAt(~std::uint64_t{0}, beyond).error().code, ErrorCode::kInvalidInput);
}

TEST_F(SealedFile, AppearsWithFinishAndNotBefore) {
  ASSERT_TRUE(sealer_.WriteFile(path_, "model", AsBytes("old")).ok());
  {
    auto writer = sealer_.StartFile(path_, "model");
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->Write(Plain(2 * kSealedRecordBytes)).ok());
  }
  EXPECT_EQ(AsText(sealer_.ReadFile(path_, "model", 10).value()), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(SealedFile, OnAFullDiskTheOldOneStays) {
  ASSERT_TRUE(sealer_.WriteFile(path_, "model", AsBytes("old")).ok());
  Status written;
  {
    const FullDisk full(50'000);
    written = sealer_.WriteFile(path_, "model", Plain(100'000));
  }
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(AsText(sealer_.ReadFile(path_, "model", 10).value()), "old");
}

TEST_F(SealedFile, EveryChangedByteIsNoticed) {
  const Bytes sealed = Sealed(Plain(40));
  ASSERT_EQ(sealed.size(), kHeader + 40 + 16);
  ASSERT_TRUE(ReadAs(sealed).ok());
  for (std::size_t at = 0; at < sealed.size(); ++at)
    for (const unsigned bit : {0, 7})
      ExpectRefused(sealed, [&](Bytes& file) { file[at] ^= static_cast<std::uint8_t>(1u << bit); });
}

TEST_F(SealedFile, EveryCutIsNoticed) {
  const Bytes sealed = Sealed(Plain(40));
  for (std::size_t size = 0; size < sealed.size(); ++size)
    ExpectRefused(sealed, [&](Bytes& file) { file.resize(size); });
}

TEST_F(SealedFile, RecordsThatAreCutReorderedRepeatedOrAddedAreNoticed) {
  const Bytes sealed = Sealed(Plain(3 * kSealedRecordBytes));
  const auto at = [](Bytes& file, std::size_t record) {
    return file.begin() + static_cast<std::ptrdiff_t>(kHeader + record * kRecord);
  };
  ExpectRefused(sealed, [&](Bytes& file) { file.resize(file.size() - kRecord); });
  ExpectRefused(sealed, [&](Bytes& file) { file.erase(at(file, 0), at(file, 1)); });
  ExpectRefused(sealed, [&](Bytes& file) { std::swap_ranges(at(file, 0), at(file, 1), at(file, 1)); });
  ExpectRefused(sealed, [&](Bytes& file) { std::copy(at(file, 0), at(file, 1), at(file, 1)); });
  ExpectRefused(sealed, [&](Bytes& file) {
    const Bytes last(at(file, 2), file.end());
    file.insert(file.end(), last.begin(), last.end());
  });
  ExpectRefused(sealed, [&](Bytes& file) { file.push_back(0); });
  EXPECT_TRUE(ReadAs(sealed).ok());
}

TEST_F(SealedFile, ACutEndIsNoticedOnOpeningEvenIfOnlyTheStartIsRead) {
  ASSERT_TRUE(sealer_.WriteFile(path_, "model", Plain(3 * kSealedRecordBytes)).ok());
  std::filesystem::resize_file(path_, kHeader + 2 * kRecord);
  const auto reader = sealer_.OpenFile(path_, "model");
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().code, ErrorCode::kIntegrity);
}

TEST_F(SealedFile, ARecordOfAnotherFileDoesNotFit) {
  ASSERT_TRUE(sealer_.WriteFile(folder_ / "other", "model", Plain(40)).ok());
  const Bytes other = ReadWholeFile(folder_ / "other", 1000).value();
  ExpectRefused(Sealed(Plain(40)),
                [&](Bytes& file) { std::copy(other.begin() + kHeader, other.end(), file.begin() + kHeader); });
}

TEST_F(SealedFile, OfAnotherRoleTrialOrKeyDoesNotOpen) {
  ASSERT_TRUE(sealer_.WriteFile(path_, "model", AsBytes("secret")).ok());
  EXPECT_EQ(sealer_.ReadFile(path_, "contribution", 10).error().code, ErrorCode::kIntegrity);
  EXPECT_EQ(Sealer::FromKey(SecretBytes<32>(), "t2", random_).ReadFile(path_, "model", 10).error().code,
            ErrorCode::kIntegrity);
  SecretBytes<32> key;
  random_.Fill(key.span());
  EXPECT_EQ(Sealer::FromKey(std::move(key), "t1", random_).ReadFile(path_, "model", 10).error().code,
            ErrorCode::kIntegrity);
  ASSERT_TRUE(WriteWholeFile(path_, Bytes(1000, 'x')).ok());
  EXPECT_THAT(sealer_.ReadFile(path_, "model", 10).error().message, HasSubstr("is not a sealed file"));
  EXPECT_EQ(sealer_.ReadFile(folder_ / "none", "model", 10).error().code, ErrorCode::kInvalidInput);
}

TEST_F(SealedFile, HoldsNoPlainBytesAndTheSameContentNeverLooksTheSame) {
  const std::string plain(5000, 'P');
  ASSERT_TRUE(sealer_.WriteFile(path_, "model", AsBytes(plain)).ok());
  ASSERT_TRUE(sealer_.WriteFile(folder_ / "again", "model", AsBytes(plain)).ok());
  const std::string first = ReadText(path_);
  EXPECT_EQ(first.find("PPPP"), std::string::npos);
  EXPECT_NE(first, ReadText(folder_ / "again"));
  EXPECT_EQ(sealer_.ReadFile(path_, "model", 4999).error().code, ErrorCode::kInvalidInput);
}

TEST_F(SealedFile, TheKeyOfAFolderIsMadeOnceAndMustBePrivate) {
  const std::filesystem::path kek = folder_ / "kek";
  EXPECT_FALSE(Sealer::Open(kek, "t1", random_).ok());
  const auto made = Sealer::Create(kek, "t1", random_);
  ASSERT_TRUE(made.ok());
  EXPECT_FALSE(Sealer::Create(kek, "t1", random_).ok());
  ASSERT_TRUE(made->WriteFile(path_, "model", AsBytes("secret")).ok());
  EXPECT_EQ(AsText(Sealer::Open(kek, "t1", random_)->ReadFile(path_, "model", 10).value()), "secret");
  chmod(kek.c_str(), 0644);
  EXPECT_THAT(Sealer::Open(kek, "t1", random_).error().message, HasSubstr("has mode 0644, wanted 0600"));
  ASSERT_TRUE(WriteWholeFile(kek, Bytes(31)).ok());
  EXPECT_THAT(Sealer::Open(kek, "t1", random_).error().message, HasSubstr(kek.string()));
}

TEST_F(SealedFile, AColumnOpensOnlyInItsPlaceAndUnchanged) {
  const Bytes sealed = sealer_.SealColumn("participant/12-0", AsBytes("share")).value();
  EXPECT_EQ(AsText(sealer_.OpenColumn("participant/12-0", sealed)->view()), "share");
  EXPECT_EQ(sealer_.OpenColumn("participant/12-1", sealed).error().code, ErrorCode::kIntegrity);
  EXPECT_EQ(sealer_.OpenColumn("participant/12-0", Bytes(27)).error().code, ErrorCode::kIntegrity);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes changed = sealed;
    changed[at] ^= 0x80;
    EXPECT_EQ(sealer_.OpenColumn("participant/12-0", changed).error().code, ErrorCode::kIntegrity);
  }
  EXPECT_NE(sealer_.SealColumn("participant/12-0", AsBytes("share")).value(), sealed);
}

}  // namespace
}  // namespace fedtrial
