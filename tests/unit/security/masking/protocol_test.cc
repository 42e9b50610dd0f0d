#include <fmt/format.h>

#include "security/masking/context.h"
#include "security/masking/mask_keys.h"
#include "security/masking/masks.h"
#include "security/sharing/shamir.h"
#include "tests/unit/security/masking/site_ids.h"
#include "tests/unit/security/vectors.h"

// secagg_protocol*.json and secagg_u32.json: one whole round, every byte, from the keys to the sum.
namespace fedtrial {
namespace {

struct Site {
  nlohmann::json json;
  X25519PrivateKey c_key;
  X25519PrivateKey s_key;
  Bytes b;
};

struct Round {
  nlohmann::json json;
  Digest ctx{};
  std::map<SiteId, Site> sites;
};

Round LoadRound(const std::string& file) {
  Round round{LoadVectors(file), {}, {}};
  const auto& v = round.json;
  round.ctx = Context({v["trial_id"].get<std::string>(),
                       {v["round"].get<std::uint64_t>(), v["attempt"].get<std::uint32_t>()},
                       HexArray(v["roster_hash"]),
                       HexArray(v["manifest_hash"]),
                       HexArray(v["plan_hash"])});
  for (const auto& site : v["sites"])
    round.sites.emplace(SiteId{site["id"].get<std::uint32_t>()},
                        Site{site, X25519PrivateKey::FromBytes(Hex(site["c_sk"])).value(),
                             X25519PrivateKey::FromBytes(Hex(site["s_sk"])).value(), Hex(site["b"])});
  return round;
}

std::map<SiteId, X25519PublicKey> Neighbours(const Round& round, SiteId site) {
  std::map<SiteId, X25519PublicKey> keys;
  for (const auto& [id, other] : round.sites) {
    if (id != site) keys.emplace(id, other.s_key.PublicKey());
  }
  return keys;
}

// The shares of one secret that the included sites hold give it back.
SecretBuffer Rebuild(const Round& round, const Site& owner, const char* shares_name) {
  std::vector<Share> shares;
  for (const SiteId id : Ids(round.json["included"])) {
    const auto x = round.sites.at(id).json["x"].get<std::uint8_t>();
    shares.push_back({x, SecretBuffer::CopyOf(Hex(owner.json[shares_name][std::to_string(x)]))});
  }
  return CombineShares(shares, round.json["threshold"].get<unsigned>()).value();
}

// What the coordinator does after Unmask.
template <typename Word>
void RemoveMasks(const Round& round, std::vector<Word>& sum) {
  std::vector<MaskTerm> terms;
  const auto included = Ids(round.json["included"]);
  for (const auto& [id, site] : round.sites) {
    if (included.contains(id)) {
      const SecretBuffer b = Rebuild(round, site, "b_shares");
      EXPECT_EQ(ToHex(BCommit(round.ctx, id, b.view())), site.json["b_commit"]);
      terms.push_back(SelfMaskRemoval(round.ctx, id, b.view()).value());
      continue;
    }
    const auto key = X25519PrivateKey::FromBytes(Rebuild(round, site, "s_sk_shares").view()).value();
    EXPECT_EQ(ToHex(key.PublicKey()), site.json["s_pk"]);
    for (const SiteId survivor : included)
      terms.push_back(
          PairMaskRemoval(round.ctx, survivor, round.sites.at(survivor).s_key.PublicKey(), id, key).value());
  }
  AddMasks<Word>(sum, 0, terms, 2);
}

class SecaggProtocol : public testing::TestWithParam<const char*> {
 protected:
  Round round_ = LoadRound(GetParam());
};

TEST_P(SecaggProtocol, ContextKeysCommitmentsAndSelfMasksAreThoseOfTheVectors) {
  EXPECT_EQ(ToHex(round_.ctx), round_.json["ctx"]);
  for (const auto& [id, site] : round_.sites) {
    EXPECT_EQ(ToHex(site.c_key.PublicKey()), site.json["c_pk"]);
    EXPECT_EQ(ToHex(site.s_key.PublicKey()), site.json["s_pk"]);
    EXPECT_EQ(ToHex(BCommit(round_.ctx, id, site.b)), site.json["b_commit"]);
    EXPECT_EQ(ToHex(DeriveSelfMaskKey(site.b, id, round_.ctx).value().view()), site.json["self_mask_key"]);
  }
}

TEST_P(SecaggProtocol, PairKeysMasksAndSealedSharesAreThoseOfTheVectors) {
  ASSERT_FALSE(round_.json["pairs"].empty());
  for (const auto& pair : round_.json["pairs"]) {
    const SiteId lo{pair["lo"].get<std::uint32_t>()}, hi{pair["hi"].get<std::uint32_t>()};
    for (const auto& [me, other] : {std::pair{lo, hi}, std::pair{hi, lo}}) {  // both sides come to the same keys
      const Site& mine = round_.sites.at(me);
      const Site& theirs = round_.sites.at(other);
      const auto channel = DeriveShareChannel(mine.c_key, me, theirs.c_key.PublicKey(), other, round_.ctx).value();
      EXPECT_EQ(ToHex(channel.lo_to_hi.view()), pair["share_key_lo_to_hi"]);
      EXPECT_EQ(ToHex(channel.hi_to_lo.view()), pair["share_key_hi_to_lo"]);
      MaskTerm mask{DerivePairMaskKey(mine.s_key, me, theirs.s_key.PublicKey(), other, round_.ctx).value(), true};
      EXPECT_EQ(ToHex(mask.key.view()), pair["pair_mask_key"]);
      std::vector<std::uint64_t> words(pair["mask_words"].size());
      AddMasks<std::uint64_t>(words, 0, {&mask, 1}, 1);
      for (std::size_t e = 0; e < words.size(); ++e) EXPECT_EQ(words[e], Number64(pair["mask_words"][e]));

      const auto x = theirs.json["x"].get<std::uint8_t>();
      const HeldShare share{x, SecretBytes<32>::CopyOf(Hex(mine.json["b_shares"][std::to_string(x)])).value(),
                            SecretBytes<32>::CopyOf(Hex(mine.json["s_sk_shares"][std::to_string(x)])).value()};
      const Bytes sealed = SealShare(channel, me, other, round_.ctx, share).value();
      EXPECT_EQ(sealed.size(), kSealedShareSize);
      EXPECT_EQ(ToHex(sealed), pair[fmt::format("ciphertext_{}_to_{}", me.value, other.value)]);
      const auto opened = OpenShare(channel, me, other, round_.ctx, sealed).value();
      EXPECT_EQ(opened.x, x);
      EXPECT_EQ(ToHex(opened.b.view()), ToHex(share.b.view()));
      EXPECT_EQ(ToHex(opened.s_sk.view()), ToHex(share.s_sk.view()));
    }
  }
}

TEST_P(SecaggProtocol, MaskedVectorsAndTheSumAreThoseOfTheVectors) {
  EXPECT_EQ(ToHex(SetHash(kIncludedSet, round_.ctx, Ids(round_.json["included"]))), round_.json["included_hash"]);
  const auto included = Ids(round_.json["included"]);
  std::vector<std::uint64_t> sum(round_.json["sum_mod_2_64"].size());
  for (const auto& [id, site] : round_.sites) {
    const auto& input = site.json["input_int64"];
    std::vector<std::uint64_t> words;
    for (const auto& value : input) words.push_back(static_cast<std::uint64_t>(std::stoll(value.get<std::string>())));
    const auto masks = SiteMasks(round_.ctx, id, site.b, site.s_key, Neighbours(round_, id)).value();
    AddMasks<std::uint64_t>(words, 0, masks, 1);
    for (std::size_t e = 0; e < words.size(); ++e) EXPECT_EQ(words[e], Number64(site.json["masked_u64"][e]));
    if (!included.contains(id)) continue;
    for (std::size_t e = 0; e < words.size(); ++e) sum[e] += words[e];
  }
  RemoveMasks(round_, sum);
  for (std::size_t e = 0; e < sum.size(); ++e) {
    EXPECT_EQ(sum[e], Number64(round_.json["sum_mod_2_64"][e]));
    EXPECT_EQ(static_cast<std::int64_t>(sum[e]), std::stoll(round_.json["sum_int64"][e].get<std::string>()));
  }
}

INSTANTIATE_TEST_SUITE_P(Vectors, SecaggProtocol,
                         testing::Values("secagg_protocol.json", "secagg_protocol_nodrop.json"));

TEST(SecaggU32, MaskedVectorsAndTheSignedSumAreThoseOfTheVectors) {
  const auto vectors = LoadVectors("secagg_u32.json");
  const Round round = LoadRound(vectors["keys_from"].get<std::string>());
  const auto included = Ids(vectors["included"]);
  ASSERT_EQ(included, Ids(round.json["included"]));
  std::vector<std::uint32_t> sum(vectors["sum_mod_2_32"].size());
  for (const auto& c : vectors["sites"]) {
    const SiteId id{c["id"].get<std::uint32_t>()};
    const Site& site = round.sites.at(id);
    std::vector<std::uint32_t> words;
    for (const auto& value : c["input_int32"]) words.push_back(static_cast<std::uint32_t>(value.get<std::int32_t>()));
    const auto masks = SiteMasks(round.ctx, id, site.b, site.s_key, Neighbours(round, id)).value();
    AddMasks<std::uint32_t>(words, 0, masks, 1);
    EXPECT_EQ(words, c["masked_u32"].get<std::vector<std::uint32_t>>());
    if (!included.contains(id)) continue;
    for (std::size_t e = 0; e < words.size(); ++e) sum[e] += words[e];
  }
  RemoveMasks(round, sum);
  EXPECT_EQ(sum, vectors["sum_mod_2_32"].get<std::vector<std::uint32_t>>());
  for (std::size_t e = 0; e < sum.size(); ++e)
    EXPECT_EQ(static_cast<std::int32_t>(sum[e]), vectors["sum_int32"][e].get<std::int32_t>());
}

TEST(SealedShare, OpensForNoOtherPairDirectionContextOrByte) {
  const Round round = LoadRound("secagg_protocol.json");
  const SiteId a{3}, b{11}, c{12};
  const auto channel =
      DeriveShareChannel(round.sites.at(a).c_key, a, round.sites.at(b).c_key.PublicKey(), b, round.ctx).value();
  const Bytes sealed = SealShare(channel, a, b, round.ctx, HeldShare{2, {}, {}}).value();
  ASSERT_TRUE(OpenShare(channel, a, b, round.ctx, sealed).ok());
  EXPECT_FALSE(OpenShare(channel, b, a, round.ctx, sealed).ok());
  EXPECT_FALSE(OpenShare(channel, a, c, round.ctx, sealed).ok());
  Digest other = round.ctx;
  other[0] ^= 1;
  EXPECT_FALSE(OpenShare(channel, a, b, other, sealed).ok());
  Bytes changed = sealed;
  for (std::size_t i = 0; i < changed.size(); ++i) {
    changed[i] ^= 1;
    EXPECT_EQ(OpenShare(channel, a, b, round.ctx, changed).error().code, ErrorCode::kIntegrity);
    changed[i] ^= 1;
  }
  changed.push_back(0);
  EXPECT_EQ(OpenShare(channel, a, b, round.ctx, changed).error().message,
            "the sealed share of site-3 for site-11 has 82 bytes, wanted 81");
}

TEST(MaskKeys, ALowOrderKeyAPairWithItselfAndAShortSecretAreRefused) {
  const Round round = LoadRound("secagg_protocol.json");
  const Site& site = round.sites.at(SiteId{3});
  const X25519PublicKey zero{};
  EXPECT_EQ(DeriveShareChannel(site.c_key, SiteId{3}, zero, SiteId{4}, round.ctx).error().code, ErrorCode::kIntegrity);
  EXPECT_EQ(DerivePairMaskKey(site.s_key, SiteId{3}, zero, SiteId{4}, round.ctx).error().code, ErrorCode::kIntegrity);
  EXPECT_FALSE(DerivePairMaskKey(site.s_key, SiteId{3}, site.s_key.PublicKey(), SiteId{3}, round.ctx).ok());
  EXPECT_FALSE(DeriveSelfMaskKey(Bytes(31), SiteId{3}, round.ctx).ok());
  EXPECT_FALSE(SiteMasks(round.ctx, SiteId{3}, Bytes(31), site.s_key, {}).ok());
  EXPECT_FALSE(SiteMasks(round.ctx, SiteId{3}, site.b, site.s_key, {{SiteId{4}, zero}}).ok());
  EXPECT_FALSE(SelfMaskRemoval(round.ctx, SiteId{3}, Bytes(33)).ok());
  EXPECT_FALSE(PairMaskRemoval(round.ctx, SiteId{4}, zero, SiteId{3}, site.s_key).ok());
}

}  // namespace
}  // namespace fedtrial
