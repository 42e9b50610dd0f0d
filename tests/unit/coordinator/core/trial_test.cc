#include "coordinator/core/trial.h"

#include <gtest/gtest.h>

#include "security/pki/signed_bytes.h"
#include "tests/doubles/toy.h"

namespace fedtrial::coordinator {
namespace {

using doubles::Toy;
using doubles::ToyPlan;

class TrialTest : public ::testing::Test {
 protected:
  TrialTest() : toy_(ToyPlan{}), trial_(Identity()) {}

  TrialIdentity Identity() const {
    return {toy_.federation->plan(), toy_.federation->consortium().PublicKey(),
            SigningKey::FromSeed(toy_.federation->key(kCoordinatorId).seed()).value()};
  }
  Bytes Roster(std::uint32_t version, std::size_t rows) const {
    auto roster = toy_.federation->roster();
    roster.version = version;
    roster.entries.resize(rows);
    return Pack(SignRoster(toy_.federation->consortium(), roster).value());
  }

  Toy toy_;  // for its keys
  Trial trial_;
};

TEST_F(TrialTest, EnrolsUntilARosterWithEnoughSitesIsPublished) {
  EXPECT_EQ(trial_.state(), TrialState::kEnrolling);
  ASSERT_TRUE(trial_.Handle(RosterPublished{Roster(1, 3)}, {}).ok());  // the coordinator and two sites
  EXPECT_EQ(trial_.state(), TrialState::kEnrolling);
  EXPECT_EQ(trial_.current(), nullptr);
  const auto opened = trial_.Handle(RosterPublished{Roster(2, 4)}, {});
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(trial_.state(), TrialState::kRunning);
  ASSERT_NE(trial_.current(), nullptr);
  EXPECT_EQ(trial_.current()->id, (RoundId{1, 0}));
  EXPECT_EQ(trial_.current()->task.kind, "normalise");
  EXPECT_EQ(trial_.CatchUp(SiteId{1}).size(), 1u);
  EXPECT_TRUE(trial_.CatchUp(SiteId{9}).empty());
}

TEST_F(TrialTest, AFewOfTheOperatorsWordsFitEachState) {
  EXPECT_FALSE(trial_.Handle(PauseTrial{"x"}, {}).ok());
  EXPECT_FALSE(trial_.Handle(ResumeTrial{}, {}).ok());
  ASSERT_TRUE(trial_.Handle(CloseTrial{"never begun"}, {}).ok());
  EXPECT_EQ(trial_.state(), TrialState::kClosed);
  EXPECT_FALSE(trial_.Handle(CloseTrial{"again"}, {}).ok());
  EXPECT_EQ(ToString(trial_.state()), "closed");
}

TEST_F(TrialTest, WhatIsNotAskedForIsRefused) {
  const auto code = [&](const Input& input) {
    const auto handled = trial_.Handle(input, {});
    return handled.ok() ? std::optional<ErrorCode>() : handled.error().code;
  };
  EXPECT_EQ(code(EnvelopeReceived{}), ErrorCode::kWrongPhase);
  EXPECT_EQ(code(UploadStored{}), ErrorCode::kWrongPhase);
  EXPECT_EQ(code(StepFinished{}), ErrorCode::kWrongPhase);
  EXPECT_EQ(code(StepFailed{}), ErrorCode::kWrongPhase);
  EXPECT_EQ(code(RosterPublished{{1, 2}}), ErrorCode::kInvalidInput);
  EXPECT_FALSE(trial_.Handle(SiteRevoked{{1, 2}}, {}).ok());
  EXPECT_FALSE(trial_.WantsUpload(SiteId{1}, {1, 0}).ok());
  EXPECT_TRUE(trial_.Handle(DeadlinePassed{5}, {}).value().empty());
  ASSERT_TRUE(trial_.Handle(RosterPublished{Roster(1, 4)}, {}).ok());
  EXPECT_EQ(code(UploadStored{SiteId{1}, {1, 0}, {}, 5}), ErrorCode::kWrongPhase);
  EXPECT_EQ(code(StepFinished{{1, 0}, {}, {}, false, ""}), ErrorCode::kWrongPhase);
  EXPECT_FALSE(trial_.WantsUpload(SiteId{1}, {1, 0}).ok());
  EXPECT_FALSE(trial_.WantsUpload(SiteId{1}, {2, 0}).ok());
}

TEST_F(TrialTest, TheSameRosterAgainChangesNothingAndAnOlderOneIsRefused) {
  ASSERT_TRUE(trial_.Handle(RosterPublished{Roster(2, 4)}, {}).ok());
  EXPECT_TRUE(trial_.Handle(RosterPublished{Roster(2, 4)}, {}).value().empty());
  EXPECT_FALSE(trial_.Handle(RosterPublished{Roster(1, 4)}, {}).ok());
  EXPECT_FALSE(trial_.Handle(RosterPublished{Roster(2, 3)}, {}).ok());
}

TEST_F(TrialTest, ARevocationListIsTakenOnceAndOnlyForThisTrial) {
  ASSERT_TRUE(trial_.Handle(RosterPublished{Roster(1, 4)}, {}).ok());
  RevocationList list{"toy", 1, 0, {SiteId{3}}, {}};
  const auto pack = [&] { return Pack(SignRevocationList(toy_.federation->consortium(), list)); };
  const Bytes first = pack();
  EXPECT_FALSE(trial_.Handle(SiteRevoked{first}, {}).value().empty());
  EXPECT_TRUE(trial_.Handle(SiteRevoked{first}, {}).value().empty());
  list.sites = {SiteId{2}};
  EXPECT_FALSE(trial_.Handle(SiteRevoked{pack()}, {}).ok());  // the same number, other content
  list.trial_id = "other";
  list.number = 2;
  EXPECT_FALSE(trial_.Handle(SiteRevoked{pack()}, {}).ok());
  // Two of three are too few: the attempt ended at once, another waits for its time.
  ASSERT_EQ(trial_.history().size(), 1u);
  EXPECT_FALSE(trial_.history()[0].committed);
}

TEST_F(TrialTest, AJournalOfGarbageIsRefused) {
  EXPECT_FALSE(trial_.Replay({}).ok());
  EXPECT_FALSE(trial_.Replay(Bytes{1}).ok());
  EXPECT_FALSE(trial_.Replay(Bytes{1, 99}).ok());
  EXPECT_FALSE(trial_.Replay(Bytes{7, 1, 2}).ok());
}

}  // namespace
}  // namespace fedtrial::coordinator
