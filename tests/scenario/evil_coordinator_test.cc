#include <gtest/gtest.h>

#include "security/crypto/sha256.h"
#include "security/masking/context.h"
#include "security/pki/approval.h"
#include "security/pki/signed_bytes.h"
#include "tests/scenario/liar.h"

// A lying coordinator beyond one wrong field: two stories for two sites, two requests, old backups, other models.
namespace fedtrial {
namespace {

using doubles::FourSites;
using doubles::Ids;
using doubles::Toy;
using doubles::ToyPlan;
using scenario::Answers;
using scenario::Changed;
using scenario::IsPhase;
using scenario::kColluder;
using scenario::kVictim;
using scenario::Refused;
using simulation::Hop;

// --- two included sets -----------------------------------------------------------------------------------------------

TEST(EvilCoordinator, TwoIncludedSetsInOneAttemptOpenNothing) {
  std::optional<Digest> ctx;
  std::vector<Bytes> agrees;
  const auto toy = scenario::WithLies(FourSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (!ctx) ctx = hop.envelope.ctx;
    const Envelope& envelope = hop.envelope;
    if (envelope.ctx != *ctx) return {envelope};
    if (hop.to_coordinator && IsPhase(envelope, Phase::kAgree)) {
      agrees.push_back(EncodeEnvelope(envelope));
      return {};  // the liar keeps them
    }
    if (hop.to_coordinator || !IsPhase(envelope, Phase::kAgree)) return {envelope};
    return {Changed<PhaseOpenBody>(here, envelope, [&](PhaseOpenBody& body) {
      body.sites = hop.site.value <= 2 ? Ids({1, 2, 3, 4}) : Ids({1, 3, 4});
      if (hop.site.value == 2) body.sites = Ids({1, 2, 4});
    })};
  });
  ASSERT_TRUE((*toy)->Run([&] { return agrees.size() == 4; }).ok());
  // Shares are asked for with all four signatures, and with those of each set.
  for (const auto& set : {Ids({1, 2, 3, 4}), Ids({1, 2, 4}), Ids({1, 3, 4})}) {
    for (std::uint32_t id = 1; id <= 4; ++id) {
      PhaseOpenBody body;
      body.sites = set;
      body.envelopes = agrees;
      (*toy)->Tell(SiteId{id}, site::EnvelopeReceived{SignEnvelope((*toy)->key(kCoordinatorId), *ctx, 5, kCoordinatorId,
                                                                   SiteId{id}, 1000, body.Encode())});
    }
  }
  EXPECT_TRUE(doubles::SharesGivenOut(**toy).empty());
  ASSERT_TRUE((*toy)->Run({}, std::chrono::hours(3)).ok());
  EXPECT_TRUE((*toy)->finished());
  EXPECT_EQ(toy->check.wrong(), 0u);
  EXPECT_TRUE(doubles::SecretsClosed(**toy));
}

TEST(EvilCoordinator, ASecondIncludedSetAfterTheFirstIsNotSigned) {
  std::optional<Digest> ctx;
  const auto toy = scenario::WithLies(FourSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (!ctx) ctx = hop.envelope.ctx;
    if (hop.to_coordinator || hop.envelope.ctx != *ctx || !IsPhase(hop.envelope, Phase::kAgree)) return {hop.envelope};
    Envelope second = Changed<PhaseOpenBody>(here, hop.envelope, [&](PhaseOpenBody& body) {
      std::erase(body.sites, hop.site == kVictim ? SiteId{2} : kVictim);
    });
    second.sequence += 500;
    return {hop.envelope, scenario::Signed(here, second)};
  });
  ASSERT_TRUE((*toy)->Run().ok());
  EXPECT_TRUE((*toy)->finished());
  EXPECT_TRUE(Refused(*toy, kVictim, "only one is answered"));
  for (std::uint32_t id = 1; id <= 4; ++id) EXPECT_EQ(Answers(*toy, SiteId{id}, Phase::kAgree, *ctx), 1u);
  EXPECT_EQ(toy->check.wrong(), 0u);
}

// The coordinator comes back from a backup made before it asked for shares, and leaves one site out: the honest code
// itself is the liar then.
TEST(EvilCoordinator, ARestoredBackupGetsNoSecondSetOverAttempts) {
  bool cut = false;
  const auto toy = scenario::WithLies(FourSites(), [&](Toy&, const Hop& hop) -> std::vector<Envelope> {
    const bool shares = hop.to_coordinator && IsPhase(hop.envelope, Phase::kUnmask);
    const bool fourth = cut && hop.to_coordinator && hop.site == kColluder;
    return shares || fourth ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
  });
  Toy& here = *toy;
  ASSERT_TRUE(here->Run([&] { return here->trial().phase() == Phase::kMasked; }).ok());
  const std::vector<Bytes> backup = here->journal(kCoordinatorId);
  const auto released = [&] { return doubles::SharesGivenOut(*here).size() == 4; };
  ASSERT_TRUE(here->Run(released).ok());
  ASSERT_EQ(here->trial().phase(), Phase::kUnmask);
  cut = true;  // from now on the fourth site is "lost", and the others' masked words are asked for again
  here->Restore(kCoordinatorId, backup);
  ASSERT_TRUE(here->Run({}, std::chrono::hours(2)).ok());
  EXPECT_FALSE(here->finished());
  EXPECT_EQ(here.check.sums(), 0u);
  EXPECT_GE(here->trial().history().size(), 2u);
  EXPECT_TRUE(Refused(here, kVictim, "is old") || Refused(here, kVictim, "other words"));
  EXPECT_TRUE(Refused(here, kVictim, "only the same one is signed"));
  for (const auto& [key, given] : doubles::SharesGivenOut(*here)) EXPECT_TRUE(given.mask_keys.empty());
  EXPECT_TRUE(doubles::SecretsClosed(*here));
}

// The honest coordinator knows that it has asked: another set means a lost round, and the next trains anew.
TEST(EvilCoordinator, ALostRoundIsTrainedAnewWithTheSameSitesOrNotAtAll) {
  std::optional<Digest> ctx;
  const auto toy = scenario::WithLies(FourSites(), [&](Toy&, const Hop& hop) -> std::vector<Envelope> {
    if (!ctx) ctx = hop.envelope.ctx;
    const bool lost = hop.to_coordinator && IsPhase(hop.envelope, Phase::kUnmask) && hop.envelope.ctx == *ctx;
    return lost ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
  });
  Toy& here = *toy;
  ASSERT_TRUE(here->Run([&] { return !here->trial().history().empty(); }).ok());
  here->Disconnect(kColluder);
  ASSERT_TRUE(here->Run([&] { return here->trial().history().size() == 2; }).ok());
  EXPECT_NE(here->trial().history()[1].failure.find("the round is lost"), std::string::npos);
  // Statistics of the same cohort come out the same: with one site less they would give its numbers away.
  ASSERT_TRUE(here->Run([&] { return here->trial().history().size() == 3; }).ok());
  EXPECT_EQ(here->trial().history()[2].id, (RoundId{2, 0}));
  EXPECT_FALSE(here->trial().history()[2].committed);
  EXPECT_TRUE(Refused(here, kVictim, "differs in 1 sites"));
  here->Connect(kColluder);
  ASSERT_TRUE(here->Run({}, std::chrono::hours(3)).ok());
  EXPECT_TRUE(here->finished());
  EXPECT_EQ(here.check.wrong(), 0u);
  EXPECT_TRUE(doubles::SecretsClosed(*here));
}

TEST(EvilCoordinator, ASecondRequestAfterARestartIsRefused) {
  for (const bool killed_before_send : {false, true}) {
    std::optional<Digest> ctx;
    Bytes request;
    simulation::SimHooks hooks;
    bool releasing = false, died = false;
    hooks.on_site_effects = [&](SiteId site, const site::Effects& effects) {
      releasing = site == kVictim && std::any_of(effects.begin(), effects.end(), [](const auto& effect) {
                    const auto* send = std::get_if<site::Send>(&effect);
                    return send != nullptr && IsPhase(send->envelope, Phase::kUnmask);
                  });
    };
    hooks.crash = [&](SiteId actor, std::uint64_t, bool before) {
      if (!killed_before_send || died || actor != kVictim || before || !releasing) return false;
      return died = true;
    };
    const auto toy = scenario::WithLies(
        FourSites(),
        [&](Toy&, const Hop& hop) -> std::vector<Envelope> {
          if (!ctx) ctx = hop.envelope.ctx;
          if (!hop.to_coordinator && hop.site == kVictim && IsPhase(hop.envelope, Phase::kUnmask) && request.empty())
            request = hop.envelope.body;
          if (hop.to_coordinator && IsPhase(hop.envelope, Phase::kUnmask)) return {};
          return {hop.envelope};
        },
        hooks);
    Toy& here = *toy;
    const auto all_asked = [&] { return doubles::SharesGivenOut(*here).size() == 4 && (died || !killed_before_send); };
    ASSERT_TRUE(here->Run(all_asked).ok());
    if (!killed_before_send) {
      here->Kill(kVictim);
      here->Restart(kVictim);
    }
    ASSERT_TRUE(here->Run([&] { return here->now() > Time(std::chrono::seconds(30)); }).ok());
    const std::size_t given = Answers(here, kVictim, Phase::kUnmask, *ctx);
    PhaseOpenBody other = PhaseOpenBody::Decode(request).value();
    std::erase(other.sites, kColluder);
    for (const std::uint64_t sequence : {20u, 1000u}) {
      here->Tell(kVictim, site::EnvelopeReceived{SignEnvelope(here->key(kCoordinatorId), *ctx, 5, kCoordinatorId,
                                                              kBroadcastId, sequence, other.Encode())});
      PhaseOpenBody agree;
      agree.sites = other.sites;
      here->Tell(kVictim, site::EnvelopeReceived{SignEnvelope(here->key(kCoordinatorId), *ctx, 4, kCoordinatorId,
                                                              kBroadcastId, sequence + 1, agree.Encode())});
    }
    EXPECT_EQ(Answers(here, kVictim, Phase::kUnmask, *ctx), given);
    EXPECT_EQ(Answers(here, kVictim, Phase::kAgree, *ctx), 1u);
    std::set<Bytes> bodies;  // what was sent, again after the restart, is the same
    for (const auto& [site, envelope] : here->sent_by_sites()) {
      if (site == kVictim && IsPhase(envelope, Phase::kUnmask)) bodies.insert(EncodeEnvelope(envelope));
    }
    EXPECT_EQ(bodies.size(), 1u);
    EXPECT_TRUE(doubles::SecretsClosed(*here));
  }
}

// --- two views -------------------------------------------------------------------------------------------------------

TEST(EvilCoordinator, TwoViewsOfKeysEndWithTheSignaturesOverThem) {
  std::optional<Digest> ctx;
  const auto toy = scenario::WithLies(FourSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (!ctx) ctx = hop.envelope.ctx;
    if (hop.to_coordinator || hop.envelope.ctx != *ctx || !IsPhase(hop.envelope, Phase::kShares) || hop.site.value > 2)
      return {hop.envelope};
    return {Changed<PhaseOpenBody>(here, hop.envelope, [&](PhaseOpenBody& body) {
      scenario::ChangeForwarded(here, body, kColluder, true, [](Envelope& envelope) {
        KeysBody keys = KeysBody::Decode(envelope.body).value();
        keys.mask_key[0] ^= 0x10;
        envelope.body = keys.Encode();
      });
    })};
  });
  Toy& here = *toy;
  ASSERT_TRUE(here->Run([&] { return !here->trial().history().empty(); }).ok());
  EXPECT_FALSE(here->trial().history().front().committed);
  EXPECT_EQ(here.check.sums(), 0u);
  EXPECT_TRUE(scenario::Saw(here, coordinator::Observe::Kind::kViolation, kVictim, "signed other keys"));
  EXPECT_TRUE(doubles::SharesGivenOut(*here).empty());
}

TEST(EvilCoordinator, TwoViewsOfTheLiveSitesEndWithTheSignaturesOverThem) {
  for (const Phase phase : {Phase::kShares, Phase::kMasked}) {
    std::optional<Digest> ctx;
    const auto toy = scenario::WithLies(FourSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
      if (!ctx) ctx = hop.envelope.ctx;
      if (hop.to_coordinator || hop.envelope.ctx != *ctx || !IsPhase(hop.envelope, phase) || hop.site.value > 2)
        return {hop.envelope};
      return {Changed<PhaseOpenBody>(here, hop.envelope, [&](PhaseOpenBody& body) {
        std::erase(body.sites, kColluder);
        std::erase_if(body.envelopes, [](const Bytes& one) { return DecodeEnvelope(one).value().sender == kColluder; });
      })};
    });
    Toy& here = *toy;
    ASSERT_TRUE(here->Run([&] { return !here->trial().history().empty(); }).ok());
    EXPECT_FALSE(here->trial().history().front().committed);
    EXPECT_EQ(here.check.sums(), 0u);
    EXPECT_TRUE(doubles::SharesGivenOut(*here).empty());
  }
}

// --- the opening of a round
// -------------------------------------------------------------------------------------------

struct RoundLie {
  std::string name;
  std::string refusal;
  std::function<void(const Toy&, Envelope&, RoundOpenBody&)> change;
};

class EvilRound : public ::testing::TestWithParam<RoundLie> {};

// In the second round, when there is a chain.
TEST_P(EvilRound, IsRefusedByTheSiteAndTheOthersGoOn) {
  const RoundLie& lie = GetParam();
  std::optional<Digest> ctx;
  const auto toy = scenario::WithLies(FourSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (hop.to_coordinator || hop.site != kVictim || !IsPhase(hop.envelope, Phase::kHello)) return {hop.envelope};
    Envelope envelope = hop.envelope;
    RoundOpenBody body = RoundOpenBody::Decode(envelope.body).value();
    if (body.round.round != 2) return {envelope};
    ctx = envelope.ctx;
    lie.change(here, envelope, body);
    return {scenario::Resigned(here, envelope, body.Encode())};
  });
  Toy& here = *toy;
  ASSERT_TRUE(here->Run().ok());
  EXPECT_TRUE(here->finished());
  EXPECT_TRUE(Refused(here, kVictim, lie.refusal));
  EXPECT_EQ(Answers(here, kVictim, Phase::kHello, *ctx), 0u);
  EXPECT_EQ(here->trial().history()[1].included, Ids({2, 3, 4}));
  EXPECT_EQ(here->trial().history()[2].included, Ids({1, 2, 3, 4}));
  EXPECT_EQ(here.check.wrong(), 0u);
}

void SignLink(const Toy& toy, ModelLink& link) {
  link.signature = SignLabelled(toy.federation->key(kCoordinatorId), kModelLabel, link.SignedPart());
}

INSTANTIATE_TEST_SUITE_P(
    Lies, EvilRound,
    ::testing::Values(
        RoundLie{"AnotherRoster", "this site has pinned",
                 [](const Toy&, Envelope&, RoundOpenBody& body) { body.roster_hash[0] ^= 1; }},
        RoundLie{"AnotherManifest", "the plan gives",
                 [](const Toy&, Envelope&, RoundOpenBody& body) { body.manifest_hash[0] ^= 1; }},
        RoundLie{"AnotherContext", "isn't bound to",
                 [](const Toy&, Envelope& envelope, RoundOpenBody&) { envelope.ctx[0] ^= 1; }},
        RoundLie{"AnotherPlaceInThePlan", "doesn't stand at",
                 [](const Toy&, Envelope&, RoundOpenBody& body) { body.step = 2; }},
        RoundLie{"AlreadyDone", "doesn't stand at", [](const Toy&, Envelope&, RoundOpenBody& body) { body.step = 0; }},
        RoundLie{"AModelThatIsNotTheLast", "isn't the chain's last",
                 [](const Toy&, Envelope&, RoundOpenBody& body) { body.model[0] ^= 1; }},
        RoundLie{"AnotherModelThanWasCommitted", "something else",
                 [](const Toy& toy, Envelope&, RoundOpenBody& body) {
                   body.links.back().model[0] ^= 1;
                   body.model = body.links.back().model;
                   SignLink(toy, body.links.back());
                 }},
        RoundLie{"AShorterChain", "this site has seen",
                 [](const Toy&, Envelope&, RoundOpenBody& body) {
                   body.links.clear();
                   body.model = {};
                 }},
        RoundLie{"ALongerChainWithoutSignature", "isn't signed by the coordinator",
                 [](const Toy&, Envelope&, RoundOpenBody& body) {
                   ModelLink link = body.links.back();
                   link.before = link.model;
                   link.round = 2;
                   body.round.round = 3;
                   body.links.push_back(link);
                 }},
        RoundLie{"ALinkThatDoesNotFollow", "doesn't follow",
                 [](const Toy& toy, Envelope&, RoundOpenBody& body) {
                   ModelLink link = body.links.back();
                   link.round = 2;
                   SignLink(toy, link);
                   body.round.round = 3;
                   body.links.push_back(link);
                 }},
        RoundLie{"AnOldRound", "was open here before",
                 [](const Toy&, Envelope&, RoundOpenBody& body) { body.round.round = 1; }},
        RoundLie{"RoundZero", "count from 1", [](const Toy&, Envelope&, RoundOpenBody& body) { body.round.round = 0; }},
        RoundLie{"ForOneSiteOnly", "for all sites",
                 [](const Toy&, Envelope& envelope, RoundOpenBody&) { envelope.receiver = kVictim; }}),
    [](const auto& info) { return info.param.name; });

TEST(EvilCoordinator, AnotherPlanIsDeclinedAndNeverTrained) {
  simulation::SimHooks hooks;
  std::size_t tasks = 0;
  hooks.task_time = [&](SiteId site, const Task&) {
    tasks += site == kVictim ? 1 : 0;
    return Duration(0);
  };
  const auto toy = scenario::WithLies(
      FourSites(),
      [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
        if (hop.to_coordinator || hop.site != kVictim || !IsPhase(hop.envelope, Phase::kHello)) return {hop.envelope};
        return {Changed<RoundOpenBody>(here, hop.envelope, [](RoundOpenBody& body) { body.plan_hash[0] ^= 1; })};
      },
      hooks);
  ASSERT_TRUE((*toy)->Run().ok());
  EXPECT_TRUE((*toy)->finished());
  EXPECT_EQ(tasks, 0u);
  for (const auto& record : (*toy)->trial().history())
    EXPECT_EQ(record.sites.at(kVictim).reason, "its operator has approved another plan");
}

// A site that missed the first round is told another model: it can't check, but its messages then fit nobody else's.
TEST(EvilCoordinator, DifferentModelsForDifferentSitesNeverMeetInOneSum) {
  Digest other{};
  const auto toy = scenario::WithLies(FourSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (hop.to_coordinator || hop.site != kVictim || !IsPhase(hop.envelope, Phase::kHello)) return {hop.envelope};
    Envelope envelope = hop.envelope;
    RoundOpenBody body = RoundOpenBody::Decode(envelope.body).value();
    if (body.round.round != 2) return {envelope};
    // The chain's first model is replaced by one that the coordinator signs for this site alone.
    body.links[0].model[0] ^= 1;
    other = body.model = body.links[0].model;
    SignLink(here, body.links[0]);
    Manifest manifest = Layout(here->plan(), TaskAt(here->plan(), {1, 0, false}, 2), {}, body.model).value();
    body.manifest_hash = Sha256(AsBytes(manifest.CanonicalJson()));
    envelope.ctx = Context({"toy", body.round, body.roster_hash, body.manifest_hash, body.plan_hash});
    return {scenario::Resigned(here, envelope, body.Encode())};
  });
  Toy& here = *toy;
  here->Disconnect(kVictim);
  ASSERT_TRUE(here->Run([&] { return here->trial().links().size() == 1; }).ok());
  here->Connect(kVictim);
  ASSERT_TRUE(here->Run([&] { return here->participant(kVictim).standing().round == RoundId{2, 0}; }).ok());
  here->Tell(kVictim, site::ModelReady{other, {}});
  ASSERT_TRUE(here->Run([&] { return here->trial().links().size() == 2; }, std::chrono::hours(3)).ok());
  EXPECT_TRUE(Refused(here, kCoordinatorId, "for another attempt"));
  EXPECT_EQ(here->trial().history()[1].included, Ids({2, 3, 4}));
  EXPECT_EQ(here.check.wrong(), 0u);
}

// --- the end of a round
// -----------------------------------------------------------------------------------------------

TEST(EvilCoordinator, AFalseCommitIsRefused) {
  const std::vector<std::pair<std::string, std::function<void(const Toy&, CommitBody&)>>> lies = {
      {"isn't signed by the coordinator", [](const Toy&, CommitBody& body) { body.link.model[0] ^= 1; }},
      {"doesn't follow",
       [](const Toy& toy, CommitBody& body) {
         body.link.before[0] ^= 1;
         SignLink(toy, body.link);
       }},
      {"isn't the one that is named", [](const Toy&, CommitBody& body) { body.included.pop_back(); }},
      {"than this site signed",
       [](const Toy& toy, CommitBody& body) {
         body.included.pop_back();
         body.link.included = SetHash(kIncludedSet, toy.federation->sent_by_sites().back().second.ctx, body.included);
         SignLink(toy, body.link);
       }},
      {"commits the model of round", [](const Toy& toy, CommitBody& body) {
         body.link.round = 7;
         SignLink(toy, body.link);
       }}};
  for (const auto& [refusal, change] : lies) {
    std::optional<Digest> ctx;
    const auto toy = scenario::WithLies(FourSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
      if (!ctx) ctx = hop.envelope.ctx;
      if (hop.site != kVictim || hop.envelope.ctx != *ctx || !IsPhase(hop.envelope, Phase::kCommit))
        return {hop.envelope};
      return {Changed<CommitBody>(here, hop.envelope, [&](CommitBody& body) { change(here, body); })};
    });
    ASSERT_TRUE((*toy)->Run().ok());
    EXPECT_TRUE(Refused(*toy, kVictim, refusal)) << refusal;
    // The next opening carries the true chain, so nothing is lost.
    EXPECT_EQ((*toy)->participant(kVictim).standing().model, (*toy)->trial().links().back().model);
  }
}

// --- replay, roster, plan
// ----------------------------------------------------------------------------------------------

TEST(EvilCoordinator, EveryRecordedMessageIsRefusedInTheNextRound) {
  Toy quiet(FourSites());
  ASSERT_TRUE(quiet->Run().ok());
  std::vector<std::pair<bool, std::pair<SiteId, Envelope>>> recorded;
  std::size_t replayed = 0;
  const auto toy = scenario::WithLies(FourSites(), [&](Toy&, const Hop& hop) {
    std::vector<Envelope> arriving;
    for (const auto& [to_coordinator, message] : recorded) {
      if (to_coordinator != hop.to_coordinator || message.first != hop.site || message.second.ctx == hop.envelope.ctx)
        continue;
      arriving.push_back(message.second);
      ++replayed;
    }
    recorded.push_back({hop.to_coordinator, {hop.site, hop.envelope}});
    arriving.push_back(hop.envelope);
    return arriving;
  });
  ASSERT_TRUE((*toy)->Run().ok());
  EXPECT_GT(replayed, 1000u);
  EXPECT_EQ((*toy)->rejected().size(), replayed);
  EXPECT_EQ((*toy)->sent_by_sites(), quiet->sent_by_sites());
  EXPECT_EQ((*toy)->trial().links(), quiet->trial().links());
}

TEST(EvilCoordinator, ARosterIsTakenOnlySignedAndWithAHigherVersion) {
  Toy toy(FourSites());
  ASSERT_TRUE(toy->Run([&] { return toy->trial().links().size() == 1; }).ok());
  const SiteId site{1};
  const std::uint32_t version = toy->participant(site).roster()->version;
  const auto tell = [&](Roster roster, const SigningKey& key) {
    toy->Tell(site, site::RosterReceived{Pack(SignRoster(key, roster).value())});
  };
  Roster next = toy->roster();
  next.version = 2;
  tell(next, toy->key(kCoordinatorId));  // signed by the wrong one
  Roster same = toy->roster();
  same.entries.pop_back();
  tell(same, toy->consortium());  // the same version, other rows
  Roster foreign = next;
  foreign.trial_id = "other";
  tell(foreign, toy->consortium());
  Roster without = next;
  std::erase_if(without.entries, [&](const RosterEntry& entry) { return entry.row.id == site; });
  tell(without, toy->consortium());
  toy->Tell(site, site::RosterReceived{{1, 2, 3}});
  EXPECT_EQ(toy->participant(site).roster()->version, version);
  EXPECT_GE(toy->rejected().size(), 5u);
  tell(next, toy->consortium());
  EXPECT_EQ(toy->participant(site).roster()->version, 2u);
  tell(toy->roster(), toy->consortium());  // back to version 1
  EXPECT_EQ(toy->participant(site).roster()->version, 2u);
}

TEST(EvilCoordinator, APlanIsTakenOnlyWithBothSignatures) {
  simulation::SimSettings settings = doubles::ToySettings(FourSites());
  const std::string text = settings.plan;
  settings.sites[0].approves = false;
  Toy toy(std::move(settings), {});
  const Plan& plan = toy->plan();
  const auto plan_signature = [&](const SigningKey& key) {
    const Signature signature = SignPlan(key, plan.hash);
    return Bytes(signature.begin(), signature.end());
  };
  const auto approval = [&](const SigningKey& key, Digest hash) {
    return SignApproval(key, {hash, "somebody", "", "yes", {}}).Encode();
  };
  const SigningKey& mine = toy->key(kVictim);
  const Bytes toml = ToBytes(AsBytes(text));
  const auto tell = [&](Bytes what, Bytes approved, Bytes signature) {
    toy->Tell(kVictim, site::PlanApproved{std::move(what), std::move(approved), std::move(signature)});
    return toy->participant(kVictim).plan().has_value();
  };
  EXPECT_FALSE(tell(toml, approval(mine, plan.hash), plan_signature(mine)));
  EXPECT_FALSE(tell(toml, approval(mine, plan.hash), {}));
  EXPECT_FALSE(tell(toml, approval(toy->key(kColluder), plan.hash), plan_signature(toy->consortium())));
  EXPECT_FALSE(tell(toml, approval(mine, {}), plan_signature(toy->consortium())));
  EXPECT_FALSE(tell({}, approval(mine, plan.hash), plan_signature(toy->consortium())));
  EXPECT_FALSE(tell(toml, {}, plan_signature(toy->consortium())));
  Bytes changed = toml;
  changed.push_back('\n');
  EXPECT_FALSE(tell(changed, approval(mine, plan.hash), plan_signature(toy->consortium())));
  EXPECT_TRUE(tell(toml, approval(mine, plan.hash), plan_signature(toy->consortium())));
}

}  // namespace
}  // namespace fedtrial
