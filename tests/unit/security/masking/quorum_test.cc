#include "security/masking/quorum.h"

#include <gtest/gtest.h>

namespace fedtrial {
namespace {

std::map<SiteId, Reveal> Reveals(std::uint32_t count) {
  std::map<SiteId, Reveal> reveals;
  for (std::uint32_t id = 1; id <= count; ++id) reveals[SiteId{id}][0] = static_cast<std::uint8_t>(id);
  return reveals;
}

TEST(Quorum, OfUpToAHundredSitesSharesWithEverybodyAtThePlansThreshold) {
  EXPECT_EQ(MakeQuorum(3, 3).value(), (Quorum{3, 3, 0, 3}));
  EXPECT_EQ(MakeQuorum(100, 67).value(), (Quorum{100, 67, 0, 67}));
  EXPECT_FALSE(MakeQuorum(100, 67)->sparse());
}

TEST(Quorum, AboveAHundredSitesTakesTheTablesGraphAndTwoThirdsOfAll) {
  EXPECT_EQ(MakeQuorum(101, 51).value(), (Quorum{101, 68, 42, 32}));
  EXPECT_EQ(MakeQuorum(200, 150).value(), (Quorum{200, 150, 76, 57}));
  EXPECT_TRUE(MakeQuorum(101, 51)->sparse());
  EXPECT_FALSE(MakeQuorum(5001, 4000).ok());
}

TEST(Quorum, BelowThreeNoMajorityOrAboveAllIsRefused) {
  for (const auto& [sites, threshold] :
       {std::pair<std::size_t, std::size_t>{3, 2}, {2, 2}, {6, 3}, {5, 6}, {0, 0}, {102, 51}})
    EXPECT_EQ(MakeQuorum(sites, threshold).error().code, ErrorCode::kInvalidInput) << sites << " " << threshold;
}

TEST(Quorum, MakesTheGraphOfItsKind) {
  const Digest ctx{};
  EXPECT_EQ(MakeGraph(MakeQuorum(5, 4).value(), ctx, Reveals(5))->NeighboursOf(SiteId{1}).size(), 4u);
  const auto sparse = MakeQuorum(120, 81).value();
  EXPECT_EQ(MakeGraph(sparse, ctx, Reveals(120))->NeighboursOf(SiteId{1}).size(), 76u);
  EXPECT_FALSE(MakeGraph(sparse, ctx, Reveals(70)).ok());
}

}  // namespace
}  // namespace fedtrial
