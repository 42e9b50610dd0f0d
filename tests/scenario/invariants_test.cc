#include <algorithm>
#include <gtest/gtest.h>

#include "security/crypto/seeded_random.h"
#include "tests/scenario/liar.h"

// DESIGN.md, "Rounds": each invariant by its name.
namespace fedtrial {
namespace {

using doubles::FourSites;
using doubles::Ids;
using doubles::Toy;
using doubles::ToyPlan;
using scenario::IsPhase;
using simulation::Hop;
using simulation::SimHooks;

constexpr SiteId kLast{4};

std::size_t Violations(const Toy& toy) {
  const auto& observed = toy.federation->observed();
  return static_cast<std::size_t>(std::count_if(observed.begin(), observed.end(), [](const auto& one) {
    return one.kind == coordinator::Observe::Kind::kViolation;
  }));
}

TEST(Invariants, FrozenSetNeverGrows) {
  SimHooks hooks;
  hooks.deliver = [](const Hop& hop) {
    // The fourth site's word comes after the deadline of Masked, twice.
    return hop.to_coordinator && hop.site == kLast && IsPhase(hop.envelope, Phase::kMasked)
               ? std::vector<Envelope>{hop.envelope, hop.envelope}
               : std::vector<Envelope>{hop.envelope};
  };
  hooks.delay = [](const Hop& hop) {
    const bool late = hop.to_coordinator && hop.site == kLast && IsPhase(hop.envelope, Phase::kMasked);
    return Duration(late ? 60'500 : hop.to_coordinator && hop.envelope.phase == 4 ? 1000 : 0);
  };
  Toy toy(FourSites(), hooks);
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
  ASSERT_EQ(toy.check.sums(), doubles::kToyRounds);
  EXPECT_EQ(toy.check.wrong(), 0u);
  for (const auto& included : toy.check.included()) EXPECT_EQ(included, Ids({1, 2, 3}));
  const auto refused = std::count_if(toy->rejected().begin(), toy->rejected().end(), [](const auto& rejection) {
    return rejection.actor == kCoordinatorId && rejection.error.code == ErrorCode::kWrongPhase;
  });
  EXPECT_GE(refused, 2);
}

TEST(Invariants, NeverAsksBothShareKindsOfOneSite) {
  SimHooks hooks;
  std::size_t asked = 0;
  hooks.deliver = [&](const Hop& hop) -> std::vector<Envelope> {
    if (!hop.to_coordinator && IsPhase(hop.envelope, Phase::kUnmask)) ++asked;
    const bool lost = hop.to_coordinator && hop.site == kLast && IsPhase(hop.envelope, Phase::kMasked);
    return lost ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
  };
  Toy toy(FourSites(), hooks);
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
  EXPECT_EQ(toy.check.wrong(), 0u);
  EXPECT_GT(asked, 0u);
  const auto given = doubles::SharesGivenOut(*toy);
  ASSERT_EQ(given.size(), 4 * doubles::kToyRounds);
  for (const auto& [key, kinds] : given) {
    EXPECT_TRUE(kinds.self_seeds.empty() || kinds.mask_keys.empty());
    EXPECT_EQ(key.second == kLast, kinds.self_seeds.empty());
  }
}

TEST(Invariants, NoSumBelowMinSites) {
  SimHooks hooks;
  hooks.deliver = [](const Hop& hop) -> std::vector<Envelope> {
    if (hop.to_coordinator && hop.site.value == 3 && hop.envelope.phase >= 3) return {};
    return {hop.envelope};
  };
  Toy toy(ToyPlan{}, hooks);
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(2)).ok());
  EXPECT_FALSE(toy->finished());
  EXPECT_EQ(toy.check.sums(), 0u);
  EXPECT_GE(toy->trial().history().size(), 3u);
  for (const auto& record : toy->trial().history()) {
    EXPECT_FALSE(record.committed);
    EXPECT_FALSE(record.failure.empty());
    EXPECT_EQ(record.sites.at(SiteId{3}).outcome, coordinator::SiteOutcome::kLost);
  }
  EXPECT_TRUE(doubles::SharesGivenOut(*toy).empty());
}

// The shares are a site's budget: that they went out is durable before they do.
TEST(Invariants, BudgetChargedBeforePublish) {
  SimHooks hooks;
  std::size_t releases = 0, uncharged = 0;
  hooks.on_site_effects = [&](SiteId, const site::Effects& effects) {
    bool audited = false, journalled = false;
    for (const auto& effect : effects) {
      if (const auto* audit = std::get_if<site::Audit>(&effect)) audited = audited || audit->action == "release";
      journalled = journalled || std::holds_alternative<site::Journal>(effect);
      const auto* send = std::get_if<site::Send>(&effect);
      if (send == nullptr || !IsPhase(send->envelope, Phase::kUnmask)) continue;
      ++releases;
      uncharged += audited && journalled ? 0 : 1;
    }
  };
  Toy toy(ToyPlan{}, hooks);
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
  EXPECT_EQ(releases, 3 * doubles::kToyRounds);
  EXPECT_EQ(uncharged, 0u);
}

template <typename Effects, typename Journal, typename Compact>
bool JournalledFirst(const Effects& effects) {
  bool journalled = false;
  for (const auto& effect : effects) {
    const bool audit = std::visit(
        [](const auto& one) {
          using Kind = std::decay_t<decltype(one)>;
          return std::is_same_v<Kind, coordinator::Audit> || std::is_same_v<Kind, site::Audit>;
        },
        effect);
    if (std::holds_alternative<Journal>(effect) || std::holds_alternative<Compact>(effect))
      journalled = true;
    else if (!journalled && !audit)
      return false;
  }
  return true;
}

TEST(Invariants, JournalBeforeReply) {
  SimHooks hooks;
  std::size_t unwritten = 0, replies = 0;
  hooks.on_site_effects = [&](SiteId, const site::Effects& effects) {
    replies += effects.empty() ? 0 : 1;
    unwritten += JournalledFirst<site::Effects, site::Journal, site::CompactJournal>(effects) ? 0 : 1;
  };
  hooks.on_coordinator_effects = [&](const coordinator::Effects& effects) {
    replies += effects.empty() ? 0 : 1;
    unwritten +=
        JournalledFirst<coordinator::Effects, coordinator::Journal, coordinator::CompactJournal>(effects) ? 0 : 1;
  };
  Toy toy(ToyPlan{}, hooks);
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
  EXPECT_GT(replies, 100u);
  // TaskFailed and resends aside, of which there are none here.
  EXPECT_EQ(unwritten, 0u);
}

// Every message is followed by copies with one changed byte in each part; none leaves a trace.
TEST(Invariants, RejectedInputChangesNothing) {
  Toy quiet(ToyPlan{});
  ASSERT_TRUE(quiet->Run({}, std::chrono::hours(3)).ok());

  SimHooks hooks;
  std::uint64_t altered = 0;
  hooks.deliver = [&](const Hop& hop) {
    std::vector<Envelope> arriving;
    const auto alter = [&](auto change) {
      Envelope bad = hop.envelope;
      change(bad);
      arriving.push_back(std::move(bad));
      ++altered;
    };
    alter([](Envelope& e) { e.ctx[5] ^= 1; });
    alter([](Envelope& e) { e.phase ^= 1; });
    alter([](Envelope& e) { e.sender.value ^= 2; });
    alter([](Envelope& e) { e.receiver.value ^= 1; });
    alter([](Envelope& e) { e.sequence += 1; });
    alter([&](Envelope& e) { e.body[altered % e.body.size()] ^= 0x40; });
    alter([](Envelope& e) { e.signature[7] ^= 4; });
    arriving.push_back(hop.envelope);
    return arriving;
  };
  Toy loud(ToyPlan{}, hooks);
  ASSERT_TRUE(loud->Run({}, std::chrono::hours(3)).ok());
  EXPECT_EQ(loud.check.wrong(), 0u);
  EXPECT_EQ(loud->sent_by_sites(), quiet->sent_by_sites());
  EXPECT_EQ(loud->trial().links(), quiet->trial().links());
  EXPECT_EQ(loud->journal(kCoordinatorId), quiet->journal(kCoordinatorId));
  for (const std::uint32_t id : {1u, 2u, 3u}) EXPECT_EQ(loud->journal(SiteId{id}), quiet->journal(SiteId{id}));
  EXPECT_EQ(Violations(loud), 0u);
  EXPECT_GE(loud->rejected().size(), altered);
}

struct NoRandom : Random {
  void Fill(std::span<std::uint8_t>) override { ADD_FAILURE() << "a replay draws randomness"; }
};

std::string Shown(const coordinator::RoundRecord* record) {
  if (record == nullptr) return "none";
  std::string text = ToString(record->id) + record->task.kind + record->failure;
  for (const auto& [site, one] : record->sites) text += std::to_string(static_cast<int>(one.outcome)) + one.reason;
  for (const SiteId site : record->included) text += ToString(site);
  return text;
}

TEST(Invariants, ReplayOfJournalGivesSameState) {
  SimHooks hooks;
  hooks.upload_arrives = [](SiteId site, RoundId round) { return site != kLast || round != RoundId{2, 0}; };
  Toy toy(FourSites(), hooks);
  std::size_t compared = 0;
  const auto compare = [&] {
    coordinator::Trial replayed(
        {toy->plan(), toy->consortium().PublicKey(), SigningKey::FromSeed(toy->key(kCoordinatorId).seed()).value()});
    for (const Bytes& record : toy->journal(kCoordinatorId)) EXPECT_TRUE(replayed.Replay(record).ok());
    const coordinator::Trial& trial = toy->trial();
    EXPECT_EQ(replayed.state(), trial.state());
    EXPECT_EQ(replayed.position(), trial.position());
    EXPECT_EQ(replayed.phase(), trial.phase());
    EXPECT_EQ(replayed.links(), trial.links());
    EXPECT_EQ(replayed.history().size(), trial.history().size());
    EXPECT_EQ(Shown(replayed.current()), Shown(trial.current()));
    for (std::uint32_t id = 1; id <= 4; ++id) EXPECT_EQ(replayed.CatchUp(SiteId{id}), trial.CatchUp(SiteId{id}));
    NoRandom random;
    for (std::uint32_t id = 1; id <= 4; ++id) {
      site::Participant participant({SiteId{id},
                                     "toy",
                                     SigningKey::FromSeed(toy->key(SiteId{id}).seed()).value(),
                                     toy->consortium().PublicKey(),
                                     {}},
                                    random);
      for (const Bytes& record : toy->journal(SiteId{id})) EXPECT_TRUE(participant.Replay(record).ok());
      const auto replayed_site = participant.standing(), site = toy->participant(SiteId{id}).standing();
      EXPECT_EQ(replayed_site.round, site.round);
      EXPECT_EQ(replayed_site.phase, site.phase);
      EXPECT_EQ(replayed_site.in_round, site.in_round);
      EXPECT_EQ(replayed_site.model, site.model);
      EXPECT_EQ(replayed_site.rounds_contributed, site.rounds_contributed);
    }
    ++compared;
    return ::testing::Test::HasFailure();
  };
  std::uint64_t event = 0;
  ASSERT_TRUE(toy->Run([&] { return toy->finished() || (++event % 7 == 0 && compare()); }).ok());
  compare();
  EXPECT_TRUE(toy->finished());
  EXPECT_GT(compared, 20u);
}

TEST(Invariants, AggregateIsTheSameInAnyOrder) {
  Toy first(FourSites());
  ASSERT_TRUE(first->Run({}, std::chrono::hours(3)).ok());
  for (std::uint64_t order = 1; order <= 6; ++order) {
    SimHooks hooks;
    SeededRandom random(order);
    hooks.delay = [&](const Hop&) { return Duration(UniformBelow(2000, random)); };
    hooks.task_time = [&](SiteId, const Task&) { return Duration(UniformBelow(9000, random)); };
    simulation::SimSettings settings = doubles::ToySettings(FourSites(), /*seed=*/1 + order);  // other masks too
    settings.threads = 1 + static_cast<unsigned>(order % 4);
    Toy again(std::move(settings), hooks);
    ASSERT_TRUE(again->Run({}, std::chrono::hours(3)).ok());
    EXPECT_EQ(again.check.words(), first.check.words());
    EXPECT_EQ(again->trial().links().back().model, first->trial().links().back().model);
  }
}

TEST(Invariants, NoContributionWithoutApprovedPlan) {
  simulation::SimSettings settings = doubles::ToySettings(FourSites());
  std::size_t tasks = 0;
  settings.sites[3].approves = false;
  settings.sites[3].answer = [&](const Task&, const Manifest&, const Model&) -> Result<Contribution> {
    ++tasks;
    return Error{ErrorCode::kInternal, "asked without approval"};
  };
  Toy toy(std::move(settings), {});
  ASSERT_TRUE(toy->Run({}, std::chrono::hours(3)).ok());
  EXPECT_TRUE(toy->finished());
  EXPECT_EQ(tasks, 0u);
  EXPECT_EQ(toy->traffic(kLast).upload_bytes, 0u);
  for (const auto& included : toy.check.included()) EXPECT_EQ(included, Ids({1, 2, 3}));
  for (const auto& record : toy->trial().history()) {
    EXPECT_EQ(record.sites.at(kLast).outcome, coordinator::SiteOutcome::kRefused);
    EXPECT_EQ(record.sites.at(kLast).reason, "its operator has not approved the plan");
  }
}

}  // namespace
}  // namespace fedtrial
