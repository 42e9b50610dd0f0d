#include "site_node/archive/archive.h"

#include <csignal>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "site_node/imaging/dicom_folder.h"
#include "tests/system/archive/orthanc.h"
#include "tests/system/archive/series.h"

namespace fedtrial::system_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kRoot = "1.2.826.0.1.3680043.99";  // of the UIDs here
constexpr std::size_t kMany = 200;                       // images, enough to be met on their way

// A site and an archive that has scans of two of its patients, before and eight weeks after day 0.
class Archive : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Orthanc::Installed()) << "deploy/setup --tests installs Orthanc";
    ASSERT_NO_FATAL_FAILURE(archive_.emplace(folder_.path() / "orthanc"));
    std::filesystem::create_directories(Path("data"));
    const Ran init = RunToEnd({Program(), "init", "--state", Path("state"), "--name", "north", "--data", Path("data")});
    ASSERT_EQ(init.status, 0) << init.err;
    sample_ = ReadText(Path("state/site.toml"));
    Configure(archive_->Section());
    Key("p001\tMRN-17\t2024-03-04\tn/a\tn/a\np002\tMRN-18\t2024-03-04\t2024-04-01\tn/a\n");
  }

  std::string Path(const std::string& name) const { return (folder_.path() / name).string(); }
  static std::string Program() { return (ProgramFolder() / "fedtrial-site").string(); }
  void Configure(const std::string& section) const { WriteText(Path("state/site.toml"), sample_ + section); }
  void Key(const std::string& rows) const {
    WriteText(Path("state/patients.tsv"), "participant_id\tpatient_id\tday_zero\tfrom\tto\n" + rows);
    std::filesystem::permissions(Path("state/patients.tsv"), std::filesystem::perms(0600));
  }
  Arguments Command(const Arguments& more = {}) const {
    Arguments command{Program(), "fetch", "--state", Path("state")};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  Ran Fetch(const Arguments& more = {}) const { return RunToEnd(Command(more), std::chrono::seconds(300)); }

  static std::string Uid(const std::string& end) { return fmt::format("{}.{}", kRoot, end); }
  // Into the archive.
  void Scanned(const ScannedSeries& series) {
    const std::string folder = Path(fmt::format("scanned-{}", ++written_));
    WriteScanned(folder, series);
    archive_->Upload(folder);
  }
  // Two series before day 0 and one after, and a CT.
  void ScanFirst() {
    const std::string study = Uid("17.1");
    Scanned({.patient_id = "MRN-17", .study_uid = study, .date = "20240302", .series_uid = Uid("17.1.1")});
    Scanned({.patient_id = "MRN-17",
             .study_uid = study,
             .date = "20240302",
             .series_uid = Uid("17.1.2"),
             .repetition_ms = "4000",
             .echo_ms = "100"});
    Scanned({.patient_id = "MRN-17",
             .study_uid = study,
             .date = "20240302",
             .series_uid = Uid("17.1.3"),
             .modality = "CT",
             .slices = 3});
    Scanned({.patient_id = "MRN-17", .study_uid = Uid("17.2"), .date = "20240429", .series_uid = Uid("17.2.1")});
  }
  void ScanSecond() {
    Scanned({.patient_id = "MRN-18", .study_uid = Uid("18.1"), .date = "20240301", .series_uid = Uid("18.1.1")});
    Scanned({.patient_id = "MRN-18", .study_uid = Uid("18.2"), .date = "20240430", .series_uid = Uid("18.2.1")});
  }

  // Names of what lies in a folder of the data folder, those that begin with a dot aside.
  std::vector<std::string> Entries(const std::string& folder) const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(Path("data/" + folder), error))
      if (const std::string name = entry.path().filename(); !name.starts_with('.')) names.push_back(name);
    std::ranges::sort(names);
    return names;
  }
  bool AnythingIncoming() const {
    std::error_code error;
    return std::filesystem::exists(Path("data/sourcedata/.fetch/incoming"), error);
  }
  // Runs it until some of the images of the large series have come, then does `then`, and gives its exit status.
  template <typename Then>
  int FetchUntilSomeHaveCome(const Then& then) {
    Process running(Command(), {.out = Path("out"), .err = Path("err"), .folder = {}, .environment = {}});
    const std::filesystem::path some = Path("data/sourcedata/.fetch/incoming/0020.dcm");  // the others have fewer
    EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(some) || !running.running(); }));
    EXPECT_TRUE(running.running());
    then(running);
    return running.Wait().value_or(-1);
  }

  ScratchFolder folder_;
  std::optional<Orthanc> archive_;
  std::string sample_;
  int written_ = 0;
};

TEST_F(Archive, SeriesComeIntoSessionsByDayAndAreReadAsWhatTheyAre) {
  ASSERT_NO_FATAL_FAILURE(ScanFirst());
  ASSERT_NO_FATAL_FAILURE(ScanSecond());
  std::filesystem::create_directories(Path("data/sub-p001"));
  WriteText(Path("data/sub-p001/sub-p001_sessions.tsv"), "session_id\tday\nses-W08\t56\n");

  const Ran dry = Fetch({"--dry-run"});
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("2 patients, series: 4 to fetch, 0 were already, 0 failed"));
  EXPECT_FALSE(std::filesystem::exists(Path("data/sourcedata")));

  const Ran first = Fetch({"--json"});
  ASSERT_EQ(first.status, 0) << first.out << first.err;
  EXPECT_EQ(first.Json()["fetched"], 4);
  EXPECT_THAT(Entries("sourcedata"), testing::ElementsAre("sub-p001", "sub-p002"));
  EXPECT_THAT(Entries("sourcedata/sub-p001"), testing::ElementsAre("ses-W08", "ses-dm002"));
  EXPECT_THAT(Entries("sourcedata/sub-p002"), testing::ElementsAre("ses-d057"));  // the other is before its `from`
  EXPECT_EQ(ReadText(Path("data/sub-p001/sub-p001_sessions.tsv")), "session_id\tday\nses-W08\t56\nses-dm002\t-2\n");
  for (const char* secret : {"MRN", "SECRET", "2024", kRoot}) {
    EXPECT_THAT(dry.out + dry.err + first.out + first.err, Not(HasSubstr(secret)));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("data")))
      EXPECT_THAT(entry.path().lexically_relative(Path("data")).string(), Not(HasSubstr(secret)));
  }

  const auto found = imaging::FindDicomSeries(Path("data/sourcedata/sub-p001/ses-dm002"), {});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_THAT(found->refused, testing::IsEmpty());
  const auto chosen = imaging::ChooseSeries(*found);
  ASSERT_EQ(chosen.series.size(), 2u);
  for (const MriSequence sequence : {MriSequence::kT1, MriSequence::kT2})
    EXPECT_EQ(chosen.series.at(sequence)->stack.slices.size(), 16u);

  const Ran second = Fetch({"--json"});
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(second.Json()["fetched"], 0);
  EXPECT_EQ(second.Json()["already"], 4);
}

TEST_F(Archive, WrongNamesAndUnknownPatientsAreSaidAndChangeNothing) {
  ASSERT_NO_FATAL_FAILURE(ScanSecond());
  Configure(Replaced(archive_->Section(), "\"PACS\"", "\"OTHER\""));
  const Ran called = Fetch();
  EXPECT_EQ(called.status, 2);
  EXPECT_THAT(called.err, HasSubstr("it isn't called OTHER (archive.called of site.toml)"));

  Configure(Replaced(archive_->Section(), "\"FEDTRIAL\"", "\"STRANGER\""));
  const Ran own = Fetch();
  EXPECT_EQ(own.status, 2);
  EXPECT_THAT(own.err, HasSubstr("know STRANGER"));
  EXPECT_THAT(Entries("sourcedata"), testing::IsEmpty());

  Configure(archive_->Section());
  const Ran unknown = Fetch();  // MRN-17 was never scanned
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.out, HasSubstr("sub-p001  failed\n    the archive has no MR series of this patient"));
  EXPECT_THAT(unknown.err, HasSubstr("1 series or patients can't be used"));
  EXPECT_THAT(Entries("sourcedata"), testing::ElementsAre("sub-p002"));
  EXPECT_EQ(Fetch({"p002"}).status, 0);

  Configure("");
  EXPECT_THAT(Fetch().err, HasSubstr("has no [archive]"));
}

TEST_F(Archive, ASeriesWithAnotherPatientsImagesFailsAlone) {
  ASSERT_NO_FATAL_FAILURE(ScanFirst());
  Scanned({.patient_id = "MRN-99",
           .study_uid = Uid("17.1"),
           .date = "20240302",
           .series_uid = Uid("17.1.1"),
           .first = 16,
           .slices = 2});
  const Ran ran = Fetch({"p001"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.out, HasSubstr("is of another patient"));
  EXPECT_THAT(ran.out, HasSubstr("series: 2 fetched, 0 were already, 1 failed"));
  EXPECT_EQ(Entries("sourcedata/sub-p001/ses-dm002").size(), 1u);
  EXPECT_FALSE(AnythingIncoming());
}

TEST_F(Archive, AnArchiveThatIsNotThereOrSilentIsTriedAgainLater) {
  Configure(Replaced(archive_->Section(), "\"10s\"", "\"2s\""));
  archive_->process().Signal(SIGSTOP);
  const Ran silent = Fetch();
  EXPECT_EQ(silent.status, 3);
  EXPECT_THAT(silent.err, HasSubstr(fmt::format("archive 127.0.0.1:{}: ", archive_->port())));
  archive_->Stop();
  const Ran gone = Fetch();
  EXPECT_EQ(gone.status, 3);
  EXPECT_THAT(gone.err, HasSubstr("can't be reached"));
  EXPECT_THAT(Entries("sourcedata"), testing::IsEmpty());
}

TEST_F(Archive, WhateverEndsItAmidASeriesTheNextRunGoesOn) {
  Key("p001\tMRN-17\t2024-03-04\tn/a\tn/a\n");
  Scanned({.patient_id = "MRN-17", .study_uid = Uid("17.0"), .date = "20240301", .series_uid = Uid("17.0.1")});
  Scanned({.patient_id = "MRN-17",
           .study_uid = Uid("17.1"),
           .date = "20240302",
           .series_uid = Uid("17.1.1"),
           .slices = kMany});

  EXPECT_EQ(FetchUntilSomeHaveCome([](Process& running) { running.SignalGroup(SIGINT); }), 3);
  EXPECT_THAT(ReadText(Path("err")), HasSubstr("stopped: the same command goes on"));
  EXPECT_THAT(Entries("sourcedata/sub-p001"), testing::ElementsAre("ses-dm003"));
  EXPECT_FALSE(AnythingIncoming());

  Configure(Replaced(archive_->Section(), "\"10s\"", "\"4s\""));
  EXPECT_EQ(FetchUntilSomeHaveCome([this](Process&) { archive_->process().Signal(SIGSTOP); }), 3);
  EXPECT_THAT(ReadText(Path("err")), testing::ContainsRegex("no answer within 4 s|read timeout"));
  EXPECT_FALSE(AnythingIncoming());
  archive_->process().Signal(SIGCONT);
  Configure(archive_->Section());

  EXPECT_EQ(FetchUntilSomeHaveCome([this](Process&) { archive_->Stop(); }), 3);
  EXPECT_THAT(ReadText(Path("err")), HasSubstr("the connection was lost"));
  EXPECT_THAT(Entries("sourcedata/sub-p001"), testing::ElementsAre("ses-dm003"));
  EXPECT_FALSE(AnythingIncoming());
  ASSERT_NO_FATAL_FAILURE(archive_->Start());

  EXPECT_EQ(FetchUntilSomeHaveCome([](Process& running) { running.Kill(); }), 128 + SIGKILL);
  EXPECT_THAT(Entries("sourcedata/sub-p001"), testing::ElementsAre("ses-dm003"));
  EXPECT_TRUE(AnythingIncoming());

  const Ran whole = Fetch({"--json"});
  EXPECT_EQ(whole.status, 0) << whole.err;
  EXPECT_EQ(whole.Json()["fetched"], 1);
  EXPECT_EQ(whole.Json()["already"], 1);
  ASSERT_EQ(Entries("sourcedata/sub-p001/ses-dm002").size(), 1u);
  EXPECT_EQ(Entries("sourcedata/sub-p001/ses-dm002/" + Entries("sourcedata/sub-p001/ses-dm002").front()).size(), kMany);
}

TEST_F(Archive, TooManyAnswersAndTooLargeAnImageEndTheirRequestAlone) {
  ASSERT_NO_FATAL_FAILURE(ScanFirst());
  site::ArchiveConfig config;
  config.host = "127.0.0.1";
  config.port = static_cast<std::uint16_t>(archive_->port());
  config.called = "PACS";
  config.own = "FEDTRIAL";
  const auto archive = site::MakeDicomArchive(config, [] { return false; }, {.answers = 1, .image_bytes = 1024});
  const auto both = archive->FindStudies("MRN-17", {}, {});
  ASSERT_FALSE(both.ok());
  EXPECT_EQ(both.error().message, "the archive gives more than 1 answers");

  constexpr double kLater = 19'800;  // 2024-03-18
  const auto one = archive->FindStudies("MRN-17", kLater, {});
  ASSERT_TRUE(one.ok()) << one.error().message;
  ASSERT_EQ(one->size(), 1u);
  const auto series = archive->FindSeries(one->front());
  ASSERT_TRUE(series.ok()) << series.error().message;
  ASSERT_EQ(series->size(), 1u);
  const Status retrieved = archive->Retrieve(one->front(), series->front(), [](const site::ArchivedImage&) -> Status {
    ADD_FAILURE() << "an image beyond the bound was kept";
    return {};
  });
  ASSERT_FALSE(retrieved.ok());
  EXPECT_EQ(retrieved.error().code, ErrorCode::kIntegrity);
  EXPECT_THAT(retrieved.error().message, HasSubstr("1024 bytes"));
  EXPECT_TRUE(archive->FindSeries(one->front()).ok());
}

}  // namespace
}  // namespace fedtrial::system_test
