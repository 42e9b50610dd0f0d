#include "site_node/archive/fetch_run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

#include "site_node/archive/sessions.h"
#include "tests/support/text_files.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;
using Kind = SeriesReport::Kind;

// An archive of one patient, "17", in memory. Day 0 is 1970-01-11.
class FakeArchive : public Archive {
 public:
  struct Held {
    ArchivedSeries series;
    std::vector<ArchivedImage> images;
  };

  Status Echo() override { return {}; }
  Result<std::vector<ArchivedStudy>> FindStudies(const std::string& patient_id, std::optional<double>,
                                                 std::optional<double>) override {
    if (gone) return Error{ErrorCode::kUnavailable, "gone"};
    asked.push_back(patient_id);
    return patient_id == "17" ? studies : std::vector<ArchivedStudy>{};
  }
  Result<std::vector<ArchivedSeries>> FindSeries(const ArchivedStudy& study) override {
    std::vector<ArchivedSeries> found;
    for (const Held& held : series[study.uid]) found.push_back(held.series);
    return found;
  }
  Status Retrieve(const ArchivedStudy& study, const ArchivedSeries& wanted, const Keep& keep) override {
    ++retrieved;
    for (const Held& held : series[study.uid]) {
      if (held.series.uid != wanted.uid) continue;
      for (const ArchivedImage& image : held.images) {
        if (dies_before == image.instance_uid) return Error{ErrorCode::kUnavailable, "gone"};
        RETURN_IF_ERROR(keep(image));
      }
    }
    return {};
  }

  void Add(const std::string& study, const std::string& date, const std::string& uid, std::size_t images) {
    if (!series.contains(study)) studies.push_back({study, "17", date});
    Held held{{uid, "MR", images}, {}};
    for (std::size_t i = 1; i <= images; ++i)
      held.images.push_back({fmt::format("{}.{}", uid, i), uid, study, "17", "MR", {'D', 'I', 'C', 'M'}});
    series[study].push_back(held);
  }

  std::vector<ArchivedStudy> studies;
  std::map<std::string, std::vector<Held>> series;
  std::string dies_before;
  bool gone = false;
  std::size_t retrieved = 0;
  std::vector<std::string> asked;
};

class Fetching : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::path(testing::TempDir()) / "fedtrial-fetch-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    data_ = name;
    archive_.Add("1.1", "19700109", "1.1.1", 3);
    archive_.Add("1.1", "19700109", "1.1.2", 2);
    archive_.Add("1.2", "19700308", "1.2.1", 2);
    patient_.subject = "sub-p1";
    patient_.patient_id = "17";
    patient_.day_zero = 10;
  }
  void TearDown() override { std::filesystem::remove_all(data_); }

  Status Run(bool dry_run = false) {
    reports_.clear();
    FetchSettings settings;
    settings.data_folder = data_;
    settings.dry_run = dry_run;
    settings.bounds = bounds_;
    settings.stopped = [this] { return stopped_; };
    settings.tell = [this](const SeriesReport& report) { reports_.push_back(report); };
    settings.progress = [this](const std::string&, std::size_t) { stopped_ = stop_at_first_image_; };
    return FetchPatients({patient_}, archive_, settings);
  }
  std::size_t Count(Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(reports_, kind, &SeriesReport::kind));
  }
  std::filesystem::path Place(const std::string& session, const std::string& uid) const {
    return data_ / "sourcedata/sub-p1" / session / SeriesFolder(uid);
  }
  bool Has(const std::string& session, const std::string& uid) const {
    return std::filesystem::exists(Place(session, uid));
  }
  // The one report that failed.
  std::string Reason() const {
    EXPECT_EQ(Count(Kind::kFailed), 1u);
    const auto failed = std::ranges::find(reports_, Kind::kFailed, &SeriesReport::kind);
    return failed == reports_.end() ? "" : failed->reason;
  }

  std::filesystem::path data_;
  FakeArchive archive_;
  KeyRow patient_;
  FetchBounds bounds_;
  std::vector<SeriesReport> reports_;
  bool stopped_ = false, stop_at_first_image_ = false;
};

TEST_F(Fetching, EverySeriesComesIntoTheSessionOfItsDayAndTheTableSaysSo) {
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Count(Kind::kFetched), 3u);
  EXPECT_TRUE(std::filesystem::exists(Place("ses-dm002", "1.1.1") / "0003.dcm"));
  EXPECT_FALSE(std::filesystem::exists(Place("ses-dm002", "1.1.1") / "0004.dcm"));
  EXPECT_TRUE(Has("ses-dm002", "1.1.2"));
  EXPECT_TRUE(Has("ses-d056", "1.2.1"));
  EXPECT_EQ(ReadText(data_ / "sub-p1/sub-p1_sessions.tsv"), "session_id\tday\nses-dm002\t-2\nses-d056\t56\n");
  EXPECT_FALSE(std::filesystem::exists(IncomingFolder(data_)));
}

TEST_F(Fetching, ASecondRunBringsNothing) {
  ASSERT_TRUE(Run().ok());
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(archive_.retrieved, 3u);
  EXPECT_EQ(Count(Kind::kAlready), 3u);
}

TEST_F(Fetching, ASeriesIsKnownInASessionThatWasRenamed) {
  ASSERT_TRUE(Run().ok());
  std::filesystem::rename(data_ / "sourcedata/sub-p1/ses-d056", data_ / "sourcedata/sub-p1/ses-W08");
  WriteText(data_ / "sub-p1/sub-p1_sessions.tsv", "session_id\tday\nses-dm002\t-2\nses-W08\t56\n");
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Count(Kind::kAlready), 3u);
  EXPECT_FALSE(std::filesystem::exists(data_ / "sourcedata/sub-p1/ses-d056"));
}

TEST_F(Fetching, ADryRunWritesNothing) {
  ASSERT_TRUE(Run(/*dry_run=*/true).ok());
  EXPECT_EQ(Count(Kind::kToFetch), 3u);
  EXPECT_EQ(archive_.retrieved, 0u);
  EXPECT_TRUE(std::filesystem::is_empty(data_));
}

TEST_F(Fetching, ASeriesWithAnImageOfAnotherPatientFailsAloneAndLeavesNothing) {
  archive_.series["1.1"][0].images[1].patient_id = "18";
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Count(Kind::kFetched), 2u);
  EXPECT_EQ(Reason(), "image 2 is of another patient");
  EXPECT_FALSE(Has("ses-dm002", "1.1.1"));
  EXPECT_TRUE(Has("ses-dm002", "1.1.2"));
}

TEST_F(Fetching, WhatTheArchiveSendsIsChecked) {
  const auto refused = [this](const std::function<void(FakeArchive::Held&)>& change) {
    std::filesystem::remove_all(data_ / "sourcedata");
    const auto before = archive_.series;
    change(archive_.series["1.2"][0]);
    EXPECT_TRUE(Run().ok());
    archive_.series = before;
    EXPECT_FALSE(std::filesystem::exists(data_ / "sourcedata/sub-p1/ses-d056"));
    return Reason();
  };
  EXPECT_THAT(refused([](auto& held) { held.images[0].series_uid = "9"; }), HasSubstr("of another series"));
  EXPECT_THAT(refused([](auto& held) { held.images[0].study_uid = "9"; }), HasSubstr("of another series"));
  EXPECT_THAT(refused([](auto& held) { held.images[1].modality = "CT"; }), HasSubstr("isn't an MR image"));
  EXPECT_THAT(refused([](auto& held) { held.images[1].instance_uid = held.images[0].instance_uid; }),
              HasSubstr("image 2 was sent twice"));
  EXPECT_THAT(refused([](auto& held) { held.images.pop_back(); }), HasSubstr("has 2 images of it and sent 1"));
  EXPECT_THAT(refused([](auto& held) { held.images.clear(); }), HasSubstr("sent none"));
  EXPECT_THAT(refused([](auto& held) { held.series.uid = "../../../x"; }), HasSubstr("isn't a UID"));
}

TEST_F(Fetching, ASeriesOfTooManyImagesOrBytesFailsAloneAndLeavesNothing) {
  bounds_.series_images = 2;
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Reason(), "it has more than 2 images");
  EXPECT_EQ(Count(Kind::kFetched), 2u) << "those of two images";
  EXPECT_FALSE(Has("ses-dm002", "1.1.1"));
  EXPECT_FALSE(std::filesystem::exists(IncomingFolder(data_)));
  bounds_ = {.series_bytes = 11};  // three of four bytes are more
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Reason(), "it has more than 11 bytes");
  EXPECT_EQ(Count(Kind::kAlready), 2u);
  bounds_ = {.series_bytes = 12};
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Count(Kind::kFetched), 1u);
  EXPECT_TRUE(Has("ses-dm002", "1.1.1"));
}

TEST_F(Fetching, AStudyOfAnotherPatientOrWithoutADateIsRefused) {
  archive_.studies[0].patient_id = "18";
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(Reason(), HasSubstr("a study of another patient"));
  EXPECT_TRUE(Has("ses-d056", "1.2.1"));
  archive_.studies[0].patient_id = "17";
  archive_.studies[0].date = "";
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(Reason(), HasSubstr("without a date"));
}

TEST_F(Fetching, OtherModalitiesAndStudiesOutOfTheBoundsAreLeft) {
  archive_.series["1.1"][0].series.modality = "CT";
  patient_.to = 20;
  ASSERT_TRUE(Run().ok());
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_TRUE(Has("ses-dm002", "1.1.2"));
}

TEST_F(Fetching, APatientThatTheArchiveDoesntHaveFails) {
  patient_.patient_id = "99";
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(Reason(), HasSubstr("no MR series of this patient"));
  EXPECT_FALSE(std::filesystem::exists(data_ / "sub-p1"));
}

TEST_F(Fetching, ASessionWithScansOfItsOwnIsLeftAlone) {
  std::filesystem::create_directories(data_ / "sourcedata/sub-p1/ses-d056");
  WriteText(data_ / "sourcedata/sub-p1/ses-d056/IM0001", "x");
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Count(Kind::kAlready), 1u);
  EXPECT_FALSE(Has("ses-d056", "1.2.1"));
}

TEST_F(Fetching, AnArchiveThatDiesEndsTheRunAndTheNextGoesOn) {
  archive_.dies_before = "1.2.1.2";
  const Status died = Run();
  ASSERT_FALSE(died.ok());
  EXPECT_EQ(died.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Count(Kind::kFetched), 2u);
  EXPECT_FALSE(Has("ses-d056", "1.2.1"));
  EXPECT_FALSE(std::filesystem::exists(IncomingFolder(data_)));
  archive_.dies_before.clear();
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Count(Kind::kAlready), 2u);
  EXPECT_TRUE(Has("ses-d056", "1.2.1"));
}

TEST_F(Fetching, StoppedAmidASeriesItLeavesNoPartOfIt) {
  stop_at_first_image_ = true;
  const Status ended = Run();
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(data_ / "sourcedata/sub-p1"));
  EXPECT_FALSE(std::filesystem::exists(data_ / "sub-p1"));
}

TEST_F(Fetching, WhatAKilledRunLeftIsTakenAway) {
  std::filesystem::create_directories(IncomingFolder(data_));
  WriteText(IncomingFolder(data_) / "0009.dcm", "half");
  ASSERT_TRUE(Run().ok());
  EXPECT_FALSE(std::filesystem::exists(Place("ses-dm002", "1.1.1") / "0009.dcm"));
}

}  // namespace
}  // namespace fedtrial::site
