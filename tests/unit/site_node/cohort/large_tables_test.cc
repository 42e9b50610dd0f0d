#include <chrono>
#include <cstdio>
#include <ctime>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "trial_folder.h"

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;

class LargeTables : public TrialSite {};

TEST_F(LargeTables, OneOfTwoGigabytesIsRefusedByItsSizeAtOnce) {
  std::filesystem::resize_file(folder_.path() / "phenotype/cytokine.tsv", std::uintmax_t{2} << 30);  // sparse
  const std::clock_t begin = std::clock();
  EXPECT_THAT(ErrorOf(), HasSubstr("phenotype/cytokine.tsv: too large: 2147483648 bytes, at most 268435456"));
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 0.5);
}

// The figure that a site is promised: 10,000 patients with 50 rows each, read and checked in 10 s and 1 GB.
TEST_F(LargeTables, TenThousandPatientsOfFiftyRowsAreReadAndCheckedInTenSecondsAndAGigabyte) {
  constexpr int kPatients = 10'000, kVisits = 25;
  std::ofstream participants(folder_.path() / "participants.tsv");
  std::ofstream outcome(folder_.path() / "phenotype/outcome.tsv");
  std::ofstream cytokine(folder_.path() / "phenotype/cytokine.tsv");
  participants << "participant_id\tsite\tarm\tage_y\tmgmt\n";
  outcome << "participant_id\tos_day\tos_event\trec_last_neg_day\trec_day\trec_event\n";
  cytokine << kCytokines.substr(0, kCytokines.find('\n') + 1);
  for (int i = 0; i < kPatients; ++i) {
    participants << "sub-" << i << "\tA\t" << (i % 2 == 0 ? 'A' : 'B') << '\t' << 30 + i % 50 << "\tyes\n";
    outcome << "sub-" << i << "\t1500\t1\t56\t112\t1\n";
    for (int visit = 0; visit < kVisits; ++visit)
      for (const char* analyte : {"IL-6", "TNF"})
        cytokine << "sub-" << i << '\t' << 56 * visit - 3 << "\tW" << 8 * visit << "\tserum\t" << analyte << '\t'
                 << 3 + (i * 31 + visit * 7) % 40 << ".25\tpg/mL\t0.5\tn/a\tK1\tP" << i / 20 << '\n';
  }
  participants.close();
  outcome.close();
  cytokine.close();
  all_checks_ = true;
  const std::clock_t begin = std::clock();
  const CohortReading reading = Read();
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double megabytes = static_cast<double>(usage.ru_maxrss) / 1024.0;
  std::printf("%d patients of %d rows, %ju bytes: %.2f s of one core, %.0f MB at most\n", kPatients, 2 * kVisits,
              static_cast<std::uintmax_t>(std::filesystem::file_size(folder_.path() / "phenotype/cytokine.tsv")),
              seconds, megabytes);
  EXPECT_EQ(reading.cohort.samples.size(), static_cast<std::size_t>(kPatients));
  EXPECT_EQ(reading.cohort.samples.back().panel_visits.size(), static_cast<std::size_t>(kVisits));
  EXPECT_FALSE(HasErrors(reading)) << FindingsText(reading);
  EXPECT_LT(seconds, 10.0);
  EXPECT_LT(megabytes, 1000.0);
}

}  // namespace
}  // namespace fedtrial::site
