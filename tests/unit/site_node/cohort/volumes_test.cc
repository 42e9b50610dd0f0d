#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "site_node/cohort/volume_files.h"
#include "trial_folder.h"

namespace fedtrial::site {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class VolumeNames : public TrialSite {
 protected:
  VolumeNames() {
    for (const char* name : {"T1w.nii.gz", "ce-gd_T1w.nii.gz", "T2w.nii.gz", "FLAIR.nii", "FLAIR.json"})
      Add("", "p1", "BL", name);
    Add("", "p1", "W08", "ce-gd_T1w.nii.gz");
    folder_.Write("sub-p1/sub-p1_sessions.tsv", "session_id\tday\nses-BL\t-4\nses-W08\t57\n");
  }
  void Add(const std::string& root, const std::string& patient, const std::string& session, const std::string& name,
           const std::string& text = "volume") const {
    const std::string folder = root + "sub-" + patient + "/ses-" + session + "/anat";
    std::filesystem::create_directories(folder_.path() / folder);
    folder_.Write(folder + "/sub-" + patient + "_ses-" + session + "_" + name, text);
  }
  std::vector<std::string> Listed(const std::string& key) {
    const CohortReading reading = Read();
    std::vector<std::string> listed;
    for (const VolumeId& volume : SampleOf(reading, key).volumes)
      listed.push_back(std::string(ToString(volume.sequence)) + " " + std::to_string(static_cast<int>(volume.day)));
    return listed;
  }
};

TEST_F(VolumeNames, GiveSequenceAndDayInOrder) {
  EXPECT_THAT(Listed("p1"), ElementsAre("T1w -4", "ce-gd_T1w -4", "T2w -4", "FLAIR -4", "ce-gd_T1w 57"));
  const CohortReading reading = Read();
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
  EXPECT_EQ(SampleOf(reading, "p1").volumes[0].key, VolumeKey("sub-p1/ses-BL/anat/sub-p1_ses-BL_T1w.nii.gz"));
  EXPECT_EQ(reading.summary.patients_per_block.at("mri"), 1u);
}

TEST_F(VolumeNames, WhatIsPreparedGoesFirst) {
  Add("derivatives/preproc/", "p1", "BL", "space-atlas_T1w.nii.gz");
  Add("derivatives/preproc/", "p1", "BL", "desc-lesion_mask.nii.gz");
  const CohortReading reading = Read();
  const Sample& sample = SampleOf(reading, "p1");
  ASSERT_EQ(sample.volumes.size(), 5u);
  EXPECT_EQ(sample.volumes[0].key,
            VolumeKey("derivatives/preproc/sub-p1/ses-BL/anat/sub-p1_ses-BL_space-atlas_T1w.nii.gz"));
}

TEST_F(VolumeNames, ASessionWithoutADayIsNotRead) {
  folder_.Write("sub-p1/sub-p1_sessions.tsv", "session_id\tday\nses-BL\t-4\n");
  EXPECT_THAT(OnlyError(Read()).ToString(),
              HasSubstr("sub-p1/sub-p1_sessions.tsv: no day of ses-W08: its volumes aren't read"));
  EXPECT_EQ(Listed("p1").size(), 4u);
  std::filesystem::remove(folder_.path() / "sub-p1/sub-p1_sessions.tsv");
  EXPECT_THAT(FindingsText(Read()), HasSubstr("nothing says the day of this session"));
}

TEST_F(VolumeNames, ANameOfAnotherPatientIsAnError) {
  folder_.Write("sub-p1/ses-BL/anat/sub-p2_ses-BL_T2w.nii.gz", "volume");
  EXPECT_THAT(OnlyError(Read()).ToString(), HasSubstr("the name is of another patient or session than its folder"));
}

TEST_F(VolumeNames, AnEmptyFileIsAnErrorAndASecondOfTheSequenceAWarning) {
  Add("", "p1", "BL", "T2w.nii.gz", "");
  Add("", "p1", "BL", "run-2_T1w.nii.gz");
  const CohortReading reading = Read();
  EXPECT_THAT(OnlyError(reading).ToString(), HasSubstr("sub-p1_ses-BL_T2w.nii.gz: the file is empty"));
  EXPECT_THAT(FindingsText(reading), HasSubstr("a second T1w of this session: the first is read"));
}

TEST_F(VolumeNames, AVisitOutsideItsWindowIsAWarning) {
  folder_.Write("sub-p1/sub-p1_sessions.tsv", "session_id\tday\nses-BL\t2\nses-W08\t90\n");
  const std::string text = FindingsText(Read());
  EXPECT_THAT(text, HasSubstr("session BL is of day 2, wanted a day up to 0 (warning)"));
  EXPECT_THAT(text, HasSubstr("session W08 is of day 90, wanted day 42 to 70 (warning)"));
}

TEST_F(VolumeNames, SequencesThatAVisitLacksAreNoted) {
  all_checks_ = true;
  const CohortReading reading = Read();
  EXPECT_THAT(FindingsText(reading), HasSubstr("sub-p1: the scans of day 57 have no T1w, T2w, FLAIR, wanted all four"));
  EXPECT_FALSE(HasErrors(reading));
  EXPECT_THAT(FindingsText(reading), Not(HasSubstr("the scans of day -4")));
}

TEST_F(VolumeNames, AScanAfterTheDeathSpoilsTheImages) {
  folder_.Write("sub-p1/sub-p1_sessions.tsv", "session_id\tday\nses-BL\t-4\nses-W08\t301\n");
  const CohortReading reading = Read();
  EXPECT_THAT(OnlyError(reading).ToString(), HasSubstr("a scan after the patient's death, got \"day 301\""));
  EXPECT_TRUE(SampleOf(reading, "p1").volumes.empty());
  EXPECT_EQ(reading.left_out_of.at("mri"), 1u);
}

TEST_F(VolumeNames, ChangeTheDigest) {
  const Digest before = Read().summary.digest;
  EXPECT_EQ(Read().summary.digest, before);
  Add("", "p1", "W08", "ce-gd_T1w.nii.gz", "another volume");
  EXPECT_NE(Read().summary.digest, before);
}

TEST_F(VolumeNames, APseudonymThatIsAPathLeavesNoFolder) {
  FindingList findings;
  const DayReader days;
  for (const char* key : {"../p1", "..", "p1/../p1", "", "p1\n"})
    EXPECT_TRUE(ListVolumes(folder_.path(), key, days, findings).empty()) << key;
  EXPECT_EQ(ListVolumes(folder_.path(), "sub-p1", days, findings).size(), 5u);  // a pseudonym as BIDS writes it
}

}  // namespace
}  // namespace fedtrial::site
