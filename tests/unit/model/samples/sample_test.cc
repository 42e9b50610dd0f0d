#include "model/samples/sample.h"

#include "gtest/gtest.h"

namespace fedtrial {
namespace {

TEST(Sample, StartsCensoredAtDayZeroWithoutFolds) {
  const Sample sample;
  EXPECT_EQ(sample.time_days, 0.0);
  EXPECT_FALSE(sample.event);
  EXPECT_FALSE(sample.holds_out);
  EXPECT_TRUE(sample.folds.empty());
}

TEST(CohortSummary, StartsEmpty) {
  const CohortSummary summary;
  EXPECT_EQ(summary.patients, 0u);
  EXPECT_EQ(summary.events, 0u);
  EXPECT_TRUE(summary.patients_per_block.empty());
  EXPECT_EQ(summary.digest, Digest{});
}

}  // namespace
}  // namespace fedtrial
