#include <gtest/gtest.h>

#include "tests/scenario/liar.h"

// Each field of what a coordinator says when a phase opens, wrong for one site: it refuses, says nothing, and the
// others finish.
namespace fedtrial {
namespace {

using doubles::Toy;
using scenario::Changed;
using scenario::ChangeForwarded;
using scenario::kColluder;
using scenario::kVictim;
using simulation::Hop;

struct OpeningLie {
  std::string name;
  Phase phase;
  std::string refusal;  // part of the sentence
  std::function<void(const Toy&, PhaseOpenBody&)> change;
};

void Remove(PhaseOpenBody& body, SiteId site) {
  std::erase(body.sites, site);
  std::erase_if(body.envelopes, [&](const Bytes& one) { return DecodeEnvelope(one).value().sender == site; });
}

void AddStranger(const Toy& toy, PhaseOpenBody& body, Phase phase) {
  body.sites.push_back(SiteId{99});
  if (body.envelopes.empty()) return;
  Envelope stranger = DecodeEnvelope(body.envelopes.back()).value();
  stranger.sender = SiteId{99};
  stranger.phase = static_cast<std::uint8_t>(phase);
  stranger.signature = SignEnvelope(toy.federation->key(kColluder), stranger.ctx, stranger.phase, stranger.sender,
                                    stranger.receiver, stranger.sequence, stranger.body)
                           .signature;
  body.envelopes.push_back(EncodeEnvelope(stranger));
}

auto ColluderSendsKeys(std::function<void(KeysBody&, const PhaseOpenBody&)> change) {
  return [change](const Toy& toy, PhaseOpenBody& body) {
    ChangeForwarded(toy, body, kColluder, true, [&](Envelope& envelope) {
      KeysBody keys = KeysBody::Decode(envelope.body).value();
      change(keys, body);
      envelope.body = keys.Encode();
    });
  };
}

KeysBody KeysOf(const PhaseOpenBody& body, SiteId site) {
  for (const Bytes& one : body.envelopes) {
    const Envelope envelope = DecodeEnvelope(one).value();
    if (envelope.sender == site) return KeysBody::Decode(envelope.body).value();
  }
  return {};
}

auto Unsigned(SiteId site) {
  return [site](const Toy& toy, PhaseOpenBody& body) {
    ChangeForwarded(toy, body, site, false, [](Envelope& envelope) { envelope.body[3] ^= 1; });
  };
}

std::vector<OpeningLie> OpeningLies() {
  const auto left_out = [](const Toy&, PhaseOpenBody& body) { Remove(body, kVictim); };
  const auto two_only = [](const Toy&, PhaseOpenBody& body) {
    Remove(body, SiteId{3});
    Remove(body, kColluder);
  };
  const auto one_missing = [](const Toy&, PhaseOpenBody& body) { body.envelopes.pop_back(); };
  return {
      {"HelloMissing", Phase::kKeys, "messages of hello were forwarded", one_missing},
      {"HelloAltered", Phase::kKeys, "isn't signed by it", Unsigned(SiteId{2})},
      {"HelloWithoutSignature", Phase::kKeys, "isn't signed by it",
       [](const Toy& toy, PhaseOpenBody& body) {
         ChangeForwarded(toy, body, SiteId{2}, false, [](Envelope& envelope) { envelope.signature = {}; });
       }},
      {"HelloOfAStranger", Phase::kKeys, "unknown site",
       [](const Toy& toy, PhaseOpenBody& body) { AddStranger(toy, body, Phase::kHello); }},
      {"HelloTwice", Phase::kKeys, "two hello messages",
       [](const Toy&, PhaseOpenBody& body) { body.envelopes[2] = body.envelopes[1]; }},
      {"HelloOfAnotherAttempt", Phase::kKeys, "of another attempt",
       [](const Toy& toy, PhaseOpenBody& body) {
         ChangeForwarded(toy, body, kColluder, true, [](Envelope& envelope) { envelope.ctx[0] ^= 1; });
       }},
      {"HelloThatDeclines", Phase::kKeys, "declines or is of another manifest",
       [](const Toy& toy, PhaseOpenBody& body) {
         ChangeForwarded(toy, body, kColluder, true, [](Envelope& envelope) {
           HelloBody hello = HelloBody::Decode(envelope.body).value();
           hello.declines = true;
           envelope.body = hello.Encode();
         });
       }},
      {"SitesUnsorted", Phase::kKeys, "rising order",
       [](const Toy&, PhaseOpenBody& body) { std::swap(body.sites[0], body.sites[1]); }},
      {"SiteTwice", Phase::kKeys, "rising order",
       [](const Toy&, PhaseOpenBody& body) { body.sites[1] = body.sites[2]; }},
      {"U0BelowThreshold", Phase::kKeys, "at least 3", two_only},
      {"LeftOutOfU0", Phase::kKeys, "left out", left_out},

      {"KeysMissing", Phase::kShares, "messages of keys were forwarded", one_missing},
      {"KeysAltered", Phase::kShares, "isn't signed by it", Unsigned(SiteId{3})},
      {"KeyOfLowOrder", Phase::kShares, "low-order",
       ColluderSendsKeys([](KeysBody& keys, const PhaseOpenBody&) { keys.mask_key = {}; })},
      {"KeyOfAnotherSite", Phase::kShares, "comes twice",
       ColluderSendsKeys(
           [](KeysBody& keys, const PhaseOpenBody& body) { keys.channel_key = KeysOf(body, SiteId{2}).channel_key; })},
      {"RevealOfAnotherR", Phase::kShares, "another r",
       ColluderSendsKeys([](KeysBody& keys, const PhaseOpenBody&) { keys.r[0] ^= 1; })},
      {"KeysOfAnotherPhase", Phase::kShares, "is of phase",
       [](const Toy& toy, PhaseOpenBody& body) {
         ChangeForwarded(toy, body, kColluder, true, [](Envelope& envelope) { envelope.phase = 4; });
       }},
      {"KeysWithAnOldNumber", Phase::kShares, "has an old number",
       [](const Toy& toy, PhaseOpenBody& body) {
         ChangeForwarded(toy, body, kColluder, true, [](Envelope& envelope) { envelope.sequence = 1; });
       }},
      {"U1OutsideU0", Phase::kShares, "isn't in the set before",
       [](const Toy& toy, PhaseOpenBody& body) { AddStranger(toy, body, Phase::kKeys); }},
      {"U1BelowThreshold", Phase::kShares, "at least 3", two_only},
      {"LeftOutOfU1", Phase::kShares, "left out", left_out},

      {"ShareMissing", Phase::kMasked, "messages of shares were forwarded", one_missing},
      {"ShareAltered", Phase::kMasked, "isn't signed by it", Unsigned(SiteId{2})},
      {"ShareForAnotherSite", Phase::kMasked, "is for site-3",
       [](const Toy& toy, PhaseOpenBody& body) {
         ChangeForwarded(toy, body, kColluder, true, [](Envelope& envelope) { envelope.receiver = SiteId{3}; });
       }},
      {"U2BelowThreshold", Phase::kMasked, "at least 3", two_only},
      {"LeftOutOfU2", Phase::kMasked, "left out", left_out},

      {"U3BelowMinimum", Phase::kAgree, "at least 3", two_only},
      {"U3OutsideU2", Phase::kAgree, "isn't in the set before",
       [](const Toy& toy, PhaseOpenBody& body) { AddStranger(toy, body, Phase::kMasked); }},
      {"LeftOutOfU3", Phase::kAgree, "left out", left_out},
      {"U3WithEnvelopes", Phase::kAgree, "comes with envelopes",
       [](const Toy&, PhaseOpenBody& body) {
         body.envelopes.push_back({1, 2, 3});
       }},

      {"SharesForAnotherSet", Phase::kUnmask, "another set than the one signed",
       [](const Toy&, PhaseOpenBody& body) { Remove(body, kColluder); }},
      {"TooFewSignatures", Phase::kUnmask, "wanted at least 3",
       [](const Toy&, PhaseOpenBody& body) { body.envelopes.resize(2); }},
      {"SignatureTwice", Phase::kUnmask, "two signatures",
       [](const Toy&, PhaseOpenBody& body) { body.envelopes[1] = body.envelopes[0]; }},
      {"SignatureAltered", Phase::kUnmask, "isn't signed by it", Unsigned(SiteId{2})},
      {"SignatureOverOtherThings", Phase::kUnmask, "signed other keys",
       [](const Toy& toy, PhaseOpenBody& body) {
         const SiteId signer = DecodeEnvelope(body.envelopes.back()).value().sender;
         ChangeForwarded(toy, body, signer, true, [](Envelope& envelope) { envelope.body[40] ^= 1; });
       }},
      {"SignatureOfAStranger", Phase::kUnmask, "unknown site",
       [](const Toy& toy, PhaseOpenBody& body) {
         AddStranger(toy, body, Phase::kAgree);
         body.sites.pop_back();
       }},
  };
}

class EvilOpening : public ::testing::TestWithParam<OpeningLie> {};

TEST_P(EvilOpening, IsRefusedAndTheOthersFinish) {
  const OpeningLie& lie = GetParam();
  std::optional<Digest> ctx;  // of the attempt that is lied in: the first
  const auto toy = scenario::WithLies(doubles::FourSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
    if (!ctx) ctx = hop.envelope.ctx;
    if (hop.to_coordinator || hop.site != kVictim || hop.envelope.ctx != *ctx ||
        !scenario::IsPhase(hop.envelope, lie.phase))
      return {hop.envelope};
    return {Changed<PhaseOpenBody>(here, hop.envelope, [&](PhaseOpenBody& body) { lie.change(here, body); })};
  });
  ASSERT_TRUE((*toy)->Run().ok());
  EXPECT_TRUE(scenario::Refused(*toy, kVictim, lie.refusal));
  EXPECT_EQ(scenario::Answers(*toy, kVictim, lie.phase, *ctx), 0u);
  EXPECT_TRUE((*toy)->finished());
  EXPECT_EQ(toy->check.sums(), doubles::kToyRounds);
  EXPECT_EQ(toy->check.wrong(), 0u);
  EXPECT_TRUE(doubles::SecretsClosed(**toy));
}

INSTANTIATE_TEST_SUITE_P(Lies, EvilOpening, ::testing::ValuesIn(OpeningLies()),
                         [](const auto& info) { return info.param.name; });

struct HeaderLie {
  std::string name;
  std::string refusal;
  std::function<Envelope(const Toy&, Envelope)> change;
};

class EvilHeader : public ::testing::TestWithParam<HeaderLie> {};

TEST_P(EvilHeader, IsRefusedInEveryPhase) {
  const HeaderLie& lie = GetParam();
  for (const Phase phase : {Phase::kKeys, Phase::kShares, Phase::kMasked, Phase::kAgree, Phase::kUnmask}) {
    std::optional<Digest> ctx;
    const auto toy = scenario::WithLies(doubles::FourSites(), [&](Toy& here, const Hop& hop) -> std::vector<Envelope> {
      if (!ctx) ctx = hop.envelope.ctx;
      if (hop.to_coordinator || hop.site != kVictim || hop.envelope.ctx != *ctx ||
          !scenario::IsPhase(hop.envelope, phase))
        return {hop.envelope};
      return {lie.change(here, hop.envelope)};
    });
    ASSERT_TRUE((*toy)->Run([&] { return !(*toy)->trial().history().empty(); }).ok());
    EXPECT_TRUE(scenario::Refused(*toy, kVictim, lie.refusal)) << ToString(phase);
    EXPECT_EQ(scenario::Answers(*toy, kVictim, phase, *ctx), 0u);
    EXPECT_TRUE((*toy)->trial().history().front().committed);
    EXPECT_EQ(toy->check.wrong(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Lies, EvilHeader,
                         ::testing::Values(HeaderLie{"NotSignedByTheCoordinator", "hasn't signed",
                                                     [](const Toy& toy, Envelope envelope) {
                                                       envelope.signature =
                                                           SignEnvelope(toy.federation->key(kColluder), envelope.ctx,
                                                                        envelope.phase, envelope.sender,
                                                                        envelope.receiver, envelope.sequence,
                                                                        envelope.body)
                                                               .signature;
                                                       return envelope;
                                                     }},
                                           HeaderLie{"OfASite", "only the coordinator speaks",
                                                     [](const Toy& toy, Envelope envelope) {
                                                       envelope.sender = kColluder;
                                                       return scenario::Signed(toy, std::move(envelope));
                                                     }},
                                           HeaderLie{"ForAnotherSite", "a message for site-2",
                                                     [](const Toy& toy, Envelope envelope) {
                                                       envelope.receiver = SiteId{2};
                                                       return scenario::Signed(toy, std::move(envelope));
                                                     }},
                                           HeaderLie{"OfAnotherPhase", "isn't expected",
                                                     [](const Toy& toy, Envelope envelope) {
                                                       envelope.phase = envelope.phase == 1   ? 2
                                                                        : envelope.phase == 2 ? 3
                                                                        : envelope.phase == 3 ? 4
                                                                                              : 9;
                                                       return scenario::Signed(toy, std::move(envelope));
                                                     }},
                                           HeaderLie{"WithAnOldNumber", "is old",
                                                     [](const Toy& toy, Envelope envelope) {
                                                       envelope.sequence = 1;
                                                       return scenario::Signed(toy, std::move(envelope));
                                                     }},
                                           HeaderLie{"OfAnotherAttempt", "isn't open here",
                                                     [](const Toy& toy, Envelope envelope) {
                                                       envelope.ctx[31] ^= 1;
                                                       return scenario::Signed(toy, std::move(envelope));
                                                     }},
                                           HeaderLie{"TooLarge", "bytes, at most",
                                                     [](const Toy& toy, Envelope envelope) {
                                                       envelope.body.resize((64u << 20) + 1);
                                                       return scenario::Signed(toy, std::move(envelope));
                                                     }},
                                           HeaderLie{"CutShort", "",
                                                     [](const Toy& toy, Envelope envelope) {
                                                       envelope.body.resize(envelope.body.size() / 2);
                                                       return scenario::Signed(toy, std::move(envelope));
                                                     }}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace fedtrial
