#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trial_folder.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kRatedScans =
    "participant_id\tscan_day\trano\tcriteria\tconfirm_day\n"
    "p1\t-2\tNE\tRANO2.0\tn/a\n"
    "p1\t57\tPsP\tRANO2.0\t111\n"
    "p1\t111\tSD\tRANO2.0\tn/a\n"
    "p2\t58\tPD\tRANO2.0\tn/a\n"
    "p2\t112\tPD\tRANO2.0\tn/a\n"
    "p3\t56\tSD\tRANO2.0\tn/a\n";

class Suspicions : public TrialSite {
 protected:
  Suspicions() {
    plan_ = TrialPlan(Changed(TrialToml(), "[[block]]\nname = \"mgmt_head\"",
                              "[[block]]\nname = \"pseudo\"\nkind = \"head\"\ntarget = \"pseudo-progression\"\n"
                              "within_days = 120\n[[block]]\nname = \"mgmt_head\""));
    Rate(kRatedScans);
  }
  void Rate(std::string_view rows) { folder_.Write("phenotype/response.tsv", rows); }
};

TEST_F(Suspicions, AreTheFirstScanRatedAsProgressionOrNoneAndWhatSettledIt) {
  const CohortReading reading = Read();
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
  const Suspicion& pseudo = SampleOf(reading, "p1").suspicion.value();
  EXPECT_EQ(pseudo.day, 57.0);
  EXPECT_EQ(pseudo.pseudo, true);
  const Suspicion& progression = SampleOf(reading, "p2").suspicion.value();
  EXPECT_EQ(progression.day, 58.0);
  EXPECT_EQ(progression.pseudo, false);
  EXPECT_FALSE(SampleOf(reading, "p3").suspicion.has_value());
  EXPECT_EQ(reading.summary.patients_per_block.at("pseudo"), 2u);
}

TEST_F(Suspicions, WithoutConfirmationTeachNothing) {
  Rate(Changed(kRatedScans, "PsP\tRANO2.0\t111", "PsP\tRANO2.0\tn/a"));
  EXPECT_FALSE(SampleOf(Read(), "p1").suspicion.value().pseudo.has_value());
  EXPECT_EQ(Read().summary.patients_per_block.at("pseudo"), 1u);
  Rate(Changed(kRatedScans, "p2\t112\tPD", "p2\t112\tSD"));
  EXPECT_FALSE(SampleOf(Read(), "p2").suspicion.value().pseudo.has_value());
  Rate(Changed(kRatedScans, "p2\t112\tPD", "p2\t80\tPD"));  // too soon after it
  EXPECT_FALSE(SampleOf(Read(), "p2").suspicion.value().pseudo.has_value());
}

TEST_F(Suspicions, AProgressionFromWeekTwelveOnOrWithItsDayIsOne) {
  Rate(Changed(Changed(kRatedScans, "p2\t58\tPD", "p2\t84\tPD"), "p2\t112\tPD", "p2\t100\tSD"));
  EXPECT_EQ(SampleOf(Read(), "p2").suspicion.value().pseudo, false);
  Rate(Changed(Changed(kRatedScans, "PD\tRANO2.0\tn/a", "PD\tRANO2.0\t70"), "p2\t112\tPD", "p2\t112\tSD"));
  EXPECT_EQ(SampleOf(Read(), "p2").suspicion.value().pseudo, false);
}

TEST_F(Suspicions, AreLookedForAfterDayZeroAndUpToThePlansDay) {
  Rate(Changed(kRatedScans, "p2\t58\tPD", "p2\t0\tPD"));
  EXPECT_EQ(SampleOf(Read(), "p2").suspicion.value().day, 112.0);
  Rate(Changed(Changed(kRatedScans, "p2\t58\tPD", "p2\t58\tSD"), "p2\t112\tPD", "p2\t121\tPD"));
  EXPECT_FALSE(SampleOf(Read(), "p2").suspicion.has_value());
}

TEST_F(Suspicions, AreReadForPredictionToo) {
  const auto reading = ReadCohort(plan_, folder_.path(), {.without_outcome = true});
  ASSERT_TRUE(reading.ok()) << reading.error().message;
  EXPECT_EQ(SampleOf(*reading, "p1").suspicion.value().day, 57.0);
}

TEST_F(Suspicions, ChangeTheCohortsDigest) {
  const Digest before = Read().summary.digest;
  Rate(Changed(kRatedScans, "p3\t56\tSD", "p3\t56\tPR"));
  EXPECT_NE(Read().summary.digest, before);
}

struct BadRating {
  const char* from;
  const char* to;
  const char* wanted;
};

class EachBadRating : public Suspicions, public ::testing::WithParamInterface<BadRating> {};

TEST_P(EachBadRating, SpoilsTheHeadAlone) {
  Rate(Changed(kRatedScans, GetParam().from, GetParam().to));
  const CohortReading reading = Read();
  EXPECT_THAT(OnlyError(reading).ToString(), HasSubstr(GetParam().wanted));
  EXPECT_EQ(reading.cohort.samples.size(), 3u);
  EXPECT_FALSE(SampleOf(reading, "p1").suspicion.has_value());
  EXPECT_EQ(reading.left_out_of.at("pseudo"), 1u);
  EXPECT_EQ(reading.summary.patients_per_block.at("pseudo"), 1u);
  EXPECT_EQ(reading.summary.patients_per_block.at("survival"), 3u);
}

INSTANTIATE_TEST_SUITE_P(
    Suspicions, EachBadRating,
    ::testing::Values(
        BadRating{"57\tPsP", "57\tpseudo",
                  "phenotype/response.tsv:3:3: rano: unknown rating, got \"pseudo\", wanted CR, PR, SD, PD, PsP, NE"},
        BadRating{"57\tPsP", "week 8\tPsP", "phenotype/response.tsv:3:2: scan_day:"},
        BadRating{"57\tPsP", "n/a\tPsP", "a rated scan without its day"},
        BadRating{"PsP\tRANO2.0\t111", "PsP\tRANO2.0\t56", "confirm_day: confirmed before the scan, got \"56\""},
        BadRating{"p1\t111\tSD", "p1\t57\tSD", "this patient has another row of this day"}));

TEST_F(Suspicions, ATableThatIsNotThereIsAClearError) {
  std::filesystem::remove(folder_.path() / "phenotype/response.tsv");
  const auto missing = ReadCohort(plan_, folder_.path());
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("phenotype/response.tsv"));
  EXPECT_THAT(missing.error().message, HasSubstr("isn't there: head \"pseudo\" of the plan predicts from its ratings"));
  Rate("participant_id\tscan_day\trano\n");
  const auto column = ReadCohort(plan_, folder_.path());
  ASSERT_FALSE(column.ok());
  EXPECT_THAT(column.error().message, HasSubstr("confirm_day"));
  Rate("participant_id\tscan_day\trano\tconfirm_day\n");  // nobody was rated
  const CohortReading reading = Read();
  EXPECT_EQ(reading.summary.patients_per_block.at("pseudo"), 0u);
}

}  // namespace
}  // namespace fedtrial::site
