#include <fmt/format.h>
#include <map>
#include <memory>

#include "security/crypto/seeded_random.h"
#include "security/masking/mask_keys.h"
#include "security/masking/masks.h"
#include "security/sharing/shamir.h"
#include "tests/bench/figure.h"
#include "tests/bench/rooflines.h"

namespace fedtrial::bench {
namespace {

constexpr unsigned kThreads = 1;

std::uint32_t ThresholdOf(std::uint32_t sites) { return 2 * sites / 3 + 1; }

// The secrets of all sites in one round, and who holds which share of them.
struct Round {
  explicit Round(std::uint32_t sites) {
    std::vector<std::uint8_t> points;
    for (std::uint32_t i = 1; i <= sites; ++i) points.push_back(static_cast<std::uint8_t>(i));
    for (std::uint32_t i = 1; i <= sites; ++i) {
      Site site{SiteId{i}, X25519PrivateKey::Generate(random), X25519PrivateKey::Generate(random), {}, {}, {}};
      site.b.resize(32);
      random.Fill(site.b);
      site.b_shares = Must(SplitSecret(site.b, ThresholdOf(sites), points, random));
      site.s_shares = Must(SplitSecret(site.s.bytes(), ThresholdOf(sites), points, random));
      all.push_back(std::move(site));
    }
  }

  struct Site {
    SiteId id;
    X25519PrivateKey c, s;
    Bytes b;
    std::vector<Share> b_shares, s_shares;
  };
  SeededRandom random{1};
  std::vector<Site> all;
  Digest ctx{3};

  std::map<SiteId, X25519PublicKey> Others(SiteId site) const {
    std::map<SiteId, X25519PublicKey> others;
    for (const Site& other : all)
      if (other.id != site) others[other.id] = other.s.PublicKey();
    return others;
  }
};

template <typename Word>
Pair MaskSitePair(std::uint32_t sites, std::uint64_t count) {
  const auto round = std::make_shared<Round>(sites);
  const auto words = std::make_shared<std::vector<Word>>(count);
  return {[=] {
            const Round::Site& site = round->all[sites / 2];
            return SecondsOf(Clock::kCpu, [&] {
              const auto masks = Must(SiteMasks(round->ctx, site.id, site.b, site.s, round->Others(site.id)));
              AddMasks(std::span(*words), 0, masks, kThreads);
            });
          },
          [=] { return CtrSeconds(Clock::kCpu, sites * count * sizeof(Word)); }};
}

// Secrets put together from the shares of Unmask, keys agreed again, masks taken out of the sum.
Pair UnmaskServerPair(std::uint32_t sites, std::uint32_t dropped, std::uint64_t count) {
  const auto round = std::make_shared<Round>(sites);
  const auto words = std::make_shared<std::vector<std::uint32_t>>(count);
  const auto work = [=] {
    const unsigned threshold = ThresholdOf(sites);
    std::vector<MaskTerm> masks;
    for (std::uint32_t i = dropped; i < sites; ++i) {
      const SecretBuffer b = Must(CombineShares(round->all[i].b_shares, threshold));
      masks.push_back(Must(SelfMaskRemoval(round->ctx, round->all[i].id, b.view())));
    }
    for (std::uint32_t d = 0; d < dropped; ++d) {
      const SecretBuffer s = Must(CombineShares(round->all[d].s_shares, threshold));
      const X25519PrivateKey key = Must(X25519PrivateKey::FromBytes(s.view()));
      for (std::uint32_t i = dropped; i < sites; ++i)
        masks.push_back(
            Must(PairMaskRemoval(round->ctx, round->all[i].id, round->all[i].s.PublicKey(), round->all[d].id, key)));
    }
    AddMasks(std::span(*words), 0, masks, kThreads);
  };
  const std::uint64_t streams = (sites - dropped) * (1 + dropped);
  return {[=] { return SecondsOf(Clock::kCpu, work); }, [=] { return CtrSeconds(Clock::kCpu, streams * count * 4); }};
}

// One site's part of Shares: both keys of every pair, both secrets cut, one sealed share for each other site.
Pair SharesPair(std::uint32_t sites) {
  const auto round = std::make_shared<Round>(sites);
  const auto work = [=] {
    const Round::Site& me = round->all[0];
    std::vector<std::uint8_t> points;
    for (std::uint32_t i = 1; i <= sites; ++i) points.push_back(static_cast<std::uint8_t>(i));
    const auto b = Must(SplitSecret(me.b, ThresholdOf(sites), points, round->random));
    const auto s = Must(SplitSecret(me.s.bytes(), ThresholdOf(sites), points, round->random));
    for (std::uint32_t i = 1; i < sites; ++i) {
      const Round::Site& other = round->all[i];
      const ShareChannel channel = Must(DeriveShareChannel(me.c, me.id, other.c.PublicKey(), other.id, round->ctx));
      HeldShare held;
      held.x = b[i].x;
      held.b = Must(SecretBytes<32>::CopyOf(b[i].y.view()));
      held.s_sk = Must(SecretBytes<32>::CopyOf(s[i].y.view()));
      Must(SealShare(channel, me.id, other.id, round->ctx, held));
    }
    Must(SiteMasks(round->ctx, me.id, me.b, me.s, round->Others(me.id)));
  };
  return {[=] { return SecondsOf(Clock::kCpu, work); }, [=] { return AgreementSeconds(Clock::kCpu, 2 * (sites - 1)); }};
}

}  // namespace

std::vector<Figure> MaskingFigures(Scale scale) {
  constexpr std::uint32_t kSites = 10;
  const std::uint64_t count = scale(1'000'000);
  const std::string ctr = "bare AES-256-CTR of the same streams";
  std::vector<Figure> figures;
  figures.push_back({"mask_site/u32/N10", ctr, 1.5, Clock::kCpu, 25, kSites * count * 4,
                     [=] { return MaskSitePair<std::uint32_t>(kSites, count); }});
  figures.push_back({"mask_site/u64/N10", ctr, 1.5, Clock::kCpu, 25, kSites * count * 8,
                     [=] { return MaskSitePair<std::uint64_t>(kSites, count); }});
  for (const std::uint32_t dropped : {0U, 1U, 3U})
    figures.push_back({fmt::format("unmask_server/dropout{}", dropped), ctr, 2.0, Clock::kCpu, 25,
                       (kSites - dropped) * (1 + dropped) * count * 4,
                       [=] { return UnmaskServerPair(kSites, dropped, count); }});
  for (const std::uint32_t sites : {10U, 25U})
    figures.push_back({fmt::format("x25519_shamir/N{}", sites), "the bare X25519 agreements", 2.0, Clock::kCpu, 25, 0,
                       [=] { return SharesPair(sites); }});
  return figures;
}

}  // namespace fedtrial::bench
