#include "model/training/batch_order.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

#include "model/training/blas_check.h"

namespace fedtrial {
namespace {

TEST(BatchOrder, GivesEveryPatientOnceAPassAndShufflesAnew) {
  std::vector<std::size_t> patients(11);
  std::iota(patients.begin(), patients.end(), 20);
  BatchOrder order(patients, 4, BatchSeed(1, {}, 0));
  std::vector<std::vector<std::size_t>> passes;
  for (int pass = 0; pass < 3; ++pass) {
    auto& seen = passes.emplace_back();
    for (const std::size_t wanted : {4u, 4u, 3u}) {
      const auto batch = order.Next();
      ASSERT_EQ(batch.size(), wanted);
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    std::vector<std::size_t> sorted = seen;
    std::ranges::sort(sorted);
    EXPECT_EQ(sorted, patients);
  }
  EXPECT_NE(passes[0], passes[1]);
}

TEST(BatchOrder, DependsOnSeedCohortAndReplica) {
  Digest cohort{};
  const Digest base = BatchSeed(1, cohort, 0);
  EXPECT_EQ(BatchSeed(1, cohort, 0), base);
  EXPECT_NE(BatchSeed(2, cohort, 0), base);
  EXPECT_NE(BatchSeed(1, cohort, 1), base);
  cohort[0] = 1;
  EXPECT_NE(BatchSeed(1, cohort, 0), base);
}

TEST(BlasCheck, WarnsOfASlowLibraryAndNamesTheFigure) {
  EXPECT_FALSE(SlowBlasWarning(90.0).has_value());
  EXPECT_FALSE(SlowBlasWarning(kSlowBlas).has_value());
  const auto warning = SlowBlasWarning(5.8);
  ASSERT_TRUE(warning.has_value());
  EXPECT_NE(warning->find("5.8 GFLOP/s"), std::string::npos);
}

TEST(BlasCheck, MeasuresSomething) { EXPECT_GT(MeasureBlas(), 0.0); }

}  // namespace
}  // namespace fedtrial
