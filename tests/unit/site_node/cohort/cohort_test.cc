#include "site_node/cohort/cohort.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "site_folder.h"

namespace fedtrial::site {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CohortTest : public ::testing::Test {
 protected:
  CohortTest() { WriteSmallSite(folder_); }

  CohortReading Read(const CohortOptions& options = {}) const {
    auto reading = ReadCohort(plan_, folder_.path(), options);
    EXPECT_TRUE(reading.ok()) << (reading.ok() ? "" : reading.error().message);
    return reading.ok() ? *reading : CohortReading{};
  }
  std::string ErrorOf(const CohortOptions& options = {}) const {
    const auto reading = ReadCohort(plan_, folder_.path(), options);
    EXPECT_FALSE(reading.ok());
    if (reading.ok()) return "";
    EXPECT_EQ(reading.error().code, ErrorCode::kInvalidInput);
    return reading.error().message;
  }
  // The only error of the reading.
  Finding OnlyError(const CohortReading& reading) const {
    std::vector<Finding> errors;
    for (const Finding& finding : reading.findings)
      if (finding.severity == Severity::kError) errors.push_back(finding);
    EXPECT_EQ(errors.size(), 1u) << FindingsText(reading);
    return errors.empty() ? Finding{} : errors.front();
  }
  std::vector<std::string> Keys(const CohortReading& reading) const {
    std::vector<std::string> keys;
    for (const Sample& sample : reading.cohort.samples) keys.push_back(sample.key);
    return keys;
  }

  Plan plan_ = SmallPlan();
  SiteFolder folder_;
};

TEST_F(CohortTest, ReadsNumbersLevelsTransformsAndMissingValues) {
  const CohortReading reading = Read();
  ASSERT_EQ(reading.cohort.samples.size(), 3u);
  EXPECT_THAT(reading.cohort.feature_names, ElementsAre("age", "sex", "crp"));
  const Sample& second = reading.cohort.samples[1];
  EXPECT_EQ(second.key, "p2");
  EXPECT_EQ(second.features[0], 60.5);
  EXPECT_EQ(second.features[1], 0.0);
  EXPECT_DOUBLE_EQ(second.features[2], std::log(10.0));
  EXPECT_EQ(second.time_days, 300.0);
  EXPECT_FALSE(second.event);
  EXPECT_TRUE(std::isnan(reading.cohort.samples[2].features[0]));
  EXPECT_TRUE(std::isnan(reading.cohort.samples[2].features[2]));  // not in labs.tsv
  EXPECT_FALSE(HasErrors(reading));
}

TEST_F(CohortTest, CountsPatientsEventsAndThoseWithAValue) {
  const CohortSummary summary = Read().summary;
  EXPECT_EQ(summary.patients, 3u);
  EXPECT_EQ(summary.events, 2u);
  EXPECT_EQ(summary.patients_per_block.at("feature_age"), 2u);
  EXPECT_EQ(summary.patients_per_block.at("feature_crp"), 2u);
  EXPECT_EQ(summary.patients_per_block.at("risk"), 3u);
  EXPECT_FALSE(summary.patients_per_block.contains("test"));
}

TEST_F(CohortTest, NoPatientIsOfABlockThatNobodyHasAValueOf) {
  plan_.blocks.push_back({.name = "labs", .kind = BlockKind::kLinear, .features = {2}});
  folder_.Write("phenotype/labs.tsv", "participant_id\tcrp\np1\tn/a\n");
  const CohortSummary summary = Read().summary;
  EXPECT_EQ(summary.patients_per_block.at("labs"), 0u);
  EXPECT_EQ(summary.patients_per_block.at("risk"), 3u);
}

TEST_F(CohortTest, DigestChangesWithAnyByteOfTheTablesAndWithThePlan) {
  const Digest before = Read().summary.digest;
  EXPECT_EQ(Read().summary.digest, before);
  folder_.Write("phenotype/labs.tsv", std::string(kLabs) + "p3\t1\n");
  const Digest changed = Read().summary.digest;
  EXPECT_NE(changed, before);
  plan_.hash[0] = 1;
  EXPECT_NE(Read().summary.digest, changed);
}

TEST_F(CohortTest, TellsAMalformedNumberWithFileLineColumnValueAndWhatIsWanted) {
  folder_.Write("participants.tsv", "participant_id\tage_y\tsex\np1\t50\tM\np2\t60,5\tF\np3\tn/a\tF\n");
  const CohortReading reading = Read();
  const Finding error = OnlyError(reading);
  EXPECT_EQ(error.file, "participants.tsv");
  EXPECT_EQ(error.line, 3u);
  EXPECT_EQ(error.column, 2u);
  EXPECT_EQ(error.name, "age_y");
  EXPECT_EQ(error.value, "60,5");
  EXPECT_THAT(error.wanted, HasSubstr("a number"));
  EXPECT_EQ(error.ToString(),
            "participants.tsv:3:2: age_y: not a number, got \"60,5\", wanted a number with a decimal point, or n/a "
            "(error)");
  EXPECT_THAT(Keys(reading), ElementsAre("p1", "p3"));
  EXPECT_EQ(reading.left_out, 1u);
  EXPECT_TRUE(HasErrors(reading));
}

TEST_F(CohortTest, RefusesInfiniteNanHexAndTrailingTextAsNumbers) {
  for (const char* bad : {"inf", "nan", "0x10", "50y", "1e999", "-", "+5", "NA"}) {
    folder_.Write("participants.tsv",
                  "participant_id\tage_y\tsex\np1\t" + std::string(bad) + "\tM\np2\t60\tF\np3\tn/a\tF\n");
    const CohortReading reading = Read();
    EXPECT_THAT(Keys(reading), ElementsAre("p2", "p3")) << bad;
    EXPECT_EQ(OnlyError(reading).value, bad);
  }
}

TEST_F(CohortTest, LeavesOutBadTimesAndEvents) {
  folder_.Write("phenotype/outcome.tsv", "participant_id\tos_day\tos_event\np1\t-1\t1\np2\tnan\t0\np3\t10\t2\n");
  const CohortReading reading = Read();
  EXPECT_TRUE(reading.cohort.samples.empty());
  EXPECT_EQ(reading.left_out, 3u);
  const std::string text = FindingsText(reading);
  EXPECT_THAT(text, HasSubstr("phenotype/outcome.tsv:2:2: os_day: a time before day 0, got \"-1\""));
  EXPECT_THAT(text, HasSubstr("phenotype/outcome.tsv:3:2: os_day: not a number, got \"nan\""));
  EXPECT_THAT(text, HasSubstr("phenotype/outcome.tsv:4:3: os_event: not an event indicator, got \"2\", wanted 0 or 1"));
}

TEST_F(CohortTest, LeavesOutAnUnknownLevel) {
  folder_.Write("participants.tsv", "participant_id\tage_y\tsex\np1\t50\tmale\np2\t60\tF\np3\tn/a\tF\n");
  const Finding error = OnlyError(Read());
  EXPECT_EQ(error.value, "male");
  EXPECT_EQ(error.wanted, "F, M or n/a");
}

TEST_F(CohortTest, LeavesOutAPatientWhoStandsTwiceInATable) {
  folder_.Write("phenotype/labs.tsv", "participant_id\tcrp\np1\t0\np2\t9\np1\t3\n");
  const CohortReading reading = Read();
  EXPECT_THAT(Keys(reading), ElementsAre("p2", "p3"));
  const Finding error = OnlyError(reading);
  EXPECT_EQ(error.line, 4u);
  EXPECT_THAT(error.message, HasSubstr("line 2"));
  EXPECT_EQ(reading.rows, 3u);
  EXPECT_EQ(reading.left_out, 1u);
}

TEST_F(CohortTest, LeavesOutARaggedRow) {
  folder_.Write("participants.tsv", "participant_id\tage_y\tsex\np1\t50\nP2\t60\tF\textra\np3\t40\tM\n");
  const CohortReading reading = Read();
  EXPECT_THAT(Keys(reading), ElementsAre("p3"));
  const std::string text = FindingsText(reading);
  EXPECT_THAT(text, HasSubstr("participants.tsv:2:3: the row has 2 fields, wanted 3 as in the header"));
  EXPECT_THAT(text, HasSubstr("participants.tsv:3:4: the row has 4 fields"));
  EXPECT_EQ(reading.left_out, 2u);
}

TEST_F(CohortTest, WarnsOfPatientsInOneTableOnly) {
  folder_.Write("phenotype/outcome.tsv", "participant_id\tos_day\tos_event\np1\t120\t1\np9\t300\t0\np3\tn/a\tn/a\n");
  const CohortReading reading = Read();
  EXPECT_THAT(Keys(reading), ElementsAre("p1"));
  EXPECT_EQ(reading.no_outcome, 2u);
  EXPECT_FALSE(HasErrors(reading));
  const std::string text = FindingsText(reading);
  EXPECT_THAT(text, HasSubstr("phenotype/outcome.tsv:3:1: participant_id: this patient is not in participants.tsv"));
  EXPECT_THAT(text, HasSubstr("phenotype/outcome.tsv: os_day: this patient has no outcome, got \"p2\""));
}

TEST_F(CohortTest, ToleratesWindowsLinesAByteOrderMarkSpacesAndAMissingLastNewline) {
  folder_.Write("participants.tsv",
                "\xef\xbb\xbfparticipant_id\tage_y\tsex\r\n p1 \t 50\tM \r\np2\t60.5\tF\r\n\r\np3\tn/a\tF");
  const CohortReading reading = Read();
  EXPECT_THAT(Keys(reading), ElementsAre("p1", "p2", "p3"));
  EXPECT_TRUE(reading.findings.empty()) << FindingsText(reading);
}

TEST_F(CohortTest, ReadsEmptyFieldsAsMissingAndSaysSo) {
  folder_.Write("participants.tsv", "participant_id\tage_y\tsex\np1\t\tM\np2\t\tF\np3\t1\tF\n");
  const CohortReading reading = Read();
  EXPECT_EQ(reading.cohort.samples.size(), 3u);
  EXPECT_THAT(FindingsText(reading), HasSubstr("age_y: 2 empty fields are read as missing, wanted n/a (warning)"));
}

TEST_F(CohortTest, ClipsToTheRangeAndCountsIt) {
  folder_.Write("participants.tsv", "participant_id\tage_y\tsex\np1\t150\tM\np2\t-3\tF\np3\t120\tF\n");
  const CohortReading reading = Read();
  EXPECT_EQ(reading.cohort.samples[0].features[0], 120.0);
  EXPECT_EQ(reading.cohort.samples[1].features[0], 0.0);
  EXPECT_EQ(reading.clipped.at("age"), 2u);
  EXPECT_EQ(reading.left_out, 0u);
}

TEST_F(CohortTest, RefusesWhatHasNoLogarithm) {
  folder_.Write("phenotype/labs.tsv", "participant_id\tcrp\np1\t-1\np2\t9\n");
  EXPECT_EQ(OnlyError(Read()).value, "-1");
}

TEST_F(CohortTest, NamesEveryTableAndColumnThatCannotBeUsed) {
  folder_.Write("participants.tsv", "participant_id\tage\tsex\np1\t50\tM\n");
  folder_.Write("phenotype/outcome.tsv", "");
  std::filesystem::remove(folder_.path() / "phenotype/labs.tsv");
  const std::string error = ErrorOf();
  EXPECT_THAT(error, HasSubstr("participants.tsv:1: age_y: the plan wants this column (participants.age_y)"));
  EXPECT_THAT(error, HasSubstr("phenotype/outcome.tsv: the file is empty: there is no header"));
  EXPECT_THAT(error, HasSubstr("phenotype/labs.tsv: there is no such file"));
}

TEST_F(CohortTest, RefusesATableThatIsNotUtf8) {
  for (const char* bad : {"\xfc", "\xc3(", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe0\x80\x80"}) {
    folder_.Write("participants.tsv", "participant_id\tage_y\tsex\np1\tM" + std::string(bad) + "\t1\n");
    EXPECT_THAT(ErrorOf(), HasSubstr("participants.tsv:2:2: byte 0x")) << bad;
  }
  folder_.Write("participants.tsv", std::string("p\0a\n", 4));
  EXPECT_THAT(ErrorOf(), HasSubstr("byte 0x00 is not UTF-8"));
}

TEST_F(CohortTest, TakesUtf8InAnyLength) {
  folder_.Write("participants.tsv",
                "participant_id\tage_y\tsex\tremark\np1\t50\tM\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n");
  EXPECT_EQ(Read().cohort.samples.size(), 1u);
}

TEST_F(CohortTest, RefusesATableThatIsTooLargeOrAColumnTwice) {
  CohortOptions options;
  options.max_table_bytes = 30;
  EXPECT_THAT(ErrorOf(options), HasSubstr("participants.tsv: too large"));
  folder_.Write("participants.tsv", "participant_id\tage_y\tsex\tage_y\np1\t50\tM\t50\n");
  EXPECT_THAT(ErrorOf(), HasSubstr("participants.tsv:1: age_y: the header names this column twice"));
  folder_.Write("participants.tsv", "id\tage_y\tsex\np1\t50\tM\n");
  EXPECT_THAT(ErrorOf(), HasSubstr("participants.tsv:1: participant_id: no such column"));
}

TEST_F(CohortTest, RefusesAFolderThatIsNotThere) {
  const auto reading = ReadCohort(plan_, folder_.path() / "nowhere");
  ASSERT_FALSE(reading.ok());
  EXPECT_THAT(reading.error().message, HasSubstr("participants.tsv: there is no such file"));
}

TEST_F(CohortTest, AnEmptySiteIsNoErrorAndSaysThatItContributesNothing) {
  folder_.Write("participants.tsv", "participant_id\tage_y\tsex\n");
  const CohortReading reading = Read();
  EXPECT_EQ(reading.summary.patients, 0u);
  EXPECT_FALSE(HasErrors(reading));
  EXPECT_THAT(FindingsText(reading), HasSubstr("no patient is in the cohort"));
}

TEST_F(CohortTest, WarnsOfASiteWithoutAnyEvent) {
  folder_.Write("phenotype/outcome.tsv", "participant_id\tos_day\tos_event\np1\t1\t0\np2\t2\t0\np3\t3\t0\n");
  EXPECT_THAT(FindingsText(Read()), HasSubstr("none of the 3 patients has the event (warning)"));
}

TEST_F(CohortTest, KeepsOnlyPatientsOfTheFilter) {
  plan_.cohort.filter = {{"participants.sex", {"F"}}};
  const CohortReading reading = Read();
  EXPECT_THAT(Keys(reading), ElementsAre("p2", "p3"));
  EXPECT_EQ(reading.filtered, 1u);
}

TEST_F(CohortTest, FindsColumnsByThisHospitalsNames) {
  folder_.Write("participants.tsv", "pid\tALTER\tsex\np1\t50\tM\np2\t60\tF\np3\t70\tF\n");
  CohortOptions options;
  options.columns = {{"participants.age_y", "participants.ALTER"}, {"participants.participant_id", "participants.pid"}};
  EXPECT_EQ(Read(options).cohort.samples[2].features[0], 70.0);
  options.columns["labs.crp"] = "../../labs.crp";
  EXPECT_THAT(ErrorOf(options), HasSubstr("is no column"));
}

TEST_F(CohortTest, ConvertsFromTheUnitOfTheDictionary) {
  const Digest before = Read().summary.digest;
  folder_.Write("phenotype/labs.json", R"({"crp": {"Description": "C-reactive protein", "Units": "mg/L"}, "x": 3})");
  EXPECT_EQ(Read().summary.digest, before);
  folder_.Write("phenotype/labs.json", R"({"crp": {"Units": "mg/dL"}})");
  const CohortReading reading = Read();
  EXPECT_DOUBLE_EQ(reading.cohort.samples[1].features[2], std::log(91.0));
  EXPECT_NE(reading.summary.digest, before);
}

TEST_F(CohortTest, RefusesADictionaryWithAnotherKindOfUnitOrWithoutColumns) {
  folder_.Write("phenotype/labs.json", R"({"crp": {"Units": "cells/uL"}})");
  EXPECT_THAT(ErrorOf(), HasSubstr("phenotype/labs.json: crp: its unit \"cells/uL\" can't be converted to the plan's, "
                                   "\"mg/L\""));
  folder_.Write("phenotype/labs.json", "{\"crp\": {\"Units\": ");
  EXPECT_THAT(ErrorOf(), HasSubstr("phenotype/labs.json: isn't a dictionary"));
}

TEST_F(CohortTest, TakesThePublishedSplitAndLeavesTestRowsOutOfTheCounts) {
  plan_.split_column = "split.part";
  folder_.Write("phenotype/split.tsv", "participant_id\tpart\np1\ttrain\np2\ttest\np3\tvalidate\n");
  const CohortReading reading = Read();
  EXPECT_THAT(Keys(reading), ElementsAre("p1", "p2"));
  EXPECT_TRUE(reading.cohort.samples[1].holds_out);
  EXPECT_EQ(reading.summary.patients, 1u);
  EXPECT_EQ(reading.summary.patients_per_block.at("test"), 1u);
  EXPECT_EQ(OnlyError(reading).wanted, "train or test");
}

TEST_F(CohortTest, TakesTheSitesOwnFoldsAndRefusesOthers) {
  plan_.folds = {.repeats = 2, .folds = 5, .column = "folds.repeat{}"};
  folder_.Write("phenotype/folds.tsv", "participant_id\trepeat1\trepeat2\np1\t5\t1\np2\t6\t1\np3\t1\t1.5\n");
  const CohortReading reading = Read();
  EXPECT_THAT(Keys(reading), ElementsAre("p1"));
  EXPECT_THAT(reading.cohort.samples[0].folds, ElementsAre(5, 1));
  EXPECT_THAT(FindingsText(reading), HasSubstr("phenotype/folds.tsv:3:2: repeat1: no fold of the plan, got \"6\""));
  folder_.Write("phenotype/folds.tsv", "participant_id\trepeat1\np1\t5\n");
  EXPECT_THAT(ErrorOf(), HasSubstr("phenotype/folds.tsv:1: repeat2"));
}

TEST_F(CohortTest, ASiteBelowTheMinimumNeedsNoFolds) {
  plan_.folds = {.repeats = 2, .folds = 5, .column = "folds.repeat{}"};
  plan_.cohort.min_patients = 1000;
  EXPECT_GT(Read().summary.patients, 0u);
  plan_.cohort.min_patients = 1;
  EXPECT_THAT(ErrorOf(), HasSubstr("phenotype/folds.tsv: there is no such file"));
}

TEST_F(CohortTest, ReadsPatientsWithoutAnOutcomeForPrediction) {
  std::filesystem::remove(folder_.path() / "phenotype/outcome.tsv");
  CohortOptions options;
  options.without_outcome = true;
  plan_.folds = {.repeats = 2, .folds = 5, .column = "folds.repeat{}"};
  const CohortReading reading = Read(options);
  EXPECT_THAT(Keys(reading), ElementsAre("p1", "p2", "p3"));
  EXPECT_TRUE(reading.findings.empty());
}

TEST_F(CohortTest, BoundsTheNumberOfFindings) {
  std::string rows = "participant_id\tage_y\tsex\n";
  for (int i = 0; i < 2000; ++i) rows += "q" + std::to_string(i) + "\tx\tM\n";
  std::string outcome = "participant_id\tos_day\tos_event\n";
  for (int i = 0; i < 2000; ++i) outcome += "q" + std::to_string(i) + "\t1\t1\n";
  folder_.Write("participants.tsv", rows);
  folder_.Write("phenotype/outcome.tsv", outcome);
  const CohortReading reading = Read();
  const auto errors = [](const Finding& finding) { return finding.severity == Severity::kError; };
  EXPECT_EQ(std::ranges::count_if(reading.findings, errors), static_cast<std::ptrdiff_t>(kMaxFindings));
  EXPECT_LE(reading.findings.size(), 3 * kMaxFindings);
  EXPECT_GE(reading.more_findings, 1500u);
  EXPECT_EQ(reading.left_out, 2000u);
  EXPECT_TRUE(HasErrors(reading));
}

// Whatever a table holds, the reading is a cohort that fits the plan or an error in words.
RC_GTEST_FIXTURE_PROP(CohortTest, AnyBytesGiveACohortOrAnError, ()) {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(
      rc::gen::elementOf(std::vector<std::string>{"\t",
                                                  "\n",
                                                  "\r\n",
                                                  "p1",
                                                  "p2",
                                                  "participant_id\tage_y\tsex\n",
                                                  "participant_id",
                                                  "age_y",
                                                  "sex",
                                                  "M",
                                                  "n/a",
                                                  "7",
                                                  "-1e308",
                                                  "1e-320",
                                                  ".",
                                                  " ",
                                                  "\"",
                                                  std::string(1, '\0'),
                                                  "\xff",
                                                  "\xc3\xa4",
                                                  "\xf0\x9f"}));
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  folder_.Write("participants.tsv", text);
  const auto reading = ReadCohort(plan_, folder_.path());
  if (!reading.ok()) {
    RC_ASSERT(reading.error().code == ErrorCode::kInvalidInput);
    RC_ASSERT(!reading.error().message.empty());
    return;
  }
  for (const Sample& sample : reading->cohort.samples) {
    RC_ASSERT(sample.features.size() == plan_.features.size());
    for (const double value : sample.features) RC_ASSERT(!std::isinf(value));
  }
  RC_ASSERT(reading->rows == reading->cohort.samples.size() + reading->left_out + reading->no_outcome);
}

TEST_F(CohortTest, ReadsTenThousandPatientsOfFiftyColumnsInSeconds) {
  std::string rows = "participant_id\tsex";
  plan_.features.clear();
  for (int j = 0; j < 50; ++j) {
    const std::string name = "x" + std::to_string(j);
    rows += "\t" + name;
    plan_.features.push_back(
        {.name = name, .from = "participants." + name, .unit = "", .low = -1e6, .high = 1e6, .levels = {}});
  }
  std::string outcome = "participant_id\tos_day\tos_event\n";
  for (int i = 0; i < 10'000; ++i) {
    rows += "\nq" + std::to_string(i) + "\tM";
    for (int j = 0; j < 50; ++j) rows += "\t" + std::to_string(i * 0.37 + j);
    outcome += "q" + std::to_string(i) + "\t" + std::to_string(i % 900) + "\t1\n";
  }
  folder_.Write("participants.tsv", rows);
  folder_.Write("phenotype/outcome.tsv", outcome);
  const auto begin = std::chrono::steady_clock::now();
  const CohortReading reading = Read();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(reading.cohort.samples.size(), 10'000u);
  RecordProperty("seconds", std::to_string(seconds.count()));
}

}  // namespace
}  // namespace fedtrial::site
