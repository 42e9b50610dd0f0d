#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "site_node/cohort/visit_files.h"
#include "trial_folder.h"

namespace fedtrial::site {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Keys of the visits that are prepared, by "subject/session".
class FakePrepared : public PreparedVisits {
 public:
  std::map<MriSequence, std::string> Of(const std::string& subject, const std::string& session) const override {
    const auto found = visits.find(subject + "/" + session);
    return found == visits.end() ? std::map<MriSequence, std::string>() : found->second;
  }
  std::map<std::string, std::map<MriSequence, std::string>> visits;
};

class Visits : public TrialSite {
 protected:
  Visits() {
    Add("sub-p1/ses-BL/anat/sub-p1_ses-BL_ce-gd_T1w.nii.gz");
    Add("sub-p1/ses-BL/anat/sub-p1_ses-BL_FLAIR.nii.gz");
    Add("sub-p1/ses-W16/anat/sub-p1_ses-W16_T2w.nii.gz");
    Add("sourcedata/sub-p1/ses-W08/1.dcm");
    folder_.Write("sub-p1/sub-p1_sessions.tsv", "session_id\tday\nses-BL\t-4\nses-W16\t112\nses-W08\t57\n");
  }
  void Add(const std::string& file, const std::string& text = "scan") const {
    std::filesystem::create_directories((folder_.path() / file).parent_path());
    folder_.Write(file, text);
  }
  std::vector<std::string> Listed(const std::vector<std::string>& patients = {}) {
    const auto visits = ListVisits(ParsePlan(TrialToml(), "plan.toml").value(), folder_.path(), {}, patients);
    if (!visits.ok()) return {visits.error().message};
    std::vector<std::string> listed;
    for (const VisitDay& visit : *visits)
      listed.push_back(visit.subject + " " + visit.session + " " +
                       (visit.day ? std::to_string(static_cast<int>(*visit.day)) : "-"));
    return listed;
  }
  CohortReading ReadWith(const PreparedVisits& prepared) {
    CohortOptions options;
    options.prepared = &prepared;
    return ReadCohort(ParsePlan(TrialToml(), "plan.toml").value(), folder_.path(), options).value();
  }
};

TEST_F(Visits, AreListedByPatientAndDayOfAnyKindOfScan) {
  Add("derivatives/preproc/sub-p2/ses-BL/anat/sub-p2_ses-BL_T1w.nii");
  EXPECT_THAT(Listed(), ElementsAre("sub-p1 ses-BL -4", "sub-p1 ses-W08 57", "sub-p1 ses-W16 112", "sub-p2 ses-BL -"));
  EXPECT_THAT(Listed({"p2"}), ElementsAre("sub-p2 ses-BL -"));
  EXPECT_THAT(Listed({"sub-p1", "nobody"}), ElementsAre(HasSubstr("no scans of sub-nobody")));
}

TEST_F(Visits, FilesAreFoundWithTheLesionBesideThem) {
  const VisitFiles without = FindVisitFiles(folder_.path(), "sub-p1", "ses-BL");
  EXPECT_EQ(without.raw.size(), 2u);
  EXPECT_FALSE(without.raw_lesion || without.dicom || without.prepared_lesion);
  Add("derivatives/seg/sub-p1/ses-BL/anat/sub-p1_ses-BL_ce-gd_desc-lesion_mask.nii.gz");
  Add("sub-p1/ses-BL/anat/sub-p1_ses-BL_desc-brain_mask.nii.gz");
  const VisitFiles with = FindVisitFiles(folder_.path(), "sub-p1", "ses-BL");
  ASSERT_TRUE(with.raw_lesion);
  EXPECT_THAT(with.raw_lesion->string(), HasSubstr("derivatives/seg"));
  EXPECT_EQ(with.raw.size(), 2u);
  EXPECT_NE(with.stamp, without.stamp);
  EXPECT_TRUE(FindVisitFiles(folder_.path(), "sub-p1", "ses-W08").dicom);
}

TEST_F(Visits, AnotherFileOfTheSameSizeHasAnotherStamp) {
  const std::string file = "sub-p1/ses-BL/anat/sub-p1_ses-BL_FLAIR.nii.gz";
  const std::string before = FindVisitFiles(folder_.path(), "sub-p1", "ses-BL").stamp;
  EXPECT_EQ(FindVisitFiles(folder_.path(), "sub-p1", "ses-BL").stamp, before);
  std::filesystem::last_write_time(folder_.path() / file,
                                   std::filesystem::last_write_time(folder_.path() / file) + std::chrono::hours(1));
  EXPECT_NE(FindVisitFiles(folder_.path(), "sub-p1", "ses-BL").stamp, before);
}

TEST_F(Visits, OnlyWhatIsPreparedGetsIntoTheSamples) {
  FakePrepared prepared;
  prepared.visits["sub-p1/ses-BL"] = {{MriSequence::kT1Contrast, "aa"}};
  prepared.visits["sub-p1/ses-W08"] = {{MriSequence::kT2, "bb"}};  // of DICOM series
  const CohortReading reading = ReadWith(prepared);
  const auto& volumes = SampleOf(reading, "p1").volumes;
  ASSERT_EQ(volumes.size(), 2u);
  EXPECT_EQ(volumes[0].key, "aa");
  EXPECT_EQ(volumes[0].day, -4.0);
  EXPECT_EQ(volumes[1].key, "bb");
  EXPECT_EQ(volumes[1].day, 57.0);
  EXPECT_EQ(volumes[1].sequence, MriSequence::kT2);
  EXPECT_EQ(reading.unprepared_volumes, 2u);  // the FLAIR of BL, the T2w of W16
  EXPECT_THAT(FindingsText(reading), HasSubstr("2 scans aren't prepared"));
}

TEST_F(Visits, WithoutAnythingPreparedThePatientHasNoImagesAndThatIsSaidOnce) {
  const CohortReading reading = ReadWith(FakePrepared());
  EXPECT_TRUE(SampleOf(reading, "p1").volumes.empty());
  EXPECT_EQ(reading.summary.patients_per_block.at("mri"), 0u);
  EXPECT_EQ(reading.unprepared_volumes, 4u);
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
}

TEST_F(Visits, WhatIsPreparedBelongsToTheDigest) {
  FakePrepared prepared;
  prepared.visits["sub-p1/ses-BL"] = {{MriSequence::kT1Contrast, "aa"}};
  const Digest before = ReadWith(prepared).summary.digest;
  EXPECT_EQ(ReadWith(prepared).summary.digest, before);
  prepared.visits["sub-p1/ses-BL"] = {{MriSequence::kT1Contrast, "ab"}};
  EXPECT_NE(ReadWith(prepared).summary.digest, before);
}

}  // namespace
}  // namespace fedtrial::site
