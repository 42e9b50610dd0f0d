#include "model/samples/sample.h"

#include <cmath>

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

TEST(LesionFigures, AreOfTheImageInTheMaskAlone) {
  const Volume volume{{2, 2, 1}, {1.0F, 3.0F, -7.0F, 9.0F}, {1.0F, 1.0F, 0.0F, 0.0F}};
  const auto figures = FiguresOf(volume);
  ASSERT_TRUE(figures.has_value());
  EXPECT_DOUBLE_EQ(figures->size, std::log(501.0));
  EXPECT_DOUBLE_EQ(figures->mean, 2.0);
  EXPECT_DOUBLE_EQ(figures->deviation, 1.0);
}

TEST(LesionFigures, ThereAreNoneWithoutALesion) {
  EXPECT_FALSE(FiguresOf({{2, 1, 1}, {1.0F, 3.0F}, {}}).has_value());
  EXPECT_FALSE(FiguresOf({{2, 1, 1}, {1.0F, 3.0F}, {0.0F, 0.0F}}).has_value());
}

}  // namespace
}  // namespace fedtrial
