#include <gtest/gtest.h>

#include "tests/scenario/liar.h"

// What operators, rosters and revocations do to a trial, and what a small or changed cohort does to a round.
namespace fedtrial {
namespace {

using coordinator::SiteOutcome;
using coordinator::TrialState;
using doubles::FourSites;
using doubles::Ids;
using doubles::Toy;
using doubles::ToyPlan;
using scenario::IsPhase;
using simulation::Hop;

constexpr SiteId kOther{4};
constexpr auto kHours = std::chrono::hours(3);

TEST(Lifecycle, ASiteBelowTheMinimumDeclinesAndTheTrialGoesOn) {
  simulation::SimSettings settings = doubles::ToySettings(FourSites());
  settings.sites[3] = doubles::ToySite(kOther, /*patients=*/4);
  Toy toy(std::move(settings), {});
  ASSERT_TRUE(toy->Run().ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy->traffic(kOther).upload_bytes, 0u);
  for (const auto& record : toy->trial().history()) {
    EXPECT_EQ(record.included, Ids({1, 2, 3}));
    EXPECT_EQ(record.sites.at(kOther).outcome, SiteOutcome::kRefused);
    EXPECT_EQ(record.sites.at(kOther).reason, "its cohort is below the plan's minimum of 5 patients");
  }
  EXPECT_EQ(toy->participant(kOther).standing().model, toy->trial().links().back().model);
}

TEST(Lifecycle, EveryRecordSaysWhatBecameOfEachInvitedSite) {
  simulation::SimHooks hooks;
  hooks.deliver = [](const Hop& hop) -> std::vector<Envelope> {
    const bool late = hop.to_coordinator && hop.site.value == 5 && IsPhase(hop.envelope, Phase::kHello);
    const bool lost = hop.to_coordinator && hop.site.value == 6 && IsPhase(hop.envelope, Phase::kShares);
    return late || lost ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
  };
  ToyPlan plan;
  plan.sites = 7;
  plan.min_sites = plan.threshold = 4;
  simulation::SimSettings settings = doubles::ToySettings(plan);
  settings.sites[6] = doubles::ToySite(SiteId{7}, /*patients=*/1);
  Toy toy(std::move(settings), hooks);
  ASSERT_TRUE(toy->Run().ok());
  const auto& sites = toy->trial().history().front().sites;
  ASSERT_EQ(sites.size(), 7u);
  EXPECT_EQ(sites.at(SiteId{1}).outcome, SiteOutcome::kContributed);
  EXPECT_EQ(sites.at(SiteId{5}).outcome, SiteOutcome::kLate);
  EXPECT_EQ(sites.at(SiteId{6}).outcome, SiteOutcome::kLost);
  EXPECT_EQ(sites.at(SiteId{6}).reason, "no shares message in time");
  EXPECT_EQ(sites.at(SiteId{7}).outcome, SiteOutcome::kRefused);
}

TEST(Lifecycle, APausedSiteStaysOutAndComesBack) {
  Toy toy(FourSites());
  toy->Tell(kOther, site::PauseSite{"maintenance"});
  ASSERT_TRUE(toy->Run([&] { return toy->trial().links().size() == 1; }).ok());
  EXPECT_EQ(toy->trial().history()[0].sites.at(kOther).reason, "paused by its operator: maintenance");
  EXPECT_TRUE(toy->participant(kOther).paused());
  toy->Tell(kOther, site::ResumeSite{});
  ASSERT_TRUE(toy->Run().ok());
  EXPECT_EQ(toy->trial().history().back().included, Ids({1, 2, 3, 4}));
}

TEST(Lifecycle, ASiteWithAStaleRevocationListStaysOutUntilItHasAFreshOne) {
  Toy toy(FourSites());
  toy->Tell(kOther, site::RevocationsChecked{"revocation list 3 is 25 hours old"});
  ASSERT_TRUE(toy->Run([&] { return toy->trial().links().size() == 1; }).ok());
  EXPECT_EQ(toy->trial().history()[0].sites.at(kOther).reason, "revocation list 3 is 25 hours old");
  toy->Tell(kOther, site::RevocationsChecked{});
  ASSERT_TRUE(toy->Run().ok());
  EXPECT_EQ(toy->trial().history().back().included, Ids({1, 2, 3, 4}));
}

TEST(Lifecycle, ASitePausedWhileItsTaskRunsSendsNothing) {
  simulation::SimHooks hooks;
  hooks.task_time = [](SiteId, const Task&) { return Duration(5000); };
  Toy toy(FourSites(), hooks);
  ASSERT_TRUE(toy->Run([&] { return toy->trial().phase() == Phase::kMasked; }).ok());
  toy->Tell(kOther, site::PauseSite{"stop"});
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_EQ(toy->traffic(kOther).upload_bytes, 0u);
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy.check.wrong(), 0u);
}

TEST(Lifecycle, APausedTrialFinishesItsRoundAndOpensNoOther) {
  Toy toy(FourSites());
  ASSERT_TRUE(toy->Run([&] { return toy->trial().phase() == Phase::kShares; }).ok());
  toy->TellCoordinator(coordinator::PauseTrial{"meeting"});
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_EQ(toy->trial().state(), TrialState::kPaused);
  EXPECT_EQ(toy->trial().links().size(), 1u);
  EXPECT_EQ(toy->trial().current(), nullptr);
  toy->TellCoordinator(coordinator::PauseTrial{"again"});  // refused
  EXPECT_EQ(toy->rejected().size(), 1u);
  toy->TellCoordinator(coordinator::ResumeTrial{});
  ASSERT_TRUE(toy->Run().ok());
  EXPECT_EQ(toy->trial().state(), TrialState::kFinished);
}

TEST(Lifecycle, AClosedTrialEndsItsRoundAndStaysClosed) {
  Toy toy(FourSites());
  ASSERT_TRUE(toy->Run([&] { return toy->trial().phase() == Phase::kMasked; }).ok());
  toy->TellCoordinator(coordinator::CloseTrial{"the sponsor ended it"});
  ASSERT_TRUE(toy->Run().ok());
  EXPECT_EQ(toy->trial().state(), TrialState::kClosed);
  EXPECT_EQ(toy.check.sums(), 0u);
  EXPECT_NE(toy->participant(kOther).standing().last_reason.find("the trial was closed"), std::string::npos);
  const std::size_t before = toy->rejected().size();  // messages that came after the end
  toy->TellCoordinator(coordinator::ResumeTrial{});
  toy->TellCoordinator(coordinator::CloseTrial{""});
  EXPECT_EQ(toy->rejected().size(), before + 2);
  EXPECT_EQ(toy->trial().state(), TrialState::kClosed);
}

TEST(Lifecycle, ASiteRevokedBeforeItContributesIsTreatedAsDropped) {
  for (const Phase phase : {Phase::kHello, Phase::kKeys, Phase::kShares, Phase::kMasked}) {
    simulation::SimHooks hooks;  // the fourth is slow in the phase in which it is revoked
    hooks.delay = [phase](const Hop& hop) {
      return Duration(hop.to_coordinator && hop.site == kOther && IsPhase(hop.envelope, phase) ? 5000 : 0);
    };
    Toy toy(FourSites(), hooks);
    ASSERT_TRUE(toy->Run([&] { return toy->trial().current() != nullptr && toy->trial().phase() == phase; }).ok());
    toy->Revoke({kOther});
    ASSERT_TRUE(toy->Run({}, kHours).ok());
    EXPECT_TRUE(toy->finished()) << ToString(phase);
    EXPECT_EQ(toy.check.wrong(), 0u);
    for (const auto& record : toy->trial().history()) {
      if (!record.committed) continue;  // a site may hear of it before the coordinator's list does
      EXPECT_EQ(record.included, Ids({1, 2, 3}));
      EXPECT_EQ(record.sites.at(kOther).reason, "revoked");
    }
  }
}

TEST(Lifecycle, ASiteRevokedAfterItContributedEndsTheAttempt) {
  simulation::SimHooks hooks;
  hooks.delay = [](const Hop& hop) { return Duration(hop.to_coordinator && hop.site.value == 1 ? 1000 : 0); };
  for (const Phase phase : {Phase::kMasked, Phase::kAgree}) {
    Toy toy(FourSites(), hooks);
    ASSERT_TRUE(toy->Run([&] {
                     if (toy->trial().phase() != phase) return false;
                     const auto& seen = toy->observed();
                     return std::any_of(seen.begin(), seen.end(), [](const auto& one) {
                       return one.kind == coordinator::Observe::Kind::kSiteHeard && one.phase == Phase::kMasked &&
                              one.site == kOther;
                     });
                   })
                    .ok());
    toy->Revoke({kOther});
    ASSERT_TRUE(toy->Run({}, kHours).ok());
    EXPECT_TRUE(toy->finished());
    EXPECT_FALSE(toy->trial().history()[0].committed);
    EXPECT_NE(toy->trial().history()[0].failure.find("revoked"), std::string::npos);
    EXPECT_EQ(toy->trial().history()[1].id, (RoundId{1, 1}));
    for (const auto& included : toy.check.included()) EXPECT_EQ(included, Ids({1, 2, 3}));
    EXPECT_EQ(toy.check.wrong(), 0u);
  }
}

TEST(Lifecycle, TheRoundThatAskedForSharesAlreadyIsTheLastOfASiteRevokedThen) {
  simulation::SimHooks hooks;
  hooks.delay = [](const Hop& hop) { return Duration(IsPhase(hop.envelope, Phase::kUnmask) ? 1000 : 0); };
  Toy toy(FourSites(), hooks);
  ASSERT_TRUE(toy->Run([&] { return toy->trial().phase() == Phase::kUnmask; }).ok());
  toy->Revoke({kOther});
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_TRUE(toy->finished());
  for (std::size_t i = 0; i < toy->trial().history().size(); ++i) {
    EXPECT_TRUE(toy->trial().history()[i].committed);
    EXPECT_EQ(toy->trial().history()[i].included, i == 0 ? Ids({1, 2, 3, 4}) : Ids({1, 2, 3}));
  }
  EXPECT_EQ(toy.check.wrong(), 0u);
}

TEST(Lifecycle, ANewRosterCountsFromTheNextRoundOn) {
  simulation::SimSettings settings = doubles::ToySettings(FourSites());
  Toy toy(std::move(settings), {});
  ASSERT_TRUE(toy->Run([&] { return toy->trial().phase() == Phase::kShares; }).ok());
  Roster next = toy->roster();
  next.version = 2;
  std::erase_if(next.entries, [](const RosterEntry& entry) { return entry.row.id == kOther; });
  toy->PublishRoster(next);
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy->trial().history()[0].included, Ids({1, 2, 3, 4}));
  EXPECT_EQ(toy->trial().history()[1].included, Ids({1, 2, 3}));
  EXPECT_EQ(toy->trial().history()[1].sites.size(), 3u);
  EXPECT_EQ(toy.check.wrong(), 0u);
}

TEST(Lifecycle, ARosterThatDoesNotFitIsRefused) {
  Toy toy(FourSites());
  ASSERT_TRUE(toy->Run([&] { return toy->trial().phase() == Phase::kShares; }).ok());
  const Roster first = toy->roster();
  const auto publish = [&](auto change) {
    Roster next = first;
    next.version = 2;
    change(next);
    const std::size_t before = toy->rejected().size();
    toy->PublishRoster(next);
    return std::any_of(toy->rejected().begin() + static_cast<std::ptrdiff_t>(before), toy->rejected().end(),
                       [](const auto& one) { return one.actor == kCoordinatorId; });
  };
  EXPECT_TRUE(publish([](Roster& roster) { roster.trial_id = "other"; }));
  EXPECT_TRUE(publish([](Roster& roster) { roster.entries[0].row.signing_key[0] ^= 1; }));
  EXPECT_TRUE(publish([](Roster& roster) { roster.entries.resize(3); }));  // two sites
  EXPECT_TRUE(publish([](Roster& roster) {
    RosterEntry fifth = roster.entries[4];
    fifth.row.id = SiteId{5};
    fifth.row.signing_key[0] ^= 1;
    fifth.row.spki[0] ^= 1;
    fifth.name = "fifth";
    roster.entries.push_back(fifth);  // the caps are proven for four
  }));
  EXPECT_EQ(toy->trial().roster()->version, 1u);
}

// --- cohorts ---------------------------------------------------------------------------------------------------------

simulation::SimSettings WithoutKps(const ToyPlan& plan, const std::set<std::uint32_t>& sites) {
  simulation::SimSettings settings = doubles::ToySettings(plan);
  for (auto& site : settings.sites) {
    if (!sites.contains(site.id.value)) continue;
    CohortSummary cohort = site.cohort;
    cohort.patients_per_block["feature_kps"] = 0;
    site.cohort = cohort;
    site.answer = [inner = site.answer](const Task& task, const Manifest& manifest,
                                        const Model& before) -> Result<Contribution> {
      ASSIGN_OR_RETURN(Contribution contribution, inner(task, manifest, before));
      const std::vector<std::string> blocks = manifest.Blocks();
      for (std::size_t i = 0; i < manifest.tensors.size(); ++i) {
        if (manifest.tensors[i].block() == "feature_kps") contribution.tensors[i] = Tensor::Zeros(manifest.tensors[i]);
      }
      for (std::size_t block = 0; block < blocks.size(); ++block) {
        if (blocks[block] == "feature_kps") contribution.blocks[block] = {};
      }
      return contribution;
    };
  }
  return settings;
}

// Words 2 and 3 are the weight and contributors of the second block, feature_kps.
std::uint64_t KpsContributors(const Toy& toy, std::size_t sum) {
  return std::get<std::vector<std::uint64_t>>(toy.check.words()[sum])[3];
}

TEST(Lifecycle, ABlockThatFewerThanThreeSitesFillIsSentAsZeros) {
  ToyPlan plan;
  plan.sites = 5;
  plan.min_sites = plan.threshold = 4;
  Toy two(WithoutKps(plan, {1, 2, 3}), {});
  ASSERT_TRUE(two->Run().ok());
  EXPECT_TRUE(two->finished());
  EXPECT_EQ(KpsContributors(two, 0), 0u);
  Toy three(WithoutKps(plan, {1, 2}), {});
  ASSERT_TRUE(three->Run().ok());
  EXPECT_EQ(KpsContributors(three, 0), 3u);
  EXPECT_EQ(two.check.wrong() + three.check.wrong(), 0u);
}

TEST(Lifecycle, ABlockThatLosesItsThirdSiteMeansAnotherAttemptWithoutIt) {
  ToyPlan plan;
  plan.sites = 5;
  plan.min_sites = plan.threshold = 4;
  simulation::SimHooks hooks;
  hooks.deliver = [](const Hop& hop) -> std::vector<Envelope> {
    if (hop.to_coordinator && hop.site.value == 5 && hop.envelope.phase >= 3) return {};
    return {hop.envelope};
  };
  simulation::SimSettings settings = WithoutKps(plan, {1, 2});
  Toy toy(std::move(settings), hooks);
  ASSERT_TRUE(toy->Run([&] { return !toy->trial().history().empty(); }).ok());
  EXPECT_NE(toy->trial().history()[0].failure.find("feature_kps"), std::string::npos);
  toy->Disconnect(SiteId{5});
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(KpsContributors(toy, 0), 0u);
  EXPECT_EQ(toy.check.wrong(), 0u);
}

// The honest coordinator wouldn't ask; a lying one is refused by each site that filled the block.
TEST(Lifecycle, ASiteRefusesASetInWhichItsBlockHasTooFewContributors) {
  ToyPlan plan;
  plan.sites = 5;
  plan.min_sites = 3;
  plan.threshold = 3;
  auto holder = std::make_shared<Toy*>(nullptr);
  simulation::SimHooks hooks;
  hooks.deliver = [holder](const Hop& hop) -> std::vector<Envelope> {
    if (hop.to_coordinator || !IsPhase(hop.envelope, Phase::kAgree)) return {hop.envelope};
    return {scenario::Changed<PhaseOpenBody>(**holder, hop.envelope,
                                             [](PhaseOpenBody& body) { std::erase(body.sites, SiteId{5}); })};
  };
  Toy toy(WithoutKps(plan, {1, 2}), hooks);
  *holder = &toy;
  ASSERT_TRUE(toy->Run([&] { return !toy->trial().history().empty(); }).ok());
  EXPECT_TRUE(scenario::Refused(toy, SiteId{3}, "only 2 included sites fill"));
  EXPECT_TRUE(scenario::Refused(toy, SiteId{4}, "only 2 included sites fill"));
}

TEST(Lifecycle, AFailedTaskIsASilentSiteAndIsTriedAgainInTheNextAttempt) {
  simulation::SimSettings settings = doubles::ToySettings(ToyPlan{});
  std::size_t failures = 1;
  settings.sites[1].answer = [&, inner = settings.sites[1].answer](const Task& task, const Manifest& manifest,
                                                                   const Model& before) -> Result<Contribution> {
    if (failures > 0) {
      --failures;
      return Error{ErrorCode::kInternal, "the worker died"};
    }
    return inner(task, manifest, before);
  };
  Toy toy(std::move(settings), {});
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy->trial().history()[0].sites.at(SiteId{2}).outcome, SiteOutcome::kLost);
  EXPECT_EQ(toy->trial().history()[1].id, (RoundId{1, 1}));
  EXPECT_EQ(toy.check.wrong(), 0u);
}

TEST(Lifecycle, ATaskThatReadOtherTablesThanWereDeclaredIsAFailedTask) {
  simulation::SimSettings settings = doubles::ToySettings(FourSites());
  settings.sites[3].answer = [inner = settings.sites[3].answer](const Task& task, const Manifest& manifest,
                                                                const Model& before) -> Result<Contribution> {
    ASSIGN_OR_RETURN(Contribution contribution, inner(task, manifest, before));
    contribution.cohort[0] = 1;
    return contribution;
  };
  Toy toy(std::move(settings), {});
  ASSERT_TRUE(toy->Run().ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy->traffic(kOther).upload_bytes, 0u);
  EXPECT_TRUE(scenario::Refused(toy, kOther, "other tables than were declared"));
}

TEST(Lifecycle, AStepThatCannotBeFinishedPausesTheTrialAndLosesTheRound) {
  simulation::SimSettings settings = doubles::ToySettings(FourSites());
  std::size_t failures = 1;
  settings.coordinator.finish = [&, inner = settings.coordinator.finish](
                                    const Task& task, const Sum& sum, const Model& before,
                                    const std::vector<SiteId>& included) -> Result<simulation::StepOutcome> {
    if (failures > 0) {
      --failures;
      return Error{ErrorCode::kUnavailable, "the disk is full"};
    }
    return inner(task, sum, before, included);
  };
  Toy toy(std::move(settings), {});
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_EQ(toy->trial().state(), TrialState::kPaused);
  EXPECT_EQ(toy->trial().history()[0].failure, "the disk is full");
  toy->TellCoordinator(coordinator::ResumeTrial{});
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy->trial().history()[1].id, (RoundId{2, 0}));
  EXPECT_EQ(toy.check.wrong(), 0u);
}

TEST(Lifecycle, ASiteGrantsOnlySoManyLostRounds) {
  ToyPlan plan = FourSites();
  plan.spare_rounds = 1;
  simulation::SimSettings settings = doubles::ToySettings(plan);
  settings.coordinator.finish = [](const Task&, const Sum&, const Model&,
                                   const std::vector<SiteId>&) -> Result<simulation::StepOutcome> {
    return Error{ErrorCode::kInternal, "lost on purpose"};
  };
  Toy toy(std::move(settings), {});
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(toy->Run({}, std::chrono::minutes(10)).ok());
    toy->TellCoordinator(coordinator::ResumeTrial{});
  }
  EXPECT_EQ(toy.check.sums(), 2u);  // the planned one and the spare one
  const auto& last = toy->trial().history().back();
  EXPECT_NE(last.sites.at(SiteId{1}).reason.find("this site grants 1"), std::string::npos);
}

TEST(Lifecycle, TheWaitBeforeARetryGrowsButNotForever) {
  Toy toy(FourSites());
  for (std::uint32_t id = 1; id <= 4; ++id) toy->Tell(SiteId{id}, site::PauseSite{"away"});
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(4)).ok());
  const std::size_t attempts = toy->trial().history().size();
  EXPECT_GT(attempts, 40u);  // 10, 20, 40, 80, 160, 320, 320, ... seconds
  EXPECT_LT(attempts, 55u);
  for (std::uint32_t id = 1; id <= 4; ++id) toy->Tell(SiteId{id}, site::ResumeSite{});
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_TRUE(toy->finished());
}

TEST(Lifecycle, ASiteForgetsAnAttemptOfWhichItHearsNothingMore) {
  Toy toy(FourSites());
  ASSERT_TRUE(toy->Run([&] { return toy->trial().phase() == Phase::kShares; }).ok());
  EXPECT_TRUE(toy->participant(kOther).standing().in_round);
  toy->Kill(kCoordinatorId);
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_FALSE(toy->participant(kOther).standing().in_round);
  toy->Restart(kCoordinatorId);
  ASSERT_TRUE(toy->Run({}, kHours).ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(toy.check.wrong(), 0u);
}

}  // namespace
}  // namespace fedtrial
