#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>
#include <rapidcheck/gtest.h>

#include "trial_folder.h"

namespace fedtrial::site {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Panels : public TrialSite {};

TEST_F(Panels, AreVisitsInThePlansUnitByPanelDayAndAnalyte) {
  const CohortReading reading = Read();
  ASSERT_EQ(reading.cohort.panels.size(), 2u);
  EXPECT_EQ(reading.cohort.panels[0].name, "cytokines");
  EXPECT_THAT(reading.cohort.panels[0].analytes, ElementsAre("il6", "tnf"));
  const Sample& first = SampleOf(reading, "p1");
  ASSERT_EQ(first.panel_visits.size(), 3u);
  const PanelVisit& baseline = first.panel_visits[0];
  EXPECT_EQ(baseline.panel, 0u);
  EXPECT_EQ(baseline.day, -3.0);
  ASSERT_EQ(baseline.values.size(), 2u);
  EXPECT_EQ(baseline.values[0].analyte, 0u);
  EXPECT_DOUBLE_EQ(baseline.values[0].value, std::log(10.0));
  EXPECT_DOUBLE_EQ(baseline.values[1].value, 20.0);  // 0.02 ng/mL
  EXPECT_EQ(first.panel_visits[1].day, 56.0);
  EXPECT_EQ(first.panel_visits[2].panel, 1u);
  EXPECT_DOUBLE_EQ(first.panel_visits[2].values[0].value, 300.0);  // 0.3 10^9/L
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
}

TEST_F(Panels, CarryTheFlagBelowDetection) {
  const CohortReading reading = Read();
  const PanelValue& low = SampleOf(reading, "p1").panel_visits[1].values[0];
  EXPECT_TRUE(low.below_detection);
  EXPECT_DOUBLE_EQ(low.value, std::log1p(0.5 / std::numbers::sqrt2));
  EXPECT_FALSE(SampleOf(reading, "p1").panel_visits[0].values[0].below_detection);
}

TEST_F(Panels, AFeaturesOwnValueIsTheLastOneUpToDayZero) {
  folder_.Write("phenotype/cytokine.tsv", Changed(kCytokines, "p1\t56\tW08", "p1\t-1\tscreening"));
  const CohortReading reading = Read();
  EXPECT_DOUBLE_EQ(SampleOf(reading, "p1").features[2], std::log1p(0.5 / std::numbers::sqrt2));
  EXPECT_EQ(SampleOf(reading, "p2").features[3], 12.0);
  EXPECT_TRUE(std::isnan(SampleOf(reading, "p3").features[4]));  // measured on day 10
}

TEST_F(Panels, CountPatientsPerBlockAndFeature) {
  const auto& counts = Read().summary.patients_per_block;
  EXPECT_EQ(counts.at("cytokines"), 2u);
  EXPECT_EQ(counts.at("immune"), 2u);
  EXPECT_EQ(counts.at("feature_cd8"), 2u);
  EXPECT_EQ(counts.at("clinical"), 3u);
  EXPECT_EQ(counts.at("methylation"), 2u);
  EXPECT_EQ(counts.at("mgmt_head"), 2u);
  EXPECT_EQ(counts.at("survival"), 3u);
  EXPECT_EQ(counts.at("mri"), 0u);
  EXPECT_EQ(counts.at("fusion"), 3u);
}

struct BadRow {
  const char* from;
  const char* to;
  const char* wanted;  // of the finding's text
};

class EachBadRow : public TrialSite, public ::testing::WithParamInterface<BadRow> {};

// One bad row: its patient has no cytokines, the others and his other tables stay.
TEST_P(EachBadRow, SpoilsItsPanelAlone) {
  folder_.Write("phenotype/cytokine.tsv", Changed(kCytokines, GetParam().from, GetParam().to));
  const CohortReading reading = Read();
  EXPECT_THAT(OnlyError(reading).ToString(), HasSubstr(GetParam().wanted));
  EXPECT_EQ(reading.cohort.samples.size(), 3u);
  EXPECT_EQ(reading.left_out, 0u);
  EXPECT_EQ(reading.left_out_of.at("cytokines"), 1u);
  EXPECT_EQ(reading.summary.patients_per_block.at("cytokines"), 1u);
  EXPECT_EQ(SampleOf(reading, "p1").panel_visits.size(), 1u);  // immune counts
  EXPECT_TRUE(std::isnan(SampleOf(reading, "p1").features[2]));
}

INSTANTIATE_TEST_SUITE_P(
    Panels, EachBadRow,
    ::testing::Values(
        BadRow{
            "\t9\tpg/mL", "\t9\tfurlong/mL",
            "phenotype/cytokine.tsv:2:7: unit: this unit can't be converted to the plan's, got \"furlong/mL\", wanted "
            "pg/mL, ng/L"},
        BadRow{"\t9\tpg/mL", "\t9\tcells/uL", ":2:7: unit: this unit can't be converted"},
        BadRow{"\t9\tpg/mL", "\t9\tn/a", ":2:7: unit: this unit can't be converted"},
        BadRow{"\t9\tpg/mL", "\thigh\tpg/mL", ":2:6: value: not a number, got \"high\""},
        BadRow{"\t9\tpg/mL", "\t<9\tpg/mL", "wanted a number; < and > stand in the column qualifier"},
        BadRow{"\t9\tpg/mL", "\t9,5\tpg/mL", "value: not a number, got \"9,5\""},
        BadRow{"\t9\tpg/mL", "\t-9\tpg/mL\t0.4\tn/a\tK1\tP1\np1\t-9\tBL\tserum\tIL-6\tx\tpg/mL", "not a number"},
        BadRow{"p1\t-3\tBL\tserum\tIL-6", "p1\tsoon\tBL\tserum\tIL-6", ":2:2: day: not a number, got \"soon\""},
        BadRow{"p1\t-3\tBL\tserum\tIL-6", "p1\t2024-03-17\tBL\tserum\tIL-6", "the plan names no column with the date"},
        BadRow{"p1\t-3\tBL\tserum\tIL-6", "p1\tn/a\tBL\tserum\tIL-6", ":2:2: day: not a number, got \"n/a\""},
        BadRow{"p1\t-3\tBL\tserum\tTNF", "p1\t-3\tBL\tplasma\tIL-6",
               ":3:5: analyte: this analyte of this day stands in line 2 too"},
        BadRow{"0.5\tn/a\tK1", "0.5\t~\tK1", ":2:9: qualifier: unknown qualifier, got \"~\", wanted <, > or n/a"},
        BadRow{"0.5\tn/a\tK1", "0\tn/a\tK1", ":2:8: lod_low: no detection limit, got \"0\""},
        BadRow{"\t9\tpg/mL\t0.5\tn/a", "\tn/a\tpg/mL\tn/a\t<", "below an unknown detection limit"},
        BadRow{"p1\t56\tW08", "p1\t301\tW08", ":4:2: day: a visit after the patient's death, got \"301\""},
        BadRow{"\tK1\tP1\n", "\tK1\n", ":2:11: the row has 10 fields, wanted 11"}));

TEST_F(Panels, AValueBelowItsLimitWithoutTheQualifierIsTakenAsSuchWithAWarning) {
  folder_.Write("phenotype/cytokine.tsv", Changed(kCytokines, "\t9\tpg/mL", "\t0.2\tpg/mL"));
  const CohortReading reading = Read();
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
  EXPECT_THAT(FindingsText(reading), HasSubstr("below the detection limit without the qualifier <"));
  EXPECT_TRUE(SampleOf(reading, "p1").panel_visits[0].values[0].below_detection);
}

TEST_F(Panels, WhatWasNotMeasuredIsNotThere) {
  folder_.Write("phenotype/cytokine.tsv", Changed(kCytokines, "\t9\tpg/mL", "\tn/a\tn/a"));
  const CohortReading reading = Read();
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
  ASSERT_EQ(SampleOf(reading, "p1").panel_visits[0].values.size(), 1u);
  EXPECT_EQ(SampleOf(reading, "p1").panel_visits[0].values[0].analyte, 1u);
}

TEST_F(Panels, AnAnalyteThatIsOnlyWrittenDifferentlyIsAnErrorAndOneOfNoPlanAWarning) {
  folder_.Write("phenotype/cytokine.tsv", Changed(Changed(kCytokines, "IL-6", "il6"), "TNF", "GM-CSF"));
  const CohortReading reading = Read();
  EXPECT_THAT(OnlyError(reading).ToString(),
              HasSubstr(":2:5: analyte: the plan doesn't name this analyte: 1 of its rows aren't read, got \"il6\", "
                        "wanted IL-6, or [columns] of site.toml maps it"));
  EXPECT_THAT(FindingsText(reading), HasSubstr("got \"GM-CSF\", wanted IL-6, TNF (warning)"));
  EXPECT_TRUE(reading.left_out_of.empty());
}

TEST_F(Panels, AreFoundByThisHospitalsNamesOfTableColumnAndAnalyte) {
  folder_.Write("phenotype/luminex.tsv",
                "pid\ttag\tmarker\twert\teinheit\np1\t-3\tInterleukin 6\t9\tpg/mL\np2\t0\tTNF\t1\tpg/mL\n");
  CohortOptions options;
  options.columns = {{"luminex.participant_id", "luminex.pid"}, {"cytokine.day", "luminex.tag"},
                     {"cytokine.analyte", "luminex.marker"},    {"cytokine.value", "luminex.wert"},
                     {"cytokine.unit", "luminex.einheit"},      {"cytokine[IL-6]", "cytokine[Interleukin 6]"}};
  const CohortReading reading = Read(options);
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
  EXPECT_DOUBLE_EQ(SampleOf(reading, "p1").features[2], std::log(10.0));
  EXPECT_EQ(reading.columns.at("cytokine.value"), "luminex.wert");
  EXPECT_EQ(reading.columns.at("cytokine[IL-6]"), "cytokine[Interleukin 6]");
}

TEST_F(Panels, AMissingColumnIsAnErrorOfTheTable) {
  folder_.Write("phenotype/cytokine.tsv", Changed(kCytokines, "\tunit\t", "\tunits\t"));
  folder_.Write("phenotype/immune.tsv", "participant_id\tday\tanalyte\tvalue\n");
  const std::string error = ErrorOf();
  EXPECT_THAT(error, HasSubstr("phenotype/cytokine.tsv:1: unit: the plan wants this column (cytokine.unit)"));
  EXPECT_THAT(error, HasSubstr("phenotype/immune.tsv:1: unit"));
}

TEST_F(Panels, OfASiteWithoutTheTableAreEmpty) {
  std::filesystem::remove(folder_.path() / "phenotype/immune.tsv");
  const CohortReading reading = Read();
  EXPECT_FALSE(HasErrors(reading));
  EXPECT_EQ(reading.summary.patients_per_block.at("immune"), 0u);
  EXPECT_THAT(FindingsText(reading), HasSubstr("phenotype/immune.tsv: there is no such table"));
}

TEST_F(Panels, ClipToTheRangeAndCountIt) {
  folder_.Write("phenotype/immune.tsv", Changed(kImmune, "250\tcells/uL", "9000\tcells/uL"));
  const CohortReading reading = Read();
  EXPECT_EQ(SampleOf(reading, "p3").panel_visits[0].values[0].value, 5000.0);
  EXPECT_EQ(reading.clipped.at("cd8"), 1u);
}

TEST_F(Panels, WarnOfPatientsWhomParticipantsDoesNotKnow) {
  folder_.Write("phenotype/immune.tsv", std::string(kImmune) + "p9\t0\tCD8\t1\tcells/uL\np9\t1\tCD8\tx\tcells/uL\n");
  const CohortReading reading = Read();
  EXPECT_FALSE(HasErrors(reading));
  EXPECT_EQ(Of(reading, Severity::kWarning).size(), 1u) << FindingsText(reading);
}

TEST_F(Panels, ChangeTheDigestWithAnyByte) {
  const Digest before = Read().summary.digest;
  EXPECT_EQ(Read().summary.digest, before);
  folder_.Write("phenotype/immune.tsv", Changed(kImmune, "250", "251"));
  EXPECT_NE(Read().summary.digest, before);
}

// The order of a long table's rows says nothing.
RC_GTEST_FIXTURE_PROP(Panels, AreTheSameWhateverTheOrderOfRows, ()) {
  std::vector<std::string> rows;
  const std::string text(kCytokines);
  std::size_t begin = text.find('\n') + 1;
  const std::string header = text.substr(0, begin);
  for (std::size_t end = 0; begin < text.size(); begin = end + 1) {
    end = text.find('\n', begin);
    rows.push_back(text.substr(begin, end + 1 - begin));
  }
  const CohortReading before = Read();
  std::string shuffled = header;
  while (!rows.empty()) {
    const auto place = *rc::gen::inRange<std::size_t>(0, rows.size());
    shuffled += rows[place];
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(place));
  }
  folder_.Write("phenotype/cytokine.tsv", shuffled);
  const CohortReading after = Read();
  for (std::size_t i = 0; i < before.cohort.samples.size(); ++i) {
    const Sample& one = before.cohort.samples[i];
    const Sample& other = after.cohort.samples[i];
    RC_ASSERT(one.panel_visits.size() == other.panel_visits.size());
    for (std::size_t v = 0; v < one.panel_visits.size(); ++v) {
      RC_ASSERT(one.panel_visits[v].day == other.panel_visits[v].day);
      RC_ASSERT(one.panel_visits[v].values.size() == other.panel_visits[v].values.size());
      for (std::size_t a = 0; a < one.panel_visits[v].values.size(); ++a)
        RC_ASSERT(one.panel_visits[v].values[a].value == other.panel_visits[v].values[a].value);
    }
  }
}

// Whatever a long table holds, the reading is a cohort whose visits are as Sample says, or an error in words.
RC_GTEST_FIXTURE_PROP(Panels, AnyRowsGiveVisitsInOrderOrAnError, ()) {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
      "\t", "\n", "p1\t0\tCD8\t1\tcells/uL\n", "p1\t5\tCD8\t", "p2\t", "p3\t-1e9\tCD8\t1e300\t10^9/L\n", "n/a", "CD8",
      "\xff", "participant_id\tday\tanalyte\tvalue\tunit\n", "-3", "inf", "%"}));
  std::string text = "participant_id\tday\tanalyte\tvalue\tunit\n";
  for (const std::string& piece : pieces) text += piece;
  folder_.Write("phenotype/immune.tsv", text);
  const auto reading = ReadCohort(plan_, folder_.path());
  if (!reading.ok()) {
    RC_ASSERT(reading.error().code == ErrorCode::kInvalidInput);
    return;
  }
  for (const Sample& sample : reading->cohort.samples)
    for (std::size_t v = 0; v < sample.panel_visits.size(); ++v) {
      const PanelVisit& visit = sample.panel_visits[v];
      RC_ASSERT(!visit.values.empty() && std::isfinite(visit.day));
      for (const PanelValue& value : visit.values) RC_ASSERT(std::isfinite(value.value));
      if (v > 0)
        RC_ASSERT(std::make_pair(sample.panel_visits[v - 1].panel, sample.panel_visits[v - 1].day) <
                  std::make_pair(visit.panel, visit.day));
    }
}

}  // namespace
}  // namespace fedtrial::site
