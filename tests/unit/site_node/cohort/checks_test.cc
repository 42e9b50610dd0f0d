#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "site_node/cohort/gate.h"
#include "trial_folder.h"

namespace fedtrial::site {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Checks : public TrialSite {
 protected:
  Checks() {
    all_checks_ = true;
    folder_.Write("phenotype/rt.tsv", "participant_id\tdose_gy\tfractions\np1\t24\t3\np2\t24\t3\np3\t24\t3\n");
    folder_.Write("phenotype/treatment.tsv", kTreatment);
    folder_.Write("phenotype/response.tsv", kResponse);
    folder_.Write("phenotype/ae.tsv", kEvents);
  }
  std::string Text() const { return FindingsText(Read()); }

  static constexpr std::string_view kTreatment =
      "participant_id\tdrug\tstart_day\tend_day\np2\tDurvalumab\t1\t29\np3\tdurvalumab\t1\tn/a\n";
  static constexpr std::string_view kResponse =
      "participant_id\tscan_day\trano\tcriteria\tconfirm_day\n"
      "p1\t40\tSD\tRANO2.0\tn/a\np1\t112\tPD\tRANO2.0\tn/a\n"
      "p2\t41\tPsP\tRANO2.0\t97\np2\t97\tSD\tRANO2.0\tn/a\n";
  static constexpr std::string_view kEvents =
      "participant_id\tterm\tgrade\tstart_day\tend_day\np1\tFatigue\t2\t3\t9\np3\tRadionecrosis\t5\t60\t80\n";
};

TEST_F(Checks, FindNothingWhereNothingIsWrong) {
  const CohortReading reading = Read();
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
  EXPECT_TRUE(Of(reading, Severity::kWarning).empty()) << FindingsText(reading);
}

TEST_F(Checks, ChangeNoSample) {
  folder_.Write("phenotype/ae.tsv", Changed(kEvents, "\t5\t", "\t9\t"));
  const CohortReading checked = Read();
  all_checks_ = false;
  const CohortReading plain = Read();
  EXPECT_TRUE(HasErrors(checked));
  EXPECT_FALSE(HasErrors(plain));
  EXPECT_EQ(checked.summary.digest, plain.summary.digest);
  EXPECT_EQ(checked.cohort.samples.size(), plain.cohort.samples.size());
}

TEST_F(Checks, EarlyProgressionNeedsItsConfirmation) {
  folder_.Write("phenotype/response.tsv", Changed(kResponse, "p1\t40\tSD", "p1\t40\tPD"));
  EXPECT_THAT(Text(), Not(HasSubstr("progression before day 84")));  // the scan of day 112 goes on
  folder_.Write("phenotype/response.tsv",
                Changed(Changed(kResponse, "p1\t40\tSD", "p1\t40\tPD"), "112\tPD", "112\tSD"));
  EXPECT_THAT(Text(), HasSubstr("phenotype/response.tsv:2:5: confirm_day: progression before day 84 without a "
                                "confirming scan"));
}

TEST_F(Checks, PseudoProgressionNeedsItsScan) {
  folder_.Write("phenotype/response.tsv", Changed(kResponse, "RANO2.0\t97", "RANO2.0\tn/a"));
  EXPECT_THAT(Text(), HasSubstr("pseudo-progression without a confirming scan"));
  folder_.Write("phenotype/response.tsv", Changed(kResponse, "RANO2.0\t97", "RANO2.0\t40"));
  EXPECT_THAT(Text(), HasSubstr("confirmed before the scan, got \"40\""));
}

TEST_F(Checks, RatingsAndCriteriaAreThoseOfRano) {
  folder_.Write("phenotype/response.tsv",
                Changed(Changed(kResponse, "\tSD\t", "\tstable\t"), "PsP\tRANO2.0", "PsP\tn/a"));
  EXPECT_THAT(Text(), AllOf(HasSubstr("rano: unknown rating, got \"stable\", wanted CR, PR, SD, PD, PsP, NE or n/a"),
                            HasSubstr("it isn't said by which criteria the scan was rated")));
  folder_.Write("phenotype/response.tsv", Changed(kResponse, "p1\t112", "p1\t40"));
  EXPECT_THAT(Text(), HasSubstr("this patient has another row of this day"));
}

TEST_F(Checks, ANewBaselineIsWantedByRano2) {
  folder_.Write("phenotype/response.tsv", Changed(kResponse, "p1\t40", "p1\t71"));
  EXPECT_THAT(Text(), HasSubstr("no scan from day 1 to 70, which RANO 2.0 takes as the baseline"));
}

TEST_F(Checks, TheDrugIsOfItsArmAlone) {
  folder_.Write("phenotype/treatment.tsv", Changed(kTreatment, "p2\tDurvalumab", "p1\tDurvalumab"));
  EXPECT_THAT(Text(),
              AllOf(HasSubstr("phenotype/treatment.tsv:2:2: drug: a patient of arm A, got \"Durvalumab\", wanted "
                              "durvalumab in arm B alone (error)"),
                    HasSubstr("participants.tsv:3:3: arm: no durvalumab in treatment.tsv, got \"B\"")));
}

TEST_F(Checks, DosesAreTheProtocols) {
  folder_.Write("phenotype/rt.tsv", "participant_id\tdose_gy\tfractions\np1\t25\t5\n");
  EXPECT_THAT(Text(), AllOf(HasSubstr("dose_gy: not the protocol's dose, got \"25\", wanted 24 Gy (warning)"),
                            HasSubstr("fractions: not the protocol's number of fractions, got \"5\", wanted 3")));
}

TEST_F(Checks, GradesAndDaysOfAdverseEvents) {
  folder_.Write("phenotype/ae.tsv", Changed(kEvents, "p1\tFatigue\t2", "p2\tFatigue\t5"));
  EXPECT_THAT(Text(), HasSubstr("phenotype/ae.tsv:2:3: grade: grade 5 of a patient who is said to live"));
  folder_.Write("phenotype/ae.tsv", Changed(kEvents, "\t2\t3\t9", "\t2\t9\t3"));
  EXPECT_THAT(Text(), HasSubstr("end_day: ends before its start (day 9), got \"3\""));
  folder_.Write("phenotype/ae.tsv", Changed(kEvents, "\t5\t60\t80", "\t5\t90\tn/a"));
  EXPECT_THAT(Text(), HasSubstr("start_day: begins after the patient's death, got \"90\""));
  folder_.Write("phenotype/ae.tsv", Changed(kEvents, "\t2\t3", "\tsevere\t3"));
  EXPECT_THAT(Text(), HasSubstr("grade: no CTCAE grade, got \"severe\", wanted 1 to 5"));
}

TEST_F(Checks, ATableThatIsOnlyCheckedAndCannotBeReadHurtsNothingElse) {
  folder_.Write("phenotype/ae.tsv", "participant_id\tgrade\np1\t\xff\n");
  const CohortReading reading = Read();
  EXPECT_EQ(reading.cohort.samples.size(), 3u);
  EXPECT_THAT(OnlyError(reading).ToString(), HasSubstr("phenotype/ae.tsv:2:2: byte 0xff is not UTF-8"));
}

TEST_F(Checks, AJumpByAThousandIsAnotherUnit) {
  std::string rows(kCytokines);
  for (const char* day : {"60", "61", "62"})
    rows += "p2\t" + std::string(day) + "\tX\tserum\tTNF\t13\tpg/mL\tn/a\tn/a\tK1\tP1\n";
  rows += "p2\t63\tX\tserum\tTNF\t13000\tpg/mL\tn/a\tn/a\tK1\tP1\n";
  folder_.Write("phenotype/cytokine.tsv", rows);
  EXPECT_THAT(Text(), HasSubstr("phenotype/cytokine.tsv:10:6: value: about a thousand times more than this patient's "
                                "other values, got \"13000\""));
}

TEST_F(Checks, AMedianOutsideTheRangeAsksForTheUnit) {
  folder_.Write("phenotype/immune.tsv",
                "participant_id\tday\tanalyte\tvalue\tunit\np1\t-3\tCD8\t300\t10^9/L\np3\t10\tCD8\t250\t10^9/L\n");
  EXPECT_THAT(Text(), HasSubstr("CD8: more than half of the values lie outside the plan's range: is the unit right?"));
}

TEST_F(Checks, PlatesThatDifferAreTold) {
  std::string rows(kCytokines.substr(0, kCytokines.find('\n') + 1));
  for (int day = 0; day < 10; ++day) {
    rows += "p1\t" + std::to_string(day) + "\tX\tserum\tTNF\t10\tpg/mL\tn/a\tn/a\tK1\tP1\n";
    rows += "p2\t" + std::to_string(day) + "\tX\tserum\tTNF\t50\tpg/mL\tn/a\tn/a\tK1\tP2\n";
  }
  folder_.Write("phenotype/cytokine.tsv", rows);
  EXPECT_THAT(Text(), HasSubstr("TNF: the geometric mean of plate P2 is 5.0 times that of the others"));
  folder_.Write("phenotype/cytokine.tsv", Changed(kCytokines, "K1\tP1\np2\t57", "K2\tP1\np2\t57"));
  EXPECT_THAT(Text(), HasSubstr("plate: plate P1 is of kit K1 and of kit K2, wanted one kit a plate"));
}

TEST_F(Checks, OneAnalyteInSerumAndInPlasmaIsTold) {
  folder_.Write("phenotype/cytokine.tsv", Changed(kCytokines, "serum\tTNF", "plasma EDTA\tTNF"));
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("TNF: values of more than one specimen: 1 of plasma EDTA, "));
  EXPECT_THAT(text, Not(HasSubstr("IL-6: values of more than one specimen")));
}

TEST_F(Checks, AVolumeThatCannotBeThatOfTheSumOfProductsIsTold) {
  const std::string header = "participant_id\tscan_day\trano\tcriteria\tconfirm_day\tsum_product_mm2\tvolume_enh_ml\n";
  const auto rated = [&](const std::string& sizes) {
    folder_.Write("phenotype/response.tsv", header + "p1\t40\tSD\tRANO2.0\tn/a\t" + sizes + "\n");
    return Text();
  };
  // 900 mm2 are a sphere of 14.1 ml.
  for (const char* fits : {"900\t14", "900\t0.8", "900\t70", "0\t1", "n/a\t14", "900\tn/a"})
    EXPECT_THAT(rated(fits), Not(HasSubstr("sum of products"))) << fits;
  EXPECT_THAT(rated("900\t71"),
              HasSubstr("phenotype/response.tsv:2:7: volume_enh_ml: doesn't fit the sum of products of "
                        "900 mm2, got \"71\", wanted 0.71 to 71 ml, from 0.05 to 5 times a sphere of "
                        "14 ml (warning)"));
  EXPECT_THAT(rated("900\t0.7"), HasSubstr("doesn't fit the sum of products"));
  EXPECT_THAT(rated("900\tbig"), HasSubstr("volume_enh_ml: not a number"));
}

TEST_F(Checks, TheGateCountsTasksAndPatternsOfModalities) {
  folder_.Write("phenotype/immune.tsv", Changed(kImmune, "0.3\t10^9/L", "x\t10^9/L"));
  const CohortReading reading = Read();
  const Gate gate = GateOf(plan_, reading);
  EXPECT_TRUE(gate.contributes);
  EXPECT_THAT(gate.modalities, ElementsAre("clinical", "methylation", "cytokines", "immune", "mri"));
  std::map<std::string, std::pair<std::size_t, std::size_t>> tasks;
  for (const TaskCount& task : gate.tasks) tasks[task.name] = {task.patients, task.left_out};
  EXPECT_EQ(tasks.at("immune"), std::make_pair(std::size_t{1}, std::size_t{1}));
  EXPECT_EQ(tasks.at("mgmt_head").first, 2u);
  EXPECT_EQ(tasks.at("endpoint.course, landmark day 56").first, 3u);
  std::size_t patients = 0;
  for (const ModalityPattern& pattern : gate.patterns) patients += pattern.patients;
  EXPECT_EQ(patients, 3u);
  EXPECT_THAT(gate.patterns.front().has, ElementsAre(true, true, true, false, false));
  EXPECT_EQ(gate.patterns.front().patients, 2u);
}

TEST(Suppression, HidesCountsBelowTheCellAndNoZero) {
  EXPECT_EQ(Suppressed(0, 5), "0");
  EXPECT_EQ(Suppressed(1, 5), "<5");
  EXPECT_EQ(Suppressed(4, 5), "<5");
  EXPECT_EQ(Suppressed(5, 5), "5");
  EXPECT_EQ(Suppressed(3, 0), "3");
}

}  // namespace
}  // namespace fedtrial::site
