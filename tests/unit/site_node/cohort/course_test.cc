#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trial_folder.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;

class Courses : public TrialSite {};

TEST_F(Courses, AreReadWithRecurrenceDeathAndLastNegativeScan) {
  const CohortReading reading = Read();
  const Course& first = SampleOf(reading, "p1").course.value();
  EXPECT_EQ(first.last_negative_day, 56.0);
  EXPECT_EQ(first.recurrence_day, 112.0);
  EXPECT_EQ(first.last_day, 300.0);
  EXPECT_TRUE(first.died);
  const Course& second = SampleOf(reading, "p2").course.value();
  EXPECT_FALSE(second.recurrence_day.has_value());
  EXPECT_FALSE(second.died);
  EXPECT_EQ(SampleOf(reading, "p3").course.value().last_negative_day, 0.0);  // dead before the first scan
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
}

TEST_F(Courses, TakeAScanBeforeDayZeroAsDayZero) {
  folder_.Write("phenotype/outcome.tsv", Changed(kTrialOutcome, "p1\t300\t1\t56", "p1\t300\t1\t-10"));
  EXPECT_EQ(SampleOf(Read(), "p1").course.value().last_negative_day, 0.0);
}

struct BadCourse {
  const char* from;
  const char* to;
  const char* wanted;
};

class EachBadCourse : public TrialSite, public ::testing::WithParamInterface<BadCourse> {};

// The patient stays in the cohort for what his other tables say, but has no course.
TEST_P(EachBadCourse, SpoilsTheEndpointAlone) {
  folder_.Write("phenotype/outcome.tsv", Changed(kTrialOutcome, GetParam().from, GetParam().to));
  const CohortReading reading = Read();
  EXPECT_THAT(OnlyError(reading).ToString(), HasSubstr(GetParam().wanted));
  EXPECT_EQ(reading.cohort.samples.size(), 3u);
  EXPECT_EQ(reading.left_out_of.at("endpoint.course"), 1u);
  EXPECT_EQ(reading.summary.patients_per_block.at("survival"), 2u);
}

INSTANTIATE_TEST_SUITE_P(
    Courses, EachBadCourse,
    ::testing::Values(
        BadCourse{"p1\t300\t1\t56\t112", "p1\t300\t1\t56\t301",
                  "phenotype/outcome.tsv:2:5: rec_day: a recurrence after the death (day 300), got \"301\""},
        BadCourse{"p2\t400\t0\t392\tn/a\t0", "p2\t400\t0\t392\t401\t1",
                  "a recurrence after the last contact (day 400)"},
        BadCourse{"p1\t300\t1\t56\t112", "p1\t300\t1\t112\t112",
                  "a recurrence that isn't after the last scan without one (day 112)"},
        BadCourse{"p1\t300\t1\t56\t112", "p1\t300\t1\tn/a\t0", "a recurrence that isn't after the last scan"},
        BadCourse{"p2\t400\t0\t392", "p2\t400\t0\t410", ":3:4: rec_last_neg_day: a scan after the last contact"},
        BadCourse{"112\t1\tdisease", "n/a\t1\tdisease", "rec_day: a recurrence without its day"},
        BadCourse{"112\t1\tdisease", "112\t0\tdisease", "rec_event: no recurrence, but a day of one"},
        BadCourse{"112\t1\tdisease", "112\t2\tdisease", "rec_event: not an event indicator, got \"2\""},
        BadCourse{"p1\t300\t1\t56\t112", "p1\t300\t1\t56\tearly", "rec_day: not a number, got \"early\""},
        BadCourse{"n/a\t0\tn/a\t500", "n/a\t0\tdisease\t500", "a cause of death of a patient who is said to live"},
        BadCourse{"0\tn/a\t500", "0\tn/a\t399", "os_day: a day after the data cut (day 399)"}));

TEST_F(Courses, OneWithoutAWordOfRecurrenceIsLeftOutOfTheEndpointWithAWarning) {
  folder_.Write("phenotype/outcome.tsv", Changed(kTrialOutcome, "112\t1\tdisease", "n/a\tn/a\tdisease"));
  const CohortReading reading = Read();
  EXPECT_FALSE(SampleOf(reading, "p1").course.has_value());
  EXPECT_FALSE(HasErrors(reading));
  EXPECT_THAT(FindingsText(reading), HasSubstr("it isn't known whether this patient had a recurrence"));
}

TEST_F(Courses, AreNotReadForPrediction) {
  CohortOptions options;
  options.without_outcome = true;
  EXPECT_FALSE(SampleOf(Read(options), "p1").course.has_value());
}

TEST_F(Courses, WarnOfALandmarkWithNobodyAtRisk) {
  plan_.endpoints[0].landmarks = {0, 56, 400};
  EXPECT_THAT(FindingsText(Read()), HasSubstr("course: nobody is at risk at the landmark of day 400: this site "
                                              "contributes nothing to it"));
}

class Dates : public TrialSite {
 protected:
  Dates() {
    plan_.cohort.day_zero_column = "rt.rt_start_date";
    folder_.Write("phenotype/rt.tsv",
                  "participant_id\trt_start_date\np1\t2024-02-28\np2\t2023-12-31T09:30:00\np3\tn/a\n");
  }
};

TEST_F(Dates, BecomeDaysFromTheFirstFraction) {
  std::string outcome = Changed(kTrialOutcome, "p1\t300\t1\t56\t112", "p1\t2024-12-24\t1\t2024-03-01\t112");
  folder_.Write("phenotype/outcome.tsv", outcome);
  folder_.Write("phenotype/cytokine.tsv", Changed(kCytokines, "p2\t57", "p2\t2024-02-26"));
  const CohortReading reading = Read();
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
  EXPECT_EQ(SampleOf(reading, "p1").time_days, 300.0);  // 2024 is a leap year
  EXPECT_EQ(SampleOf(reading, "p1").course.value().last_negative_day, 2.0);
  EXPECT_EQ(SampleOf(reading, "p2").panel_visits[1].day, 57.0);
}

TEST_F(Dates, ThatDoNotExistOrHaveNoDayZeroAreErrors) {
  folder_.Write("phenotype/cytokine.tsv", Changed(kCytokines, "p2\t57", "p2\t2024-02-30"));
  EXPECT_THAT(OnlyError(Read()).ToString(), HasSubstr("neither a number of days nor a date, got \"2024-02-30\""));
  folder_.Write("phenotype/cytokine.tsv", kCytokines);
  folder_.Write("phenotype/immune.tsv", Changed(kImmune, "p3\t10", "p3\t2024-05-01"));
  EXPECT_THAT(OnlyError(Read()).ToString(), HasSubstr("a date of a patient whose date of day 0 isn't known"));
  folder_.Write("phenotype/immune.tsv", kImmune);
  folder_.Write("phenotype/rt.tsv", "participant_id\trt_start_date\np1\t28.2.2024\n");
  EXPECT_THAT(OnlyError(Read()).ToString(), HasSubstr("phenotype/rt.tsv:2:2: rt_start_date: not a date"));
}

class Sites : public TrialSite {};

TEST_F(Sites, APatientOfAnotherSiteIsLeftOut) {
  folder_.Write("participants.tsv", Changed(kTrialParticipants, "p2\tA", "p2\tB"));
  const CohortReading reading = Read();
  EXPECT_EQ(reading.cohort.samples.size(), 2u);
  EXPECT_EQ(reading.left_out, 1u);
  EXPECT_THAT(OnlyError(reading).ToString(),
              HasSubstr("participants.tsv:3:2: site: a patient of another site, got \"B\", wanted A"));
}

}  // namespace
}  // namespace fedtrial::site
