#include "coordinator/core/rules.h"

#include <gtest/gtest.h>
#include <set>

namespace fedtrial::coordinator {
namespace {

PhaseState State(std::size_t heard, std::size_t awaited, bool min_passed, bool deadline) {
  return {heard, awaited, /*needed=*/4, min_passed, deadline};
}

TEST(Rules, APhaseLeavesWhenAllHaveAnswered) {
  EXPECT_EQ(Decide(State(6, 0, false, false)), Verdict::kLeave);
  EXPECT_EQ(Decide(State(4, 0, false, false)), Verdict::kLeave);
  EXPECT_EQ(Decide(State(3, 0, false, false)), Verdict::kFail);
}

TEST(Rules, APhaseLeavesWithEnoughOnlyAfterMinOpen) {
  EXPECT_EQ(Decide(State(4, 2, false, false)), Verdict::kStay);
  EXPECT_EQ(Decide(State(4, 2, true, false)), Verdict::kLeave);
  EXPECT_EQ(Decide(State(3, 2, true, false)), Verdict::kStay);
}

TEST(Rules, AtTheDeadlineEnoughLeavesAndFewerFail) {
  EXPECT_EQ(Decide(State(4, 2, false, true)), Verdict::kLeave);
  EXPECT_EQ(Decide(State(3, 3, true, true)), Verdict::kFail);
}

TEST(Rules, APhaseFailsAsSoonAsEnoughCanNoLongerCome) {
  EXPECT_EQ(Decide(State(1, 2, false, false)), Verdict::kFail);
  EXPECT_EQ(Decide(State(1, 3, false, false)), Verdict::kStay);
  EXPECT_EQ(DecideAtOnce(State(1, 2, false, false)), Verdict::kFail);
}

TEST(Rules, AgreeAndUnmaskLeaveWithEnoughAtOnce) {
  EXPECT_EQ(DecideAtOnce(State(4, 2, false, false)), Verdict::kLeave);
  EXPECT_EQ(DecideAtOnce(State(3, 2, true, false)), Verdict::kStay);
  EXPECT_EQ(DecideAtOnce(State(3, 2, true, true)), Verdict::kFail);
}

TEST(Rules, EachPhaseHasTimersOfItsOwnWithinItsRound) {
  std::set<std::uint64_t> timers;
  for (std::size_t phase = 0; phase < kSitePhases; ++phase) {
    EXPECT_TRUE(timers.insert(MinTimer(100, static_cast<Phase>(phase))).second);
    EXPECT_TRUE(timers.insert(MaxTimer(100, static_cast<Phase>(phase))).second);
  }
  EXPECT_EQ(*timers.begin(), 100u);
  EXPECT_EQ(*timers.rbegin(), 100 + kTimersPerRound - 1);
}

}  // namespace
}  // namespace fedtrial::coordinator
