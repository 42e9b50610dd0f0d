#include <gtest/gtest.h>

#include "security/crypto/seeded_random.h"
#include "tests/scenario/die_once.h"
#include "tests/scenario/vanish.h"

// The whole matrices of which the fast tests take samples.
namespace fedtrial {
namespace {

using doubles::Toy;
using doubles::ToyPlan;
using scenario::DieOnce;
using scenario::Subsets;
using scenario::TryVanishing;

TEST(Matrix, ASiteMayDieAfterAnyRecord) { DieOnce(SiteId{1}, /*before=*/false, 0, 1); }
TEST(Matrix, ASiteMayDieBeforeAnyRecord) { DieOnce(SiteId{1}, /*before=*/true, 0, 1); }
TEST(Matrix, TheCoordinatorMayDieAfterAnyRecord) { DieOnce(kCoordinatorId, /*before=*/false, 0, 1); }
TEST(Matrix, TheCoordinatorMayDieBeforeAnyRecord) { DieOnce(kCoordinatorId, /*before=*/true, 0, 1); }

TEST(Matrix, AnySmallSetOfSixMayVanishInAnyPhase) {
  for (const unsigned threshold : {4u, 5u}) {
    for (const auto& vanishing : Subsets(6, 0, 6 - threshold)) {
      for (unsigned phase = 0; phase < kSitePhases; ++phase) TryVanishing(6, threshold, vanishing, phase);
    }
  }
}

TEST(Matrix, AnyThreeOfTenMayVanishInAnyPhase) {
  for (const auto& vanishing : Subsets(10, 3, 3)) {
    for (unsigned phase = 0; phase < kSitePhases; ++phase) TryVanishing(10, 7, vanishing, phase);
  }
}

TEST(Matrix, RandomSetsOfTwentyMayVanishInRandomPhases) {
  SeededRandom random(20);
  for (int run = 0; run < 20; ++run) {
    std::set<SiteId> vanishing;
    while (vanishing.size() < 6) vanishing.insert(SiteId{1 + static_cast<std::uint32_t>(UniformBelow(20, random))});
    TryVanishing(20, 14, vanishing, static_cast<unsigned>(UniformBelow(kSitePhases, random)));
  }
}

TEST(Matrix, EverybodyDiesOftenAndTheModelIsTheSame) {
  Toy quiet([] {
    ToyPlan plan;
    plan.sites = plan.min_sites = 5;
    plan.threshold = 4;
    return plan;
  }());
  ASSERT_TRUE(quiet->Run().ok());
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SeededRandom random(seed);
    simulation::SimHooks hooks;
    hooks.crash = [&](SiteId, std::uint64_t record, bool) { return record > 3 && UniformBelow(12, random) == 0; };
    ToyPlan plan;
    plan.sites = plan.min_sites = 5;
    plan.threshold = 4;
    Toy toy(plan, hooks);
    ASSERT_TRUE(toy->Run({}, std::chrono::hours(24)).ok());
    EXPECT_TRUE(toy->finished());
    EXPECT_EQ(toy.check.wrong(), 0u);
    EXPECT_EQ(toy->latest_model().tensors, quiet->latest_model().tensors);
    EXPECT_TRUE(doubles::SecretsClosed(*toy));
  }
}

}  // namespace
}  // namespace fedtrial
