#include <gtest/gtest.h>

#include "tests/doubles/toy.h"

namespace fedtrial {
namespace {

using doubles::Ids;
using doubles::Toy;
using doubles::ToyPlan;

TEST(Honest, ThreeSitesFinishTheTrialAndEverySumIsExact) {
  Toy toy(ToyPlan{});
  ASSERT_TRUE(toy->Run().ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy.check.sums(), doubles::kToyRounds);
  EXPECT_EQ(toy.check.wrong(), 0u);
  for (const auto& included : toy.check.included()) EXPECT_EQ(included, Ids({1, 2, 3}));
  for (const auto& rejection : toy->rejected())
    ADD_FAILURE() << ToString(rejection.actor) << ": " << rejection.error.message;
  EXPECT_EQ(toy->trial().links().size(), doubles::kToyRounds);
  for (const std::uint32_t id : {1u, 2u, 3u})
    EXPECT_EQ(toy->participant(SiteId{id}).standing().model, toy->trial().links().back().model);
}

}  // namespace
}  // namespace fedtrial
