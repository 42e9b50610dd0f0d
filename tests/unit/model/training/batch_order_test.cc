#include "model/training/batch_order.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "model/training/blas_check.h"
#include "model/training/predict.h"

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

TEST(Predict, GivesRiskHazardsAndSurvivalAtTheCuts) {
  Matrix raw(2, 2);
  raw.values = {3.0, std::numeric_limits<double>::quiet_NaN(), 1.0, 10.0};
  const Scaling scaling{{1.0, 8.0}, {2.0, 4.0}};
  const HazardModel model{{-1.0, 0.0}, {0.5, 1.0}};
  const auto curves = PredictCurves(raw, scaling, model);
  ASSERT_TRUE(curves.ok());
  EXPECT_DOUBLE_EQ((*curves)[0].risk, 0.5);  // the missing value is the mean
  EXPECT_DOUBLE_EQ((*curves)[1].risk, 0.5);
  const double first = 1.0 / (1.0 + std::exp(0.5));
  const double second = 1.0 / (1.0 + std::exp(-0.5));
  EXPECT_NEAR((*curves)[0].hazard[0], first, 1e-15);
  EXPECT_NEAR((*curves)[0].hazard[1], second, 1e-15);
  EXPECT_NEAR((*curves)[0].survival[0], 1.0 - first, 1e-15);
  EXPECT_NEAR((*curves)[0].survival[1], (1.0 - first) * (1.0 - second), 1e-15);
}

TEST(Predict, RefusesAnotherWidthAndValuesThatAreNotFinite) {
  const Scaling scaling{{0.0}, {1.0}};
  EXPECT_FALSE(PredictCurves(Matrix(1, 2), scaling, {{0.0}, {1.0}}).ok());
  EXPECT_FALSE(PredictCurves(Matrix(1, 1), scaling, {{0.0}, {std::nan("")}}).ok());
  EXPECT_FALSE(PredictCurves(Matrix(1, 1), {{0.0, 0.0}, {1.0, 1.0}}, {{0.0}, {1.0}}).ok());
}

}  // namespace
}  // namespace fedtrial
