#include "site_node/imaging/registration.h"

#include <gtest/gtest.h>

#include "tests/unit/site_node/imaging/whole_chain/moving.h"

namespace fedtrial::imaging {
namespace {

constexpr double kCpuSecondsGoal = 4.0;  // a pair; printed beside the figure, as benchmarks do

class KnownTransforms : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(MriData()))
      GTEST_SKIP() << "the real head isn't shipped, and " << MriData() << " isn't there";
  }
};

TEST_F(KnownTransforms, EveryOneIsFoundToLessThanAMillimetre) {
  const auto base = ReadBaseHead();
  ASSERT_TRUE(base.ok()) << base.error().message;
  double seconds = 0.0;
  for (const MovingCase& c : base->cases) {
    SCOPED_TRACE(c.name);
    const Scan moving = MakeMoving(*base, c);
    const double begin = CpuSeconds();
    const auto found = RegisterRigid(base->image, moving, Transform{}, 1.0);
    const double took = CpuSeconds() - begin;
    seconds += took;
    ASSERT_TRUE(found.ok()) << found.error().message;
    const Distance apart = Between(found->fixed_to_moving, c.map, base->mask);
    printf("%-20s mean %.3f max %.3f mm, %.1f s CPU, information %.3f to %.3f\n", c.name.c_str(), apart.mean, apart.max,
           took, found->information_before, found->information_after);
    EXPECT_LE(apart.mean, kMeanMm);
    EXPECT_LE(apart.max, kMaxMm);
  }
  printf("mean of %.1f s CPU a pair, goal %.0f\n", seconds / static_cast<double>(base->cases.size()), kCpuSecondsGoal);
}

TEST_F(KnownTransforms, TheSamePairGivesTheSameBits) {
  const auto base = ReadBaseHead();
  ASSERT_TRUE(base.ok());
  const Scan moving = MakeMoving(*base, base->cases[5]);
  const auto once = RegisterRigid(base->image, moving, Transform{}, 2.0);
  const auto again = RegisterRigid(base->image, moving, Transform{}, 2.0);
  ASSERT_TRUE(once.ok() && again.ok());
  EXPECT_EQ(once->fixed_to_moving, again->fixed_to_moving);
}

}  // namespace
}  // namespace fedtrial::imaging
