#include "coordinator/core/unmask.h"

#include <gtest/gtest.h>

#include "security/crypto/seeded_random.h"
#include "security/masking/context.h"
#include "security/sharing/shamir.h"

namespace fedtrial::coordinator {
namespace {

// Six sites with real keys and shares, threshold four; 5 and 6 have dropped.
class UnmaskTest : public ::testing::Test {
 protected:
  UnmaskTest() : random_(std::uint64_t{7}), hello_(terms_), keys_(terms_, hello_) {
    terms_.quorum = MakeQuorum(6, 4).value();
    terms_.ctx.fill(9);
    terms_.blocks = {"a"};
    for (std::uint32_t id = 1; id <= 6; ++id) live_.insert(SiteId{id});
    included_ = {SiteId{1}, SiteId{2}, SiteId{3}, SiteId{4}};
    graph_ = MaskGraph::Complete(live_);
    for (const SiteId site : live_) Offer(site);
    phase_.emplace(terms_, keys_, graph_, live_, included_);
  }

  void Offer(SiteId site) {
    SecretBytes<32> b;
    random_.Fill(b.span());
    const auto s = X25519PrivateKey::Generate(random_), c = X25519PrivateKey::Generate(random_);
    Envelope envelope;
    envelope.sender = site;
    envelope.receiver = kBroadcastId;
    KeysBody keys{c.PublicKey(), s.PublicKey(), {}, BCommit(terms_.ctx, site, b.view())};
    HelloBody hello;
    hello.r_commit = RCommit(terms_.ctx, site, keys.r);
    hello.blocks = {true};
    envelope.body = hello.Encode();
    ASSERT_TRUE(hello_.Accept(envelope).ok());
    envelope.body = keys.Encode();
    ASSERT_TRUE(keys_.Accept(envelope).ok());
    std::vector<std::uint8_t> points;
    for (const SiteId holder : live_) points.push_back(graph_.SharePoint(site, holder).value());
    const bool in = included_.contains(site);
    const auto shares = SplitSecret(in ? b.view() : s.bytes(), 4, points, random_).value();
    std::size_t i = 0;
    for (const SiteId holder : live_) {
      UnmaskBody::Item item{site, {}};
      std::copy_n(shares[i++].y.view().begin(), 32, item.share.begin());
      (in ? bodies_[holder].self_seeds : bodies_[holder].mask_keys).push_back(item);
    }
  }

  Status Accept(std::uint32_t site) {
    Envelope envelope;
    envelope.sender = SiteId{site};
    envelope.receiver = kCoordinatorId;
    envelope.body = bodies_.at(SiteId{site}).Encode();
    return phase_->Accept(envelope);
  }

  SeededRandom random_;
  RoundTerms terms_;
  HelloPhase hello_;
  KeysPhase keys_;
  std::set<SiteId> live_, included_;
  MaskGraph graph_;
  std::map<SiteId, UnmaskBody> bodies_;
  std::optional<UnmaskPhase> phase_;
};

TEST_F(UnmaskTest, ThresholdAnswersGiveEverySecretAndAllLeftoverMasks) {
  for (const std::uint32_t site : {1u, 2u, 3u}) {
    ASSERT_TRUE(Accept(site).ok());
    EXPECT_FALSE(phase_->Rebuild());
  }
  ASSERT_TRUE(Accept(4).ok());
  ASSERT_TRUE(phase_->Rebuild());
  EXPECT_TRUE(phase_->TakeWrong().empty());
  EXPECT_EQ(phase_->Removals().value().size(), 4u + 2u * 4u);
}

// One more share than the threshold: the wrong ones are left out and named.
TEST_F(UnmaskTest, AWrongShareIsFoundWithOneMoreAnswer) {
  included_.insert(SiteId{5});
  bodies_[SiteId{2}].self_seeds[0].share[3] ^= 1;
  bodies_[SiteId{2}].mask_keys[1].share[3] ^= 1;
  for (const std::uint32_t site : {1u, 2u, 3u, 4u}) ASSERT_TRUE(Accept(site).ok());
  EXPECT_FALSE(phase_->Rebuild());
  EXPECT_EQ(phase_->Hopeless(), (std::vector<SiteId>{SiteId{1}, SiteId{6}}));
  ASSERT_TRUE(Accept(5).ok());
  ASSERT_TRUE(phase_->Rebuild());
  const std::vector<std::pair<SiteId, SiteId>> wrong{{SiteId{1}, SiteId{2}}, {SiteId{6}, SiteId{2}}};
  EXPECT_EQ(phase_->TakeWrong(), wrong);
  EXPECT_TRUE(phase_->Hopeless().empty());
}

TEST_F(UnmaskTest, SharesThatWereNotAskedForAreRefusedWithoutATrace) {
  const UnmaskBody good = bodies_[SiteId{1}];
  UnmaskBody& body = bodies_[SiteId{1}];
  std::swap(body.self_seeds, body.mask_keys);  // the other kind of every site
  EXPECT_FALSE(Accept(1).ok());
  body = good;
  body.mask_keys[0].owner = SiteId{4};
  EXPECT_FALSE(Accept(1).ok());
  EXPECT_FALSE(phase_->heard(SiteId{1}));
  body = good;
  EXPECT_TRUE(Accept(1).ok());
  for (const std::uint32_t site : {2u, 3u, 4u}) ASSERT_TRUE(Accept(site).ok());
  EXPECT_TRUE(phase_->Rebuild());
}

}  // namespace
}  // namespace fedtrial::coordinator
