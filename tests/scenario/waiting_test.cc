#include <functional>
#include <gtest/gtest.h>
#include <vector>

#include "tests/doubles/toy.h"

// For whom the coordinator waits before a round goes on (coordinator/core/rules.h).
namespace fedtrial {
namespace {

using coordinator::SiteOutcome;
using doubles::FourSites;
using doubles::Ids;
using doubles::Toy;
using namespace std::chrono_literals;

// Sites 1 to 3 are enough. Nobody can come for `away`; then the first does, and 15 s after it each next one.
std::vector<SiteId> InTheFirstRound(Duration away, const std::function<void(Toy&)>& meanwhile = {}) {
  Toy toy(FourSites());
  for (std::uint32_t id = 1; id <= 4; ++id) {
    toy->Disconnect(SiteId{id});
    toy->After(away + 15s * (id - 1), [&toy, id] { toy->Connect(SiteId{id}); });
  }
  if (meanwhile) toy->After(away + 10s, [&] { meanwhile(toy); });
  EXPECT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy.check.wrong(), 0u);
  EXPECT_TRUE(toy->trial().history()[0].committed);  // at the first attempt
  return toy->trial().history()[0].included;
}

TEST(Waiting, SitesThatComeTogetherLongAfterARoundOpenedAreAllInIt) {
  EXPECT_EQ(InTheFirstRound(5min), Ids({1, 2, 3, 4}));
}

TEST(Waiting, TheDeadlineOfHelloWaitsForThoseWhoComeWithTheFirst) {
  EXPECT_EQ(InTheFirstRound(565s), Ids({1, 2, 3, 4}));
}

TEST(Waiting, ACoordinatorThatStartsAgainInHelloStillWaitsForThoseWhoComeWithTheFirst) {
  EXPECT_EQ(InTheFirstRound(5min,
                            [](Toy& toy) {
                              toy->Kill(kCoordinatorId);
                              toy->Restart(kCoordinatorId);
                            }),
            Ids({1, 2, 3, 4}));
}

TEST(Waiting, ACoordinatorThatStartsAgainInHelloGoesOnWithoutWhoDoesNotCome) {
  Toy toy(FourSites());
  for (std::uint32_t id = 1; id <= 4; ++id) toy->Disconnect(SiteId{id});
  toy->After(580s, [&] {
    for (std::uint32_t id = 1; id <= 3; ++id) toy->Connect(SiteId{id});
  });
  toy->After(590s, [&] {
    toy->Kill(kCoordinatorId);
    toy->Restart(kCoordinatorId);
  });
  ASSERT_TRUE(toy->Run([&] { return !toy->trial().history().empty(); }, std::chrono::hours(3)).ok());
  ASSERT_FALSE(toy->trial().history().empty());
  EXPECT_TRUE(toy->trial().history()[0].committed);
  EXPECT_EQ(toy->trial().history()[0].included, Ids({1, 2, 3}));
  EXPECT_EQ(toy->now(), Time(650s));  // min_open anew
}

TEST(Waiting, WhoComesLaterThanMinOpenAfterTheFirstIsLate) {
  Toy toy(FourSites());
  toy->Disconnect(SiteId{4});
  ASSERT_TRUE(toy->Run([&] { return toy->trial().links().size() == 1; }).ok());
  EXPECT_EQ(toy->trial().history()[0].sites.at(SiteId{4}).outcome, SiteOutcome::kLate);
  EXPECT_GE(toy->now(), Time(60s));
  EXPECT_LT(toy->now(), Time(90s));
}

TEST(Waiting, AHelloThatNobodyAnswersEndsAtItsDeadline) {
  Toy toy(FourSites());
  for (std::uint32_t id = 1; id <= 4; ++id) toy->Disconnect(SiteId{id});
  ASSERT_TRUE(toy->Run([&] { return !toy->trial().history().empty(); }).ok());
  EXPECT_EQ(toy->now(), Time(600s));
}

}  // namespace
}  // namespace fedtrial
