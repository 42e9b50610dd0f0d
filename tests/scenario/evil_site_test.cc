#include <gtest/gtest.h>

#include "security/masking/context.h"
#include "tests/scenario/liar.h"

// One lying site of five (threshold four): it is refused or blamed, and the round goes on with an exact sum.
namespace fedtrial {
namespace {

using doubles::Ids;
using doubles::Toy;
using doubles::ToyPlan;
using scenario::Changed;
using scenario::IsPhase;
using scenario::Refused;
using simulation::Hop;

constexpr SiteId kLiar{5};

ToyPlan FiveSites() {
  ToyPlan plan;
  plan.sites = 5;
  plan.min_sites = plan.threshold = 4;
  return plan;
}

struct SiteLie {
  std::string name;
  Phase phase;
  bool included;        // whether the liar's contribution is in the sum all the same
  std::string refusal;  // the coordinator's, of the site for this attempt; "": a plain error, the site is late or lost
  std::function<std::vector<Envelope>(const Toy&, const Envelope&)> change;
};

template <typename Body>
auto Change(std::function<void(Body&)> change) {
  return [change](const Toy& toy, const Envelope& envelope) {
    return std::vector<Envelope>{Changed<Body>(toy, envelope, change)};
  };
}

auto WithBody(Bytes body) {
  return [body](const Toy& toy, const Envelope& envelope) {
    return std::vector<Envelope>{scenario::Resigned(toy, envelope, body)};
  };
}

auto WithHeader(std::function<void(Envelope&)> change) {
  return [change](const Toy& toy, const Envelope& envelope) {
    Envelope changed = envelope;
    change(changed);
    return std::vector<Envelope>{scenario::Signed(toy, std::move(changed))};
  };
}

std::vector<SiteLie> SiteLies() {
  return {
      {"HelloForOneSite", Phase::kHello, false, "isn't for all sites",
       WithHeader([](Envelope& envelope) { envelope.receiver = SiteId{1}; })},
      {"HelloWithOtherBlocks", Phase::kHello, false, "blocks, the manifest has",
       Change<HelloBody>([](HelloBody& body) { body.blocks.push_back(true); })},
      {"HelloOfAnotherProtocol", Phase::kHello, false, "speaks protocol 2",
       Change<HelloBody>([](HelloBody& body) { body.protocol = 2; })},
      {"HelloOfGarbage", Phase::kHello, false, "", WithBody({1, 2, 3})},
      {"HelloTwiceUnderOneNumber", Phase::kHello, false, "other bytes under a number",
       [](const Toy& toy, const Envelope& envelope) {
         return std::vector<Envelope>{
             envelope, Changed<HelloBody>(toy, envelope, [](HelloBody& body) { body.software[0] ^= 1; })};
       }},
      {"HelloTwice", Phase::kHello, false, "said hello twice",
       [](const Toy& toy, const Envelope& envelope) {
         Envelope second = envelope;
         second.sequence = 2;
         return std::vector<Envelope>{envelope, scenario::Signed(toy, second)};
       }},
      {"KeysForOneSite", Phase::kKeys, false, "aren't for all sites",
       WithHeader([](Envelope& envelope) { envelope.receiver = kCoordinatorId; })},
      {"KeysWithAnotherR", Phase::kKeys, false, "another r", Change<KeysBody>([](KeysBody& body) { body.r[0] ^= 1; })},
      {"KeysOfLowOrder", Phase::kKeys, false, "low-order",
       Change<KeysBody>([](KeysBody& body) { body.channel_key = {1}; })},
      {"OneKeyTwice", Phase::kKeys, false, "comes twice",
       Change<KeysBody>([](KeysBody& body) { body.mask_key = body.channel_key; })},
      {"KeysOfGarbage", Phase::kKeys, false, "", WithBody({})},
      {"ShareForAStranger", Phase::kShares, false, "not its neighbour",
       WithHeader([](Envelope& envelope) { envelope.receiver = SiteId{99}; })},
      {"ShareForItself", Phase::kShares, false, "not its neighbour",
       WithHeader([](Envelope& envelope) { envelope.receiver = kLiar; })},
      {"ShareOfAnotherSize", Phase::kShares, false, "a share of 5 bytes", WithBody({1, 2, 3, 4, 5})},
      {"MaskedOfAnotherLength", Phase::kMasked, false, "bytes, the manifest has",
       Change<MaskedBody>([](MaskedBody& body) { body.length += 8; })},
      {"MaskedOfAnotherDigest", Phase::kMasked, false, "",
       Change<MaskedBody>([](MaskedBody& body) { body.digest[0] ^= 1; })},
      {"MaskedBlamesAStranger", Phase::kMasked, false, "that it was not sent",
       Change<MaskedBody>([](MaskedBody& body) { body.failed = Ids({99}); })},
      {"MaskedBlamesEverybody", Phase::kMasked, true, "", Change<MaskedBody>([](MaskedBody& body) {
         body.failed = Ids({1, 2, 3, 4});
       })},
      {"AgreeToOtherThings", Phase::kAgree, true, "",
       Change<AgreeBody>([](AgreeBody& body) { body.included[0] ^= 1; })},
      {"WrongShares", Phase::kUnmask, true, "", Change<UnmaskBody>([](UnmaskBody& body) {
         for (auto& item : body.self_seeds) item.share[0] ^= 1;
       })},
      {"SharesOfTheOtherKind", Phase::kUnmask, true, "",
       Change<UnmaskBody>([](UnmaskBody& body) { std::swap(body.self_seeds, body.mask_keys); })},
      {"SharesOfAStranger", Phase::kUnmask, true, "", Change<UnmaskBody>([](UnmaskBody& body) {
         body.self_seeds.push_back({SiteId{99}, {}});
       })},
      {"NotSigned", Phase::kKeys, false, "",
       [](const Toy&, const Envelope& envelope) {
         Envelope unsigned_one = envelope;
         unsigned_one.signature[0] ^= 1;
         return std::vector<Envelope>{unsigned_one};
       }},
      {"OfAnotherSite", Phase::kKeys, false, "",
       [](const Toy& toy, const Envelope& envelope) {
         Envelope stolen = envelope;
         stolen.sender = SiteId{1};  // signed with the liar's key
         stolen.signature = SignEnvelope(toy.federation->key(kLiar), stolen.ctx, stolen.phase, stolen.sender,
                                         stolen.receiver, stolen.sequence, stolen.body)
                                .signature;
         return std::vector<Envelope>{stolen};
       }},
      {"OfAStranger", Phase::kKeys, false, "",
       [](const Toy&, const Envelope& envelope) {
         Envelope stranger = envelope;
         stranger.sender = SiteId{99};
         return std::vector<Envelope>{stranger};
       }},
      {"OfAnotherPhase", Phase::kKeys, false, "", WithHeader([](Envelope& envelope) { envelope.phase = 3; })},
      {"WithAnOldNumber", Phase::kKeys, false, "", WithHeader([](Envelope& envelope) { envelope.sequence = 0; })},
      {"TooLarge", Phase::kKeys, false, "",
       WithHeader([](Envelope& envelope) { envelope.body.resize((1u << 20) + 1); })},
  };
}

class EvilSite : public ::testing::TestWithParam<SiteLie> {};

TEST_P(EvilSite, DoesNotStopTheRound) {
  const SiteLie& lie = GetParam();
  std::optional<Digest> ctx;
  simulation::SimHooks hooks;
  hooks.delay = [](const Hop& hop) { return Duration(hop.to_coordinator && hop.site.value == 4 ? 10 : 0); };
  const auto toy = scenario::WithLies(
      FiveSites(),
      [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
        if (!ctx) ctx = hop.envelope.ctx;
        if (!hop.to_coordinator || hop.site != kLiar || hop.envelope.ctx != *ctx || !IsPhase(hop.envelope, lie.phase))
          return {hop.envelope};
        return lie.change(here, hop.envelope);
      },
      hooks);
  Toy& here = *toy;
  ASSERT_TRUE(here->Run({}, std::chrono::hours(3)).ok());
  EXPECT_TRUE(here->finished());
  EXPECT_EQ(here.check.wrong(), 0u);
  const auto& record = here->trial().history().front();
  ASSERT_TRUE(record.committed) << record.failure;
  EXPECT_EQ(record.included, lie.included ? Ids({1, 2, 3, 4, 5}) : Ids({1, 2, 3, 4}));
  if (!lie.refusal.empty()) {
    EXPECT_EQ(record.sites.at(kLiar).outcome, coordinator::SiteOutcome::kRefused);
    EXPECT_NE(record.sites.at(kLiar).reason.find(lie.refusal), std::string::npos) << record.sites.at(kLiar).reason;
  }
  EXPECT_TRUE(doubles::SecretsClosed(*here));
}

INSTANTIATE_TEST_SUITE_P(Lies, EvilSite, ::testing::ValuesIn(SiteLies()),
                         [](const auto& info) { return info.param.name; });

TEST(EvilSites, AWrongShareIsFoundByLeavingItOutAndItsSenderNamed) {
  const auto toy = scenario::WithLies(FiveSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (!hop.to_coordinator || hop.site.value != 2 || !IsPhase(hop.envelope, Phase::kUnmask)) return {hop.envelope};
    return {Changed<UnmaskBody>(here, hop.envelope, [](UnmaskBody& body) { body.self_seeds[0].share[31] ^= 0x80; })};
  });
  ASSERT_TRUE((*toy)->Run().ok());
  EXPECT_TRUE((*toy)->finished());
  EXPECT_EQ(toy->check.wrong(), 0u);
  EXPECT_TRUE(scenario::Saw(*toy, coordinator::Observe::Kind::kViolation, SiteId{2}, "share of site-1 from site-2"));
}

// One ciphertext that doesn't open costs a share; if too many don't, their sender is left out until somebody looks.
TEST(EvilSites, ACiphertextThatDoesNotOpenIsReportedAndTheRoundGoesOn) {
  const auto toy = scenario::WithLies(FiveSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (!hop.to_coordinator || hop.site != kLiar || !IsPhase(hop.envelope, Phase::kShares) ||
        hop.envelope.receiver.value != 1)
      return {hop.envelope};
    return {scenario::Resigned(here, hop.envelope, Bytes(hop.envelope.body.size(), 7))};
  });
  ASSERT_TRUE((*toy)->Run().ok());
  EXPECT_TRUE((*toy)->finished());
  EXPECT_EQ(toy->check.wrong(), 0u);
  for (const auto& included : toy->check.included()) EXPECT_EQ(included, Ids({1, 2, 3, 4, 5}));
  const auto& sent = (*toy)->sent_by_sites();
  EXPECT_TRUE(std::any_of(sent.begin(), sent.end(), [](const auto& one) {
    return one.first.value == 1 && IsPhase(one.second, Phase::kMasked) &&
           MaskedBody::Decode(one.second.body).value().failed == Ids({5});
  }));
}

TEST(EvilSites, ASenderOfCiphertextsThatNobodyCanOpenIsLeftOutUntilTheTrialIsResumed) {
  std::optional<Digest> ctx;
  const auto toy = scenario::WithLies(FiveSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (!ctx) ctx = hop.envelope.ctx;
    if (!hop.to_coordinator || hop.site != kLiar || hop.envelope.ctx != *ctx || !IsPhase(hop.envelope, Phase::kShares))
      return {hop.envelope};
    return {scenario::Resigned(here, hop.envelope, Bytes(hop.envelope.body.size(), 7))};
  });
  Toy& here = *toy;
  ASSERT_TRUE(here->Run([&] { return here->trial().links().size() == 2; }).ok());
  const auto& history = here->trial().history();
  EXPECT_FALSE(history[0].committed);
  EXPECT_NE(history[0].failure.find("could not open what site-5 sent"), std::string::npos);
  EXPECT_EQ(history[1].included, Ids({1, 2, 3, 4}));
  EXPECT_EQ(history[1].sites.at(kLiar).outcome, coordinator::SiteOutcome::kRefused);
  here->TellCoordinator(coordinator::PauseTrial{"looking into it"});
  ASSERT_TRUE(here->Run([&] { return here->trial().links().size() == 3; }).ok());
  here->TellCoordinator(coordinator::ResumeTrial{});
  EXPECT_EQ(here.check.wrong(), 0u);
}

TEST(EvilSites, AnUploadThatWasNotSignedForNeverEntersTheSum) {
  const auto toy = scenario::WithLies(FiveSites(), [&](Toy&, const Hop& hop) -> std::vector<Envelope> {
    const bool masked = hop.to_coordinator && hop.site == kLiar && IsPhase(hop.envelope, Phase::kMasked);
    return masked ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
  });
  ASSERT_TRUE((*toy)->Run().ok());
  EXPECT_TRUE((*toy)->finished());
  EXPECT_EQ(toy->check.wrong(), 0u);
  for (const auto& included : toy->check.included()) EXPECT_EQ(included, Ids({1, 2, 3, 4}));
  for (const auto& record : (*toy)->trial().history())
    EXPECT_EQ(record.sites.at(kLiar).outcome, coordinator::SiteOutcome::kLost);
}

}  // namespace
}  // namespace fedtrial
