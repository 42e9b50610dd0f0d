#include "site_node/archive/patient_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/text_files.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kHeader = "participant_id\tpatient_id\tday_zero\tfrom\tto\n";

std::string ProblemsOf(const std::string& text) {
  const auto rows = ParsePatientKey(text, "patients.tsv");
  EXPECT_FALSE(rows.ok()) << text;
  if (rows.ok()) return "";
  EXPECT_EQ(rows.error().code, ErrorCode::kInvalidInput);
  return rows.error().message;
}

TEST(PatientKey, ARowSaysPatientDayZeroAndBounds) {
  const auto rows = ParsePatientKey(
      "\xEF\xBB\xBF" +
          (kHeader + "p001\tMRN 17^A\t1970-01-11\t1970-01-02\tn/a\r\n\nsub-p002\t0002\t2024-03-17\tn/a\t\n"),
      "patients.tsv");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->at(0).subject, "sub-p001");
  EXPECT_EQ(rows->at(0).patient_id, "MRN 17^A");
  EXPECT_EQ(rows->at(0).day_zero, 10.0);
  EXPECT_EQ(rows->at(0).from, 1.0);
  EXPECT_EQ(rows->at(0).to, std::nullopt);
  EXPECT_EQ(rows->at(1).subject, "sub-p002");
  EXPECT_EQ(rows->at(1).line, 4u);
}

TEST(PatientKey, TheBoundsMayBeLeftOutAndColumnsMayStandInAnyOrder) {
  const auto rows = ParsePatientKey("day_zero\tpatient_id\tparticipant_id\n1970-01-01\t7\tp1", "patients.tsv");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_EQ(rows->front().patient_id, "7");
  EXPECT_EQ(rows->front().from, std::nullopt);
}

TEST(PatientKey, EveryProblemIsSaidWithLineAndColumnAndNeverAValue) {
  const std::string problems = ProblemsOf(kHeader +
                                          "p001\tSECRET*\t1970-01-01\tn/a\tn/a\n"
                                          "p002\t2\t17.3.1999\tn/a\tn/a\n"
                                          "../p3\t3\t1970-01-01\tn/a\tn/a\n"
                                          "p004\t4\t1970-01-01\t1988-05-05\t1987-04-04\n"
                                          "p005\t5\t1970-01-01\n"
                                          "p006\t6\t1970-01-01\tn/a\tn/a\n"
                                          "p006\t66\t1970-01-01\tn/a\tn/a\n"
                                          "p007\t6\t1970-01-01\tn/a\tn/a\n"
                                          "p008\t\t1970-01-01\tn/a\tn/a\n");
  for (const char* wanted :
       {"patients.tsv:2:2: patient_id", "patients.tsv:3:3: day_zero", "patients.tsv:4:1: participant_id",
        "patients.tsv:5:4: from", "patients.tsv:6: got 3 fields, wanted 5", "patients.tsv:8:1: participant_id: this",
        "patients.tsv:9:2: patient_id: this number stands in line 7 too", "patients.tsv:10:2: patient_id"})
    EXPECT_THAT(problems, HasSubstr(wanted));
  for (const char* value : {"SECRET", "17.3.1999", "1988", "1987"}) EXPECT_THAT(problems, Not(HasSubstr(value)));
}

TEST(PatientKey, AWrongHeaderAndAnEmptyFileAreRefused) {
  const std::string problems = ProblemsOf("participant_id\tpatient\tday_zero\tday_zero\np1\t1\t1970-01-01\tx\n");
  EXPECT_THAT(problems, HasSubstr("patients.tsv:1:2: patient: not a column of this file"));
  EXPECT_THAT(problems, HasSubstr("day_zero: this column is there twice"));
  EXPECT_THAT(problems, HasSubstr("patient_id: this column is wanted"));
  EXPECT_THAT(ProblemsOf(kHeader), HasSubstr("names no patient"));
  EXPECT_THAT(ProblemsOf(""), HasSubstr("this column is wanted"));
}

TEST(PatientKey, AFileThatOthersCanReadIsRefused) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "fedtrial_patient_key.tsv";
  WriteText(file, kHeader + "p1\t1\t1970-01-01\tn/a\tn/a\n");
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  EXPECT_FALSE(ReadPatientKey(file).ok());
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  EXPECT_TRUE(ReadPatientKey(file).ok());
  std::filesystem::remove(file);
  EXPECT_FALSE(ReadPatientKey(file).ok());
}

TEST(PatientKey, PatientsAreChosenByTheirPseudonyms) {
  const auto rows =
      ParsePatientKey("participant_id\tpatient_id\tday_zero\np1\t1\t1970-01-01\np2\t2\t1970-01-01\n", "k");
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(RowsOf(*rows, {}).value().size(), 2u);
  const auto second = RowsOf(*rows, {"sub-p2"});
  ASSERT_TRUE(second.ok());
  ASSERT_EQ(second->size(), 1u);
  EXPECT_EQ(second->front().subject, "sub-p2");
  const auto nobody = RowsOf(*rows, {"p1", "p9"});
  ASSERT_FALSE(nobody.ok());
  EXPECT_THAT(nobody.error().message, HasSubstr("sub-p9"));
}

}  // namespace
}  // namespace fedtrial::site
