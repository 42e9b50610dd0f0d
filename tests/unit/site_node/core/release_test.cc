#include <gtest/gtest.h>

#include "site_node/core/release_ledger.h"
#include "site_node/core/release_policy.h"
#include "tests/doubles/toy.h"

namespace fedtrial::site {
namespace {

using Sites = ReleaseLedger::Sites;

Sites Of(std::initializer_list<std::uint32_t> numbers) {
  Sites sites;
  for (const std::uint32_t number : numbers) sites.insert(SiteId{number});
  return sites;
}

constexpr StepPosition kFirst{0, 0, false}, kSecond{0, 1, false};
const Digest kThis{1}, kThat{2};

TEST(ReleaseLedger, ARoundOnceReleasedIsSignedForTheSameSetOnly) {
  ReleaseLedger ledger;
  EXPECT_TRUE(ledger.MayInclude(5, kThis, Of({1, 2, 3})).ok());
  ledger.Release(5, kFirst, kThis, Of({1, 2, 3}));
  EXPECT_TRUE(ledger.MayInclude(5, kThis, Of({1, 2, 3})).ok());
  EXPECT_FALSE(ledger.MayInclude(5, kThis, Of({1, 2, 3, 4})).ok());
  EXPECT_FALSE(ledger.MayInclude(5, kThat, Of({4, 5, 6})).ok());  // whatever the contribution
}

TEST(ReleaseLedger, TheSameContributionComesAgainOnlyInTheSameSetOrOneThreeSitesAway) {
  ReleaseLedger ledger;
  ledger.Release(5, kFirst, kThis, Of({1, 2, 3, 4, 5}));
  EXPECT_TRUE(ledger.MayInclude(6, kThis, Of({1, 2, 3, 4, 5})).ok());
  EXPECT_FALSE(ledger.MayInclude(6, kThis, Of({1, 2, 3, 4})).ok());
  EXPECT_FALSE(ledger.MayInclude(6, kThis, Of({1, 2, 3, 4, 6})).ok());  // two sites
  EXPECT_TRUE(ledger.MayInclude(6, kThis, Of({1, 2, 3, 6})).ok());      // three
  EXPECT_TRUE(ledger.MayInclude(6, kThat, Of({1, 2, 3, 4})).ok());
  // Each set that was released counts.
  ledger.Release(6, kFirst, kThis, Of({1, 2, 3, 6}));
  EXPECT_FALSE(ledger.MayInclude(7, kThis, Of({1, 2, 3, 6, 7})).ok());
  ledger.ModelChanged();
  EXPECT_TRUE(ledger.MayInclude(7, kThis, Of({1, 2, 3, 6, 7})).ok());
}

TEST(ReleaseLedger, LostRoundsAreCountedPerStep) {
  ReleaseLedger ledger;
  EXPECT_TRUE(ledger.MayJoin(kFirst, 1, 0).ok());
  ledger.Release(1, kFirst, kThis, Of({1, 2, 3}));
  EXPECT_TRUE(ledger.MayJoin(kFirst, 1, 0).ok());   // another attempt at the same round
  EXPECT_FALSE(ledger.MayJoin(kFirst, 2, 0).ok());  // the same place again: a lost round
  EXPECT_TRUE(ledger.MayJoin(kFirst, 2, 1).ok());
  ledger.Release(2, kFirst, kThis, Of({1, 2, 3}));
  EXPECT_TRUE(ledger.MayJoin(kSecond, 3, 1).ok());  // as planned
  ledger.Release(3, kSecond, kThis, Of({1, 2, 3}));
  EXPECT_FALSE(ledger.MayJoin(kSecond, 4, 1).ok());  // the step's spare one is used
  EXPECT_TRUE(ledger.MayJoin({1, 0, false}, 4, 1).ok());
}

TEST(ReleaseLedger, TheSameRoundIsChargedOnce) {
  ReleaseLedger once, twice;
  once.Release(1, kFirst, kThis, Of({1, 2, 3}));
  twice.Release(1, kFirst, kThis, Of({1, 2, 3}));
  twice.Release(1, kFirst, kThis, Of({1, 2, 3}));
  EXPECT_EQ(once, twice);
}

TEST(ContributionKey, LeavesOutStepAndSeedButNothingElse) {
  Manifest manifest;
  manifest.task = "train";
  manifest.tensors = {{"risk/beta", {2}, ScalarType::kFloat32}};
  const Digest key = ContributionKey(manifest, kThis);
  Manifest other = manifest;
  other.step = 4;
  other.seed = 9;
  EXPECT_EQ(ContributionKey(other, kThis), key);
  EXPECT_NE(ContributionKey(manifest, kThat), key);
  other.model[0] = 1;
  EXPECT_NE(ContributionKey(other, kThis), key);
}

class ReleasePolicyTest : public ::testing::Test {
 protected:
  Plan plan_ = ParsePlan(doubles::ToyPlan{}.Text(), "plan.toml").value();
};

TEST_F(ReleasePolicyTest, SaysWhyASiteStaysOutWithoutCountingItsPatients) {
  EXPECT_FALSE(MayContribute(plan_, {}).ok());
  EXPECT_FALSE(MayContribute(plan_, {true, "night", doubles::ToyCohort(SiteId{1})}).ok());
  EXPECT_TRUE(MayContribute(plan_, {false, "", doubles::ToyCohort(SiteId{1}, 5)}).ok());
  EXPECT_EQ(MayContribute(plan_, {false, "", doubles::ToyCohort(SiteId{1}, 5), "revocation list 3 is old"}).error(),
            (Error{ErrorCode::kNotApproved, "revocation list 3 is old"}));
  const Status small = MayContribute(plan_, {false, "", doubles::ToyCohort(SiteId{1}, 4)});
  ASSERT_FALSE(small.ok());
  EXPECT_EQ(small.error().code, ErrorCode::kNotApproved);
  EXPECT_EQ(small.error().message.find('4'), std::string::npos);
}

TEST_F(ReleasePolicyTest, ABlockIsFilledIfTheSummaryCountsSomebody) {
  CohortSummary cohort = doubles::ToyCohort(SiteId{1});
  cohort.patients_per_block["feature_kps"] = 0;
  const std::vector<std::string> blocks = {"feature_age", "feature_kps", "r03k2/feature_age", "r03k2/feature_kps",
                                           "feature_new", "risk",        "r01k1/risk",        "fine",
                                           "loss",        "test",        "concordance"};
  const std::vector<bool> filled = {true, false, true, false, false, true, true, true, true, false, true};
  EXPECT_EQ(BlocksFilled(plan_, blocks, cohort), filled);
  cohort.patients_per_block["test"] = 3;
  cohort.patients_per_block.erase("risk");
  EXPECT_EQ(BlocksFilled(plan_, {"test", "risk"}, cohort), (std::vector<bool>{true, false}));
  EXPECT_EQ(BlocksFilled(plan_, {"loss", "feature_age"}, CohortSummary{}), (std::vector<bool>{false, false}));
}

TEST_F(ReleasePolicyTest, ABlockOfFewerThanThreeLiveSitesIsWithheld) {
  const Declared declared = {{SiteId{1}, {true, true, false}},
                             {SiteId{2}, {true, true, true}},
                             {SiteId{3}, {true, true, true}},
                             {SiteId{4}, {true, false, true}}};
  EXPECT_EQ(WithheldBlocks(SiteId{1}, declared, Of({1, 2, 3, 4})), (std::vector<bool>{false, false, true}));
  EXPECT_EQ(WithheldBlocks(SiteId{2}, declared, Of({1, 2, 3, 4})), (std::vector<bool>{false, false, false}));
  EXPECT_EQ(WithheldBlocks(SiteId{2}, declared, Of({1, 2, 4})), (std::vector<bool>{false, true, true}));
  EXPECT_TRUE(CheckBlockRule(SiteId{2}, declared, {false, false, true}, Of({1, 2, 3})).ok());
  EXPECT_FALSE(CheckBlockRule(SiteId{2}, declared, {false, false, true}, Of({1, 2, 4})).ok());
  EXPECT_TRUE(CheckBlockRule(SiteId{2}, declared, {false, true, true}, Of({1, 2, 4})).ok());
}

}  // namespace
}  // namespace fedtrial::site
