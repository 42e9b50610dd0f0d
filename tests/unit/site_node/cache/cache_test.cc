#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <unistd.h>

#include "common/runtime/files.h"
#include "security/crypto/sha256.h"
#include "site_node/cache/cached_visits.h"
#include "site_node/cache/visit_entry.h"
#include "site_node/cache/volume_cache.h"
#include "tests/support/text_files.h"

namespace fedtrial::site {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class Cache : public testing::Test {
 protected:
  Cache() { std::filesystem::create_directories(folder_); }
  ~Cache() override { std::filesystem::remove_all(folder_); }

  static SecretBytes<32> Key(std::uint8_t first) {
    SecretBytes<32> key;
    key.span()[0] = first;
    return key;
  }
  static Volume SomeVolume(bool lesion) {
    Volume volume{.size = {2, 3, 4}, .image = std::vector<float>(24), .lesion = {}};
    for (std::size_t i = 0; i < 24; ++i) volume.image[i] = static_cast<float>(i) / 7.0F - 1.0F;
    if (lesion) volume.lesion.assign(24, 0.0F);
    if (lesion) volume.lesion[5] = 1.0F;
    return volume;
  }
  void FlipByte(const std::filesystem::path& file, std::streamoff at) const {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(at);
    const int byte = stream.get();
    stream.seekp(at);
    stream.put(static_cast<char>(byte ^ 1));
  }
  Result<Volume> Load(const std::string& name) const { return cache_.Load({MriSequence::kT1, 0.0, name}); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("fedtrial-cache-" + std::to_string(getpid()));
  const VolumeCache cache_{folder_, Key(1)};
  const std::string name_ = VolumeName(Sha256(AsBytes("visit")), MriSequence::kT2);
};

TEST_F(Cache, GivesBackWhatWasKept) {
  for (const bool lesion : {true, false}) {
    const Volume kept = SomeVolume(lesion);
    ASSERT_TRUE(cache_.WriteVolume(name_, kept).ok());
    const auto loaded = Load(name_);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_EQ(loaded->size, kept.size);
    EXPECT_EQ(loaded->image, kept.image);
    EXPECT_EQ(loaded->lesion, kept.lesion);
    EXPECT_TRUE(cache_.CheckVolume(name_).ok());
  }
}

TEST_F(Cache, HoldsNoVoxelInThePlain) {
  Volume volume = SomeVolume(false);
  volume.image.assign(24, 1.5F);
  ASSERT_TRUE(cache_.WriteVolume(name_, volume).ok());
  const std::string text = ReadText(folder_ / name_);
  EXPECT_EQ(text.find(std::string("\0\0\xc0\x3f\0\0\xc0\x3f", 8)), std::string::npos);
  EXPECT_EQ(std::filesystem::status(folder_ / name_).permissions(), std::filesystem::perms(0600));
}

TEST_F(Cache, RefusesAChangedByteWhereverItIs) {
  ASSERT_TRUE(cache_.WriteVolume(name_, SomeVolume(true)).ok());
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(folder_ / name_));
  for (const std::streamoff at : {std::streamoff{20}, size / 2, size - 1}) {
    FlipByte(folder_ / name_, at);
    const auto loaded = Load(name_);
    ASSERT_FALSE(loaded.ok()) << at;
    EXPECT_EQ(loaded.error().code, ErrorCode::kIntegrity);
    EXPECT_THAT(loaded.error().message, HasSubstr("fedtrial-site prepare"));
    EXPECT_FALSE(cache_.CheckVolume(name_).ok());
    FlipByte(folder_ / name_, at);
  }
  EXPECT_TRUE(Load(name_).ok());
}

TEST_F(Cache, RefusesAnotherKeyAnotherNameAndAnotherKindOfFile) {
  ASSERT_TRUE(cache_.WriteVolume(name_, SomeVolume(true)).ok());
  const VolumeCache other(folder_, Key(2));
  EXPECT_EQ(other.Load({MriSequence::kT2, 0.0, name_}).error().code, ErrorCode::kIntegrity);
  const std::string second = VolumeName(Sha256(AsBytes("another")), MriSequence::kT2);
  std::filesystem::copy_file(folder_ / name_, folder_ / second);
  EXPECT_EQ(Load(second).error().code, ErrorCode::kIntegrity);
  EXPECT_EQ(cache_.ReadBaseline(name_).error().code, ErrorCode::kIntegrity);
}

TEST_F(Cache, WhatIsNotThereAndWhatIsNoNameAreSaid) {
  EXPECT_THAT(Load(name_).error().message, HasSubstr("isn't in the cache: run `fedtrial-site prepare`"));
  for (const char* name : {"", "../keys/kek", "visits"})
    EXPECT_EQ(Load(name).error().code, ErrorCode::kInvalidInput) << name;
}

TEST_F(Cache, AHalfWrittenFileIsNoVolumeAndGoesWithTheNextRun) {
  const auto half = folder_ / ("." + name_ + ".fedtrial-tmp.abc");
  WriteText(half, "half of a file");
  EXPECT_FALSE(Load(name_).ok());
  ASSERT_TRUE(RemoveTemporaryFiles(folder_).ok());
  EXPECT_FALSE(std::filesystem::exists(half));
}

TEST_F(Cache, NamesTellVisitsAndSequencesApart) {
  const Digest one = Sha256(AsBytes("one")), two = Sha256(AsBytes("two"));
  const std::set<std::string> names{VolumeName(one, MriSequence::kT1), VolumeName(one, MriSequence::kT2),
                                    VolumeName(two, MriSequence::kT1), BaselineName(one), BaselineName(two)};
  EXPECT_EQ(names.size(), 5u);
}

TEST_F(Cache, AVolumeOfAnImpossibleSizeIsNotKept) {
  for (Volume volume : {Volume{{0, 1, 1}, {}, {}}, Volume{{2, 2, 2}, std::vector<float>(7), {}},
                        Volume{{1, 1, 2}, {0, 1}, {1}}, Volume{{2000, 1, 1}, std::vector<float>(2000), {}}})
    EXPECT_EQ(cache_.WriteVolume(name_, volume).error().code, ErrorCode::kInvalidInput);
  Volume infinite = SomeVolume(false);
  infinite.image[3] = std::numeric_limits<float>::infinity();
  const auto bytes = EncodeVolume(infinite);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(DecodeVolume(*bytes).error().code, ErrorCode::kIntegrity);
  for (const std::size_t size : {std::size_t{0}, std::size_t{4}, std::size_t{16}, bytes->size() - 1})
    EXPECT_FALSE(DecodeVolume(ByteView(*bytes).first(size)).ok()) << size;
}

VisitEntry SomeEntry(const std::string& name) {
  return {.rules = RulesText({}),
          .stamp = "stamp",
          .key = "key",
          .laid_onto = "",
          .baseline = "base",
          .volumes = {{MriSequence::kT1Contrast, name}, {MriSequence::kFlair, std::string(64, 'a')}},
          .failed = {"T2w: the image is the same everywhere"}};
}

TEST_F(Cache, AnEntryOfAVisitComesBackAsItWasWritten) {
  const VisitEntry entry = SomeEntry(name_);
  ASSERT_TRUE(WriteVisitEntry(folder_, "sub-p1", "ses-BL", entry).ok());
  const auto read = ReadVisitEntry(folder_, "sub-p1", "ses-BL");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->ToJson(), entry.ToJson());
  EXPECT_EQ(read->volumes, entry.volumes);
  EXPECT_EQ(read->failed, entry.failed);
  EXPECT_EQ(read->baseline, "base");
  EXPECT_EQ(ReadVisitEntries(folder_).size(), 1u);
  const std::string before = CacheStamp(folder_);
  ASSERT_TRUE(WriteVisitEntry(folder_, "sub-p1", "ses-W08", entry).ok());
  EXPECT_NE(CacheStamp(folder_), before);
}

TEST_F(Cache, ABrokenEntryIsNone) {
  ASSERT_TRUE(WriteVisitEntry(folder_, "sub-p1", "ses-BL", SomeEntry(name_)).ok());
  const std::string good = ReadText(VisitEntryFile(folder_, "sub-p1", "ses-BL"));
  for (const std::string& bad :
       {std::string(), good.substr(0, good.size() / 2), std::string("[]"), Replaced(good, "\"volumes\"", "\"other\""),
        Replaced(good, "FLAIR", "PET"), Replaced(good, "\"stamp\": \"stamp\"", "\"stamp\": 7")}) {
    WriteText(VisitEntryFile(folder_, "sub-p1", "ses-BL"), bad);
    EXPECT_FALSE(ReadVisitEntry(folder_, "sub-p1", "ses-BL").has_value()) << bad;
  }
}

TEST_F(Cache, ACohortNamesWhatIsThereUnderThePlansRulesAlone) {
  ASSERT_TRUE(cache_.WriteVolume(name_, SomeVolume(false)).ok());
  ASSERT_TRUE(WriteVisitEntry(folder_, "sub-p1", "ses-BL", SomeEntry(name_)).ok());
  EXPECT_THAT(CachedVisits(folder_, {}).Of("sub-p1", "ses-BL"), ElementsAre(Pair(MriSequence::kT1Contrast, name_)));
  EXPECT_THAT(CachedVisits(folder_, {}).Of("sub-p1", "ses-W08"), IsEmpty());
  EXPECT_THAT(CachedVisits(folder_, {.voxels = 32}).Of("sub-p1", "ses-BL"), IsEmpty());
}

}  // namespace
}  // namespace fedtrial::site
