#include <gtest/gtest.h>

#include "security/crypto/seeded_random.h"
#include "tests/doubles/toy.h"
#include "tests/scenario/die_once.h"

namespace fedtrial {
namespace {

using doubles::Ids;
using doubles::Toy;
using doubles::ToyPlan;
using simulation::SimHooks;

// Every record is among the slow tests.
TEST(Restart, ASiteMayDieBeforeOrAfterARecord) {
  scenario::DieOnce(SiteId{1}, /*before=*/false, /*first=*/0, /*every=*/5);
  scenario::DieOnce(SiteId{1}, /*before=*/true, /*first=*/1, /*every=*/5);
}

TEST(Restart, TheCoordinatorMayDieBeforeOrAfterARecord) {
  scenario::DieOnce(kCoordinatorId, /*before=*/false, /*first=*/2, /*every=*/7);
  scenario::DieOnce(kCoordinatorId, /*before=*/true, /*first=*/0, /*every=*/7);
}

TEST(Restart, EverybodyDiesOftenAndTheModelIsTheSame) {
  const auto model_of = [](std::uint64_t seed) {
    SimHooks hooks;
    SeededRandom random(seed);
    if (seed != 0)
      hooks.crash = [&](SiteId, std::uint64_t record, bool) { return record > 3 && UniformBelow(15, random) == 0; };
    ToyPlan plan;
    plan.sites = plan.min_sites = 5;
    plan.threshold = 4;
    Toy toy(plan, hooks);
    EXPECT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
    EXPECT_TRUE(toy->finished());
    EXPECT_EQ(toy.check.wrong(), 0u);
    EXPECT_TRUE(doubles::SecretsClosed(*toy));
    return toy->latest_model().tensors;
  };
  const auto quiet = model_of(0);
  for (std::uint64_t seed = 1; seed <= 8; ++seed) EXPECT_EQ(model_of(seed), quiet) << seed;
}

// x_i is journalled: a later attempt sends it again, with other masks.
TEST(Restart, AFailedAttemptIsRetriedWithTheSameContributionAndNewKeys) {
  SimHooks hooks;
  std::map<std::uint64_t, std::size_t> tasks;
  hooks.task_time = [&](SiteId, const Task& task) {
    ++tasks[task.round];
    return Duration(0);
  };
  std::set<Digest> contexts;
  std::set<Bytes> keys;
  hooks.deliver = [&](const simulation::Hop& hop) -> std::vector<Envelope> {
    if (hop.to_coordinator && hop.envelope.phase == 1) {
      contexts.insert(hop.envelope.ctx);
      EXPECT_TRUE(keys.insert(hop.envelope.body).second);
    }
    const bool lost = hop.to_coordinator && hop.site.value == 2 && hop.envelope.phase == 3 && contexts.size() == 1;
    return lost ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
  };
  Toy toy(ToyPlan{}, hooks);
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy.check.wrong(), 0u);
  EXPECT_EQ(contexts.size(), doubles::kToyRounds + 1);
  EXPECT_FALSE(toy->trial().history()[0].committed);
  EXPECT_EQ(toy->trial().history()[1].id, (RoundId{1, 1}));
  for (const auto& [round, count] : tasks) EXPECT_EQ(count, 3u) << round;
}

TEST(Restart, ASiteThatComesBackAfterTheEndStillGetsTheModel) {
  Toy toy(doubles::FourSites());
  toy->Disconnect(SiteId{4});
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
  ASSERT_TRUE(toy->finished());
  EXPECT_EQ(toy->participant(SiteId{4}).standing().model, Digest{});
  toy->Connect(SiteId{4});
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
  EXPECT_EQ(toy->participant(SiteId{4}).standing().model, toy->trial().links().back().model);
  EXPECT_EQ(toy->participant(SiteId{4}).standing().rounds_contributed, 0u);
}

}  // namespace
}  // namespace fedtrial
