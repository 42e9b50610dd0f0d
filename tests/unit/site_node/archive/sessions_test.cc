#include "site_node/archive/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/text_files.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;

class Sessions : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::path(testing::TempDir()) / "fedtrial-sessions-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    data_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(data_); }
  void Table(const std::string& text) const {
    std::filesystem::create_directories(data_ / "sub-p1");
    WriteText(File(), text);
  }
  std::filesystem::path File() const { return data_ / "sub-p1/sub-p1_sessions.tsv"; }
  SessionTable Read() const {
    auto table = SessionTable::Read(data_, "sub-p1");
    EXPECT_TRUE(table.ok()) << table.error().message;
    return std::move(table).value();
  }

  std::filesystem::path data_;
};

TEST_F(Sessions, ADayIsANameThatTellsNoDate) {
  EXPECT_EQ(SessionOfDay(0), "ses-d000");
  EXPECT_EQ(SessionOfDay(56), "ses-d056");
  EXPECT_EQ(SessionOfDay(-2), "ses-dm002");
  EXPECT_EQ(SessionOfDay(1234), "ses-d1234");
}

TEST_F(Sessions, ASeriesFolderTellsNothingOfItsUid) {
  EXPECT_EQ(SeriesFolder("1.2.3"), SeriesFolder("1.2.3"));
  EXPECT_NE(SeriesFolder("1.2.3"), SeriesFolder("1.2.4"));
  EXPECT_EQ(SeriesFolder("../../x").size(), std::string("series-").size() + 12);
  EXPECT_EQ(SeriesFolder("../../x").find('/'), std::string::npos);
}

TEST_F(Sessions, DicomDatesAreDays) {
  EXPECT_EQ(ParseDicomDate("19700102"), 1.0);
  for (const char* wrong : {"", "1970", "19701302", "1970-1-2", "19700102T", "abcdefgh"})
    EXPECT_EQ(ParseDicomDate(wrong), std::nullopt) << wrong;
}

TEST_F(Sessions, TheTablesOwnNameIsTakenByDayOrByDate) {
  Table("session_id\tday\nses-BL\t-2\nses-W08\t56\n");
  EXPECT_EQ(Read().SessionOf(56, 1000).value(), "ses-W08");
  EXPECT_EQ(Read().SessionOf(57, 1000).value(), "ses-d057");
  Table("session_id\tacq_time\nses-BL\t1970-01-03T10:00:00\n");
  EXPECT_EQ(Read().SessionOf(-5, 2).value(), "ses-BL");
}

TEST_F(Sessions, ANameThatTheTableGivesToAnotherDayIsRefused) {
  Table("session_id\tday\nses-d056\t57\n");
  const auto session = Read().SessionOf(56, 1000);
  ASSERT_FALSE(session.ok());
  EXPECT_THAT(session.error().message, HasSubstr("gives ses-d056 to another day than 56"));
}

TEST_F(Sessions, ARowIsAddedAndTheOthersStay) {
  Table("day\tscanner\tsession_id\r\n-2\tA\tses-BL");
  SessionTable table = Read();
  ASSERT_TRUE(table.Add("ses-d056", 56).ok());
  EXPECT_TRUE(table.Has("ses-d056"));
  EXPECT_EQ(ReadText(File()), "day\tscanner\tsession_id\r\n-2\tA\tses-BL\n56\tn/a\tses-d056\n");
  EXPECT_EQ(Read().SessionOf(56, 1000).value(), "ses-d056");
}

TEST_F(Sessions, ATableIsMadeWhereThereIsNone) {
  SessionTable table = Read();
  ASSERT_TRUE(table.Add("ses-d000", 0).ok());
  ASSERT_TRUE(table.Add("ses-dm007", -7).ok());
  EXPECT_EQ(ReadText(File()), "session_id\tday\nses-d000\t0\nses-dm007\t-7\n");
}

TEST_F(Sessions, ATableWithoutDaysIsRefused) {
  Table("session_id\tscanner\nses-BL\tA\n");
  const auto table = SessionTable::Read(data_, "sub-p1");
  ASSERT_FALSE(table.ok());
  EXPECT_THAT(table.error().message, HasSubstr("sub-p1_sessions.tsv: has no column day or acq_time"));
}

TEST_F(Sessions, WhatLiesInASessionIsKnown) {
  const SessionTable table = Read();
  EXPECT_EQ(table.Holding("series-a"), std::nullopt);
  std::filesystem::create_directories(data_ / "sourcedata/sub-p1/ses-W08/series-a");
  EXPECT_EQ(table.Holding("series-a"), "ses-W08");
  EXPECT_FALSE(table.HoldsOthers("ses-W08"));
  WriteText(data_ / "sourcedata/sub-p1/ses-W08/IM0001", "x");
  EXPECT_TRUE(table.HoldsOthers("ses-W08"));
}

}  // namespace
}  // namespace fedtrial::site
