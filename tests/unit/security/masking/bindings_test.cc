#include "security/crypto/sha256.h"
#include "security/masking/context.h"
#include "security/masking/envelope.h"
#include "security/masking/graph.h"
#include "tests/unit/security/masking/site_ids.h"
#include "tests/unit/security/vectors.h"

// secagg_bindings.json: what the bytes of a round are bound to.
namespace fedtrial {
namespace {

const nlohmann::json& Bindings() {
  static const nlohmann::json vectors = LoadVectors("secagg_bindings.json");
  return vectors;
}

ContextInputs Inputs() {
  const auto& v = Bindings();
  return {v["roster"]["trial_id"].get<std::string>(),
          {Number64(v["context"]["round"]), v["context"]["attempt"].get<std::uint32_t>()},
          HexArray(v["roster"]["roster_hash"]),
          HexArray(v["manifest"]["manifest_hash"]),
          HexArray(v["plan"]["plan_hash"])};
}

std::vector<RosterRow> Rows() {
  std::vector<RosterRow> rows;
  for (const auto& row : Bindings()["roster"]["rows"])
    rows.push_back({SiteId{row["id"].get<std::uint32_t>()}, HexArray(row["ed25519"]), HexArray(row["spki_sha256"]),
                    row["role"].get<std::uint8_t>()});
  return rows;
}

std::map<SiteId, Bytes> KeysBodies() {
  std::map<SiteId, Bytes> bodies;
  for (const auto& c : Bindings()["agree"]["keys_bodies"])
    bodies.emplace(SiteId{c["id"].get<std::uint32_t>()}, Hex(c["body"]));
  return bodies;
}

Envelope ToEnvelope(const nlohmann::json& c) {
  return {Context(Inputs()),
          c["phase"].get<std::uint8_t>(),
          SiteId{c["sender"].get<std::uint32_t>()},
          SiteId{c["receiver"].get<std::uint32_t>()},
          Number64(c["sequence"]),
          Hex(c["body"]),
          HexArray<64>(c["signature"])};
}

TEST(Roster, HashIsThatOfTheVectorsInAnyOrderOfRows) {
  const auto& roster = Bindings()["roster"];
  const auto trial = roster["trial_id"].get<std::string>();
  auto rows = Rows();
  EXPECT_EQ(ToHex(RosterHash(trial, 4, rows)), roster["roster_hash"]);
  std::swap(rows[0], rows[4]);
  rows[2].revoked = true;  // not hashed
  EXPECT_EQ(ToHex(RosterHash(trial, 4, rows)), roster["roster_hash"]);
}

TEST(Roster, EveryFieldChangesItsHash) {
  const Digest right = RosterHash("TRIAL-01", 4, Rows());
  EXPECT_NE(RosterHash("TRIAL-02", 4, Rows()), right);
  EXPECT_NE(RosterHash("TRIAL-01", 5, Rows()), right);
  for (std::size_t i = 0; i < Rows().size(); ++i) {
    auto rows = Rows();
    rows[i].signing_key[31] ^= 1;
    EXPECT_NE(RosterHash("TRIAL-01", 4, rows), right);
    rows = Rows();
    rows[i].spki[0] ^= 1;
    EXPECT_NE(RosterHash("TRIAL-01", 4, rows), right);
    rows = Rows();
    rows[i].role ^= 1;
    EXPECT_NE(RosterHash("TRIAL-01", 4, rows), right);
    rows = Rows();
    ++rows[i].id.value;
    EXPECT_NE(RosterHash("TRIAL-01", 4, rows), right);
    rows = Rows();
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(RosterHash("TRIAL-01", 4, rows), right);
  }
}

TEST(Context, BindsRosterManifestPlanRoundAndAttempt) {
  const auto& v = Bindings();
  EXPECT_EQ(ToHex(Sha256(AsBytes(v["manifest"]["canonical_json"].get<std::string>()))), v["manifest"]["manifest_hash"]);
  EXPECT_EQ(ToHex(Sha256(Hex(v["plan"]["bytes"]))), v["plan"]["plan_hash"]);
  const Digest right = Context(Inputs());
  EXPECT_EQ(ToHex(right), v["context"]["ctx"]);
  const auto differs = [&](const auto& change) {
    ContextInputs inputs = Inputs();
    change(inputs);
    EXPECT_NE(Context(inputs), right);
  };
  differs([](ContextInputs& i) { i.trial_id += '1'; });
  differs([](ContextInputs& i) { ++i.round.round; });
  differs([](ContextInputs& i) { ++i.round.attempt; });
  differs([](ContextInputs& i) { i.roster_hash[5] ^= 1; });
  differs([](ContextInputs& i) { i.manifest_hash[5] ^= 1; });
  differs([](ContextInputs& i) { i.plan_hash[5] ^= 1; });
  differs([](ContextInputs& i) { std::swap(i.manifest_hash, i.plan_hash); });
}

TEST(Commitments, OfRAreThoseOfTheVectors) {
  const Digest ctx = Context(Inputs());
  for (const auto& c : Bindings()["r_commit"]) {
    const SiteId site{c["id"].get<std::uint32_t>()};
    EXPECT_EQ(ToHex(RCommit(ctx, site, Hex(c["r"]))), c["commit"]);
    EXPECT_NE(ToHex(BCommit(ctx, site, Hex(c["r"]))), c["commit"]);
  }
}

TEST(Envelope, SignsTheBytesOfTheVectors) {
  for (const auto& c : Bindings()["envelopes"]) {
    const Envelope wanted = ToEnvelope(c);
    const auto key = SigningKey::FromSeed(Hex(c["ed25519_secret"])).value();
    EXPECT_EQ(SignEnvelope(key, wanted.ctx, wanted.phase, wanted.sender, wanted.receiver, wanted.sequence, wanted.body),
              wanted);
    EXPECT_TRUE(VerifyEnvelope(wanted, key.PublicKey()));
  }
}

TEST(Envelope, EveryChangedByteIsRefused) {
  for (const auto& c : Bindings()["envelopes"]) {
    const auto key = SigningKey::FromSeed(Hex(c["ed25519_secret"])).value().PublicKey();
    const auto refused = [&](const auto& change) {
      Envelope envelope = ToEnvelope(c);
      change(envelope);
      EXPECT_FALSE(VerifyEnvelope(envelope, key));
    };
    for (std::size_t i = 0; i < 32; ++i) refused([&](Envelope& e) { e.ctx[i] ^= 0x40; });
    refused([](Envelope& e) { e.phase ^= 1; });
    for (int byte = 0; byte < 4; ++byte) {
      refused([&](Envelope& e) { e.sender.value ^= 1u << (8 * byte); });
      refused([&](Envelope& e) { e.receiver.value ^= 1u << (8 * byte); });
    }
    for (int byte = 0; byte < 8; ++byte) refused([&](Envelope& e) { e.sequence ^= std::uint64_t{1} << (8 * byte); });
    for (std::size_t i = 0; i < Hex(c["body"]).size(); ++i) refused([&](Envelope& e) { e.body[i] ^= 0x01; });
    for (std::size_t i = 0; i < 64; ++i) refused([&](Envelope& e) { e.signature[i] ^= 0x80; });
    refused([](Envelope& e) { e.body.push_back(0); });
  }
}

TEST(Envelope, ReadsBackAsItTravelsAndIsRefusedWhenCutOrLonger) {
  for (const auto& c : Bindings()["envelopes"]) {
    const Envelope envelope = ToEnvelope(c);
    Bytes bytes = EncodeEnvelope(envelope);
    EXPECT_EQ(DecodeEnvelope(bytes).value(), envelope);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(DecodeEnvelope(ByteView(bytes).first(size)).ok()) << size;
    bytes.push_back(0);
    EXPECT_EQ(DecodeEnvelope(bytes).error().message, "envelope has 1 bytes too many");
  }
}

TEST(Agree, BodyIsThatOfTheVectors) {
  const auto& agree = Bindings()["agree"];
  const Digest ctx = Context(Inputs());
  const AgreeBody body = MakeAgreeBody(ctx, KeysBodies(), Ids(agree["U2"]), Ids(agree["U3"]));
  EXPECT_EQ(ToHex(body.keys_hash), agree["keys_hash"]);
  EXPECT_EQ(ToHex(body.shared), agree["shared"]);
  EXPECT_EQ(ToHex(body.included), agree["included"]);
  EXPECT_EQ(ToHex(body.Encode()), agree["body"]);
  EXPECT_EQ(AgreeBody::Decode(body.Encode()).value(), body);
}

TEST(Agree, BodiesOfOtherSizesAreRefused) {
  EXPECT_EQ(AgreeBody::Decode(Bytes(95)).error().message, "Agree is cut short");
  EXPECT_EQ(AgreeBody::Decode(Bytes(97)).error().message, "Agree has 1 bytes too many");
}

TEST(Agree, AnyOtherViewOfKeysOrSetsIsAnotherBody) {
  const auto& agree = Bindings()["agree"];
  const Digest ctx = Context(Inputs());
  const auto bodies = KeysBodies();
  for (const auto& [id, body] : bodies) {
    for (std::size_t i = 0; i < body.size(); ++i) {
      auto changed = bodies;
      changed[id][i] ^= 1;
      EXPECT_NE(ToHex(KeysHash(ctx, changed)), agree["keys_hash"]);
    }
    auto fewer = bodies;
    fewer.erase(id);
    EXPECT_NE(ToHex(KeysHash(ctx, fewer)), agree["keys_hash"]);
  }
  const auto included = Ids(agree["U3"]);
  for (const SiteId id : included) {
    auto fewer = included;
    fewer.erase(id);
    EXPECT_NE(ToHex(SetHash(kIncludedSet, ctx, fewer)), agree["included"]);
  }
  EXPECT_NE(ToHex(SetHash(kSharedSet, ctx, included)), agree["included"]);
}

TEST(SetHash, DoesNotDependOnTheOrderOfIds) {
  const Digest ctx = Context(Inputs());
  const std::vector<SiteId> ids = {{9}, {300}, {2}};
  EXPECT_EQ(SetHash(kSharedSet, ctx, ids), SetHash(kSharedSet, ctx, std::set<SiteId>(ids.begin(), ids.end())));
}

std::map<SiteId, Reveal> Reveals() {
  std::map<SiteId, Reveal> reveals;
  for (const auto& c : Bindings()["graph"]["sites"])
    reveals.emplace(SiteId{c["id"].get<std::uint32_t>()}, HexArray(c["r"]));
  return reveals;
}

TEST(MaskGraph, Of131SitesIsThatOfTheVectors) {
  const auto& v = Bindings()["graph"];
  const Digest ctx = Context(Inputs());
  EXPECT_EQ(ToHex(GraphSeed(ctx, Reveals())), v["seed"]);
  const auto graph = MaskGraph::Make(ctx, Reveals(), v["degree"].get<unsigned>()).value();
  ASSERT_EQ(graph.permutation().size(), v["permutation"].size());
  for (std::size_t i = 0; i < graph.permutation().size(); ++i)
    EXPECT_EQ(graph.permutation()[i].value, v["permutation"][i].get<std::uint32_t>());
  for (const auto& [id, neighbours] : v["neighbours"].items())
    EXPECT_EQ(graph.NeighboursOf(SiteId{static_cast<std::uint32_t>(std::stoul(id))}), Ids(neighbours)) << id;
}

TEST(MaskGraph, IsMutualEvenAndAnotherForAnyOtherReveal) {
  const Digest ctx = Context(Inputs());
  auto reveals = Reveals();
  const auto graph = MaskGraph::Make(ctx, reveals, 42).value();
  for (const auto& [id, reveal] : reveals) {
    const auto& neighbours = graph.NeighboursOf(id);
    EXPECT_EQ(neighbours.size(), 42u);
    EXPECT_FALSE(neighbours.contains(id));
    for (const SiteId other : neighbours) EXPECT_TRUE(graph.NeighboursOf(other).contains(id));
  }
  reveals.begin()->second[0] ^= 1;
  EXPECT_NE(MaskGraph::Make(ctx, reveals, 42).value().permutation(), graph.permutation());
}

TEST(MaskGraph, DegreesThatMakeNoRingAreRefused) {
  const Digest ctx{};
  for (const unsigned degree : {0u, 7u, 132u, 1000u}) EXPECT_FALSE(MaskGraph::Make(ctx, Reveals(), degree).ok());
  EXPECT_TRUE(MaskGraph::Make(ctx, Reveals(), 130).ok());
}

TEST(MaskGraph, SharePointsCountTheOwnerAmongItsNeighbours) {
  const auto graph = MaskGraph::Make(Context(Inputs()), Reveals(), 42).value();
  for (const SiteId owner : {SiteId{70}, SiteId{2184}, SiteId{4948}}) {
    std::set<SiteId> group = graph.NeighboursOf(owner);
    group.insert(owner);
    std::uint8_t x = 0;
    for (const SiteId holder : group) EXPECT_EQ(graph.SharePoint(owner, holder).value(), ++x);
    EXPECT_EQ(x, 43);
  }
}

TEST(MaskGraph, CompleteNumbersTheSitesAlikeForEveryOwner) {
  const std::set<SiteId> sites = {{3}, {11}, {12}, {400}};
  const auto graph = MaskGraph::Complete(sites);
  for (const SiteId owner : sites) {
    EXPECT_EQ(graph.NeighboursOf(owner).size(), 3u);
    std::uint8_t x = 0;
    for (const SiteId holder : sites) EXPECT_EQ(graph.SharePoint(owner, holder).value(), ++x);
  }
  EXPECT_EQ(graph.SharePoint(SiteId{3}, SiteId{4}).error().message, "site-4 holds no share of site-3");
  EXPECT_FALSE(graph.SharePoint(SiteId{4}, SiteId{4}).ok());
  EXPECT_TRUE(graph.NeighboursOf(SiteId{4}).empty());
}

TEST(MaskGraph, A256thShareIsRefused) {
  std::set<SiteId> sites;
  for (std::uint32_t id = 1; id <= 256; ++id) sites.insert(SiteId{id});
  const auto graph = MaskGraph::Complete(sites);
  EXPECT_EQ(graph.SharePoint(SiteId{1}, SiteId{255}).value(), 255);
  EXPECT_FALSE(graph.SharePoint(SiteId{1}, SiteId{256}).ok());
}

TEST(ChooseGraph, TakesTheFirstRowThatIsLargeEnough) {
  EXPECT_EQ(ChooseGraph(101, Adversary::kCurious20Drop10).value(), (GraphParameters{32, 21}));
  EXPECT_EQ(ChooseGraph(102, Adversary::kCurious33Drop10).value(), (GraphParameters{66, 47}));
  EXPECT_EQ(ChooseGraph(200, Adversary::kSemiMalicious20Drop10).value(), (GraphParameters{76, 57}));
  EXPECT_EQ(ChooseGraph(201, Adversary::kSemiMalicious10Drop5).value(), (GraphParameters{56, 42}));
  EXPECT_EQ(ChooseGraph(5000, Adversary::kSemiMalicious20Drop10).value(), (GraphParameters{172, 127}));
  EXPECT_FALSE(ChooseGraph(100, Adversary::kCurious20Drop10).ok());
  EXPECT_FALSE(ChooseGraph(5001, Adversary::kCurious20Drop10).ok());
}

}  // namespace
}  // namespace fedtrial
