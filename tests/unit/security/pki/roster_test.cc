#include "security/pki/roster.h"

#include "security/crypto/sha256.h"
#include "security/crypto/system_random.h"
#include "security/pki/revocation.h"
#include "security/pki/signed_bytes.h"
#include "tests/unit/security/vectors.h"

namespace fedtrial {
namespace {

Roster SomeRoster() {
  const auto v = Vectors("secagg_bindings.json", "roster");
  Roster roster{v["trial_id"].get<std::string>(), v["version"].get<std::uint32_t>(), {}};
  for (const auto& row : v["rows"]) {
    const SiteId id{row["id"].get<std::uint32_t>()};
    roster.entries.push_back(
        {{id, HexArray(row["ed25519"]), HexArray(row["spki_sha256"]), row["role"].get<std::uint8_t>()}, ToString(id)});
  }
  return roster;
}

RevocationList SomeList() { return {"TRIAL-01", 3, 1'795'000'000, {SiteId{69}, SiteId{411}}, {7, 1000}}; }

class SignedLists : public testing::Test {
 protected:
  SystemRandom random_;
  const SigningKey consortium_ = SigningKey::Generate(random_);
  const VerifyKey key_ = consortium_.PublicKey();
};

TEST_F(SignedLists, ARosterHasTheHashOfTheVectorsAndReadsBack) {
  const Roster roster = SomeRoster();
  EXPECT_EQ(ToHex(roster.Hash()), Vectors("secagg_bindings.json", "roster")["roster_hash"]);
  const SignedRoster signed_roster = SignRoster(consortium_, roster).value();
  EXPECT_EQ(OpenRoster(key_, signed_roster).value(), roster);
  const Bytes bytes = ByteWriter().Raw(roster.Hash()).Raw(Sha256(signed_roster.encoded)).Take();
  EXPECT_TRUE(VerifyLabelled(key_, kRosterLabel, bytes, signed_roster.signature));
}

TEST_F(SignedLists, EveryChangedByteOfARosterIsRefused) {
  SignedRoster signed_roster = SignRoster(consortium_, SomeRoster()).value();
  for (auto& byte : signed_roster.encoded) {
    for (const auto bit : Bytes{1, 128}) {
      byte ^= bit;
      EXPECT_FALSE(OpenRoster(key_, signed_roster).ok());
      byte ^= bit;
    }
  }
  for (auto& byte : signed_roster.signature) {
    byte ^= 1;
    EXPECT_EQ(OpenRoster(key_, signed_roster).error().code, ErrorCode::kIntegrity);
    byte ^= 1;
  }
  EXPECT_FALSE(OpenRoster(SigningKey::Generate(random_).PublicKey(), signed_roster).ok());
  for (std::size_t size = 0; size < signed_roster.encoded.size(); ++size)
    EXPECT_FALSE(Roster::Decode(ByteView(signed_roster.encoded).first(size)).ok());
}

TEST_F(SignedLists, TravelAsTheirBytesAndSignature) {
  const Bytes roster = Pack(SignRoster(consortium_, SomeRoster()).value());
  EXPECT_EQ(OpenRoster(key_, UnpackRoster(roster).value()).value(), SomeRoster());
  const Bytes list = Pack(SignRevocationList(consortium_, SomeList()));
  EXPECT_EQ(OpenRevocationList(key_, UnpackRevocationList(list).value()).value(), SomeList());
  EXPECT_EQ(UnpackRoster(Bytes(63)).error().message, "a signed roster is shorter than its signature");
  EXPECT_FALSE(UnpackRevocationList({}).ok());
  EXPECT_FALSE(OpenRoster(key_, UnpackRoster(Bytes(64)).value()).ok());
}

TEST_F(SignedLists, ARosterIsSearchedByIdKeyAndName) {
  const Roster roster = SomeRoster();
  const RosterEntry& entry = roster.entries[2];
  EXPECT_EQ(roster.Find(entry.row.id), &entry);
  EXPECT_EQ(roster.FindBySpki(entry.row.spki), &entry);
  EXPECT_EQ(roster.FindByName(entry.name), &entry);
  EXPECT_EQ(roster.Find(SiteId{1}), nullptr);
  EXPECT_EQ(roster.FindBySpki({}), nullptr);
  EXPECT_EQ(roster.FindByName("nobody"), nullptr);
}

TEST_F(SignedLists, RostersThatCannotBeAreRefused) {
  const auto message = [&](const auto& change) {
    Roster roster = SomeRoster();
    change(roster);
    EXPECT_FALSE(SignRoster(consortium_, roster).ok());
    EXPECT_FALSE(Roster::Decode(roster.Encode()).ok());
    return roster.Check().error().message;
  };
  EXPECT_EQ(message([](Roster& r) { r.trial_id.clear(); }), "the roster names no trial");
  EXPECT_EQ(message([](Roster& r) { r.version = 0; }), "the roster has version 0, they count from 1");
  EXPECT_EQ(message([](Roster& r) { r.entries.clear(); }), "the roster has no coordinator");
  EXPECT_EQ(message([](Roster& r) { r.entries.erase(r.entries.begin()); }), "the roster has no coordinator");
  EXPECT_EQ(message([](Roster& r) { r.entries.back().row.id = kBroadcastId; }), "4294967295 isn't a site's id");
  EXPECT_EQ(message([](Roster& r) { std::swap(r.entries[1], r.entries[2]); }),
            "the roster's rows aren't in order at site-69");
  EXPECT_EQ(message([](Roster& r) { r.entries[2].row.id = r.entries[1].row.id; }),
            "the roster's rows aren't in order at site-69");
  EXPECT_EQ(message([](Roster& r) { r.entries[1].row.role = kRoleCoordinator; }), "site-69 has role 0");
  EXPECT_EQ(message([](Roster& r) { r.entries[0].row.role = kRoleSite; }), "coordinator has role 1");
  EXPECT_EQ(message([](Roster& r) { r.entries[2].row.signing_key = r.entries[1].row.signing_key; }),
            "site-292 has the signing key of another row");
  EXPECT_EQ(message([](Roster& r) { r.entries[2].row.spki = r.entries[1].row.spki; }),
            "site-292 has the TLS key of another row");
  EXPECT_EQ(message([](Roster& r) { r.entries[2].name = r.entries[1].name; }), "site-292 has the name of another row");
  EXPECT_TRUE(message([](Roster& r) { r.entries[2].name = "a b"; }).starts_with("site-292: a site's name is"));
}

TEST_F(SignedLists, ARosterOfAnotherTrialOrNoHigherVersionIsRefused) {
  const Roster current = SomeRoster();
  Roster next = current;
  EXPECT_EQ(CheckNextRoster(current, next).error().message, "roster version 4, version 4 is known");
  next.version = 3;
  EXPECT_FALSE(CheckNextRoster(current, next).ok());
  next.version = 5;
  EXPECT_TRUE(CheckNextRoster(current, next).ok());
  next.trial_id = "TRIAL-02";
  EXPECT_EQ(CheckNextRoster(current, next).error().message, "a roster of trial TRIAL-02, this is TRIAL-01");
}

TEST_F(SignedLists, ARevocationListReadsBackAndMarksItsRows) {
  const RevocationList list = OpenRevocationList(key_, SignRevocationList(consortium_, SomeList())).value();
  EXPECT_EQ(list, SomeList());
  Roster roster = SomeRoster();
  roster.entries[2].row.revoked = true;  // let in again by a later list
  list.ApplyTo(roster);
  for (const auto& [row, name] : roster.entries)
    EXPECT_EQ(row.revoked, row.id == SiteId{69} || row.id == SiteId{411}) << name;
  EXPECT_EQ(roster.Hash(), SomeRoster().Hash());
}

TEST_F(SignedLists, EveryChangedByteOfARevocationListIsRefused) {
  SignedRevocationList signed_list = SignRevocationList(consortium_, SomeList());
  for (auto& byte : signed_list.encoded) {
    byte ^= 4;
    EXPECT_EQ(OpenRevocationList(key_, signed_list).error().code, ErrorCode::kIntegrity);
    byte ^= 4;
  }
  for (auto& byte : signed_list.signature) {
    byte ^= 4;
    EXPECT_EQ(OpenRevocationList(key_, signed_list).error().code, ErrorCode::kIntegrity);
    byte ^= 4;
  }
}

TEST(RevocationList, BytesThatAreNoneAreRefused) {
  const Bytes right = SomeList().Encode();
  ASSERT_TRUE(RevocationList::Decode(right).ok());
  for (std::size_t size = 0; size < right.size(); ++size)
    EXPECT_FALSE(RevocationList::Decode(ByteView(right).first(size)).ok()) << size;
  const auto bytes = [](std::uint64_t time, std::uint32_t count, std::initializer_list<std::uint32_t> sites) {
    ByteWriter writer;
    writer.Label("fl/revocation-file/v1").Enc("T").U64(1).U64(time).U32(count);
    for (const auto site : sites) writer.U32(site);
    return writer.U32(0).Take();
  };
  EXPECT_TRUE(RevocationList::Decode(bytes(1, 2, {1, 2})).ok());
  EXPECT_FALSE(RevocationList::Decode(bytes(1, 2, {2, 1})).ok());
  EXPECT_FALSE(RevocationList::Decode(bytes(1, 2, {1, 1})).ok());
  EXPECT_FALSE(RevocationList::Decode(bytes(~std::uint64_t{0}, 0, {})).ok());
  EXPECT_FALSE(RevocationList::Decode(bytes(1, 0xffffffff, {1})).ok());
}

TEST(RevocationList, OfAnotherTrialOrGoingBackIsRefused) {
  const RevocationList current = SomeList();
  EXPECT_TRUE(CheckNextRevocationList(current, current).ok());
  RevocationList next = current;
  next.sites.insert(SiteId{434});
  EXPECT_EQ(CheckNextRevocationList(current, next).error().message, "revocation list 3, number 3 is known");
  next.number = 4;
  EXPECT_TRUE(CheckNextRevocationList(current, next).ok());
  EXPECT_FALSE(CheckNextRevocationList(next, current).ok());
  next.trial_id = "TRIAL-02";
  EXPECT_FALSE(CheckNextRevocationList(current, next).ok());
}

TEST(RevocationList, IsStaleAfterADay) {
  const RevocationList list = SomeList();
  EXPECT_TRUE(CheckFresh(list, list.issued_at + kRevocationLifetime).ok());
  const auto stale = CheckFresh(list, list.issued_at + 25 * 3600);
  EXPECT_EQ(stale.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(stale.error().message, "revocation list 3 is 25 hours old, at most 24 are allowed");
}

}  // namespace
}  // namespace fedtrial
