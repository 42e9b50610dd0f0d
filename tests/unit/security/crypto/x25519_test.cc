#include "security/crypto/x25519.h"

#include "security/crypto/system_random.h"
#include "tests/unit/security/vectors.h"

namespace fedtrial {
namespace {

X25519PrivateKey Key(const nlohmann::json& hex) { return X25519PrivateKey::FromBytes(Hex(hex)).value(); }

TEST(X25519, GivesTheAnswersOfRfc7748) {
  const auto vectors = LoadVectors("x25519.json");
  for (const auto& c : vectors["rfc7748_scalarmult"])
    EXPECT_EQ(ToHex(Key(c["k"]).Agree(HexArray(c["u"])).value().view()), c["out"]);
  for (const auto& c : vectors["rfc7748_dh"]) {
    const auto bob = Key(c["bob_private"]);
    EXPECT_EQ(ToHex(bob.PublicKey()), c["bob_public"]);
    EXPECT_EQ(ToHex(bob.Agree(HexArray(c["alice_public"])).value().view()), c["shared"]);
  }
}

TEST(X25519, GivesTheIteratedAnswersOfRfc7748) {
  const auto vectors = LoadVectors("x25519.json");
  for (const auto& c : vectors["rfc7748_iterated"]) {
    X25519PublicKey k = HexArray(c["start"]);
    X25519PublicKey u = k;
    for (int i = 0; i < c["iterations"].get<int>(); ++i) {
      const auto out = X25519PrivateKey::FromBytes(k).value().Agree(u).value();
      u = k;
      std::copy_n(out.view().begin(), 32, k.begin());
    }
    EXPECT_EQ(ToHex(k), c["out"]);
  }
}

TEST(X25519, RefusesEveryZeroSecretOfWycheproofAndGivesTheRest) {
  const auto vectors = LoadVectors("x25519.json");
  int refused = 0;
  for (const auto& c : vectors["wycheproof"]) {
    const X25519PublicKey theirs = HexArray(c["public"]);
    const auto shared = Key(c["private"]).Agree(theirs);
    EXPECT_EQ(IsLowOrder(theirs), c["must_reject"].get<bool>()) << c["tcId"];
    if (c["must_reject"]) {
      ++refused;
      ASSERT_FALSE(shared.ok()) << c["tcId"];
      EXPECT_EQ(shared.error().code, ErrorCode::kIntegrity);
    } else {
      EXPECT_EQ(ToHex(shared.value().view()), c["shared"]) << c["tcId"];
    }
  }
  EXPECT_EQ(refused, 31);
}

TEST(X25519, TwoFreshKeysAgree) {
  SystemRandom random;
  const auto a = X25519PrivateKey::Generate(random);
  const auto b = X25519PrivateKey::Generate(random);
  EXPECT_NE(a.PublicKey(), b.PublicKey());
  EXPECT_FALSE(IsLowOrder(a.PublicKey()));
  EXPECT_EQ(ToHex(a.Agree(b.PublicKey()).value().view()), ToHex(b.Agree(a.PublicKey()).value().view()));
  EXPECT_EQ(X25519PrivateKey::FromBytes(a.bytes()).value().PublicKey(), a.PublicKey());
}

TEST(X25519, KeysOfOtherSizesAreRefused) {
  EXPECT_FALSE(X25519PrivateKey::FromBytes(Bytes(31)).ok());
  EXPECT_FALSE(X25519PrivateKey::FromBytes(Bytes(33)).ok());
}

}  // namespace
}  // namespace fedtrial
