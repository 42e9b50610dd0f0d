#include "site_node/core/chain.h"

#include <gtest/gtest.h>

#include "security/crypto/seeded_random.h"
#include "tests/doubles/toy.h"

namespace fedtrial::site {
namespace {

class ChainTest : public ::testing::Test {
 protected:
  ModelLink Link(std::uint64_t round, std::uint8_t model, std::uint8_t before) const {
    ModelLink link;
    link.round = round;
    link.model.fill(model);
    link.before.fill(before);
    link.signature = SignLabelled(key_, kModelLabel, link.SignedPart());
    return link;
  }
  Status Check(const std::vector<ModelLink>& links, const std::optional<ChainEnd>& known = {}) const {
    return CheckChain(links, key_.PublicKey(), known);
  }

  SeededRandom random_{std::uint64_t{3}};
  SigningKey key_ = SigningKey::Generate(random_);
  std::vector<ModelLink> links_ = {Link(1, 1, 0), Link(3, 2, 1), Link(4, 2, 2)};  // round 2 was lost
};

TEST_F(ChainTest, AChainIsTakenWholeOrFromWhatIsKnown) {
  EXPECT_TRUE(Check({}).ok());
  EXPECT_TRUE(Check(links_).ok());
  for (std::size_t i = 0; i < links_.size(); ++i) EXPECT_TRUE(Check(links_, ChainEnd{links_[i], i + 1}).ok());
}

TEST_F(ChainTest, EachLinkMustBeSignedFollowAndBeLater) {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    auto links = links_;
    links[i].signature[0] ^= 1;
    EXPECT_FALSE(Check(links).ok());
    links = links_;
    links[i] = Link(links[i].round, links[i].model[0], 9);
    EXPECT_FALSE(Check(links).ok());
    links = links_;
    links[i] = Link(0, links[i].model[0], links[i].before[0]);
    EXPECT_FALSE(Check(links).ok());
  }
}

TEST_F(ChainTest, WhatThisSiteHasSeenCanNotGoAwayOrChange) {
  const ChainEnd known{links_[1], 2};
  EXPECT_FALSE(Check({links_[0]}, known).ok());
  EXPECT_FALSE(Check({links_[0], Link(3, 7, 1)}, known).ok());
  EXPECT_FALSE(Check({links_[1], links_[2]}, known).ok());
}

TEST(Position, FollowsFromTheNumberOfCommittedRounds) {
  doubles::ToyPlan toy;
  toy.train_rounds = 2;
  const Plan plan = ParsePlan(toy.Text(), "plan.toml").value();
  const auto may = [&](StepPosition position, std::uint64_t committed) {
    return CheckPosition(plan, position, committed).ok();
  };
  EXPECT_TRUE(may({0, 0, false}, 0));
  EXPECT_FALSE(may({1, 0, false}, 0));
  EXPECT_TRUE(may({1, 0, false}, 1));
  EXPECT_TRUE(may({1, 1, false}, 2));  // grid may ask for a second round of itself
  EXPECT_TRUE(may({2, 0, false}, 2));
  EXPECT_TRUE(may({2, 0, false}, 3));
  EXPECT_TRUE(may({2, 1, false}, 3));
  EXPECT_FALSE(may({0, 1, false}, 1));
  EXPECT_FALSE(may({2, 0, true}, 3));
  EXPECT_FALSE(may({3, 0, false}, 4));  // finished
  EXPECT_FALSE(may({2, 1, false}, 9));
}

}  // namespace
}  // namespace fedtrial::site
