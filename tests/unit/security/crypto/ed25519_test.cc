#include "security/crypto/ed25519.h"

#include "security/crypto/system_random.h"
#include "tests/unit/security/vectors.h"

namespace fedtrial {
namespace {

TEST(Ed25519, SignsAsRfc8032Does) {
  const auto list = Vectors("ed25519.json", "rfc8032");
  for (const auto& c : list) {
    const auto key = SigningKey::FromSeed(Hex(c["sk"])).value();
    EXPECT_EQ(ToHex(key.PublicKey()), c["pk"]);
    EXPECT_EQ(ToHex(key.Sign(Hex(c["msg"]))), c["sig"]);
    EXPECT_EQ(ToHex(key.seed()), c["sk"]);
  }
}

TEST(Ed25519, RefusesEveryBadSignatureOfWycheproof) {
  int bad = 0;
  const auto list = Vectors("ed25519.json", "wycheproof");
  for (const auto& c : list) {
    const Bytes bytes = Hex(c["sig"]);
    const bool valid = c["result"] == "valid";
    if (!valid) ++bad;
    if (bytes.size() != 64) {  // can't even be held
      EXPECT_FALSE(valid) << c["tcId"];
      continue;
    }
    EXPECT_EQ(Verify(HexArray(c["pk"]), Hex(c["msg"]), HexArray<64>(c["sig"])), valid) << c["tcId"];
  }
  EXPECT_EQ(bad, 63);
}

TEST(Ed25519, ASignatureUnderOneLabelHoldsUnderNoOther) {
  SystemRandom random;
  const auto key = SigningKey::Generate(random);
  constexpr std::array labels = {kMessageLabel, kRosterLabel, kPlanLabel,      kApproveLabel,
                                 kEnrolLabel,   kModelLabel,  kAuditHeadLabel, kRevocationLabel};
  const Bytes message = {1, 2, 3};
  for (const auto made : labels) {
    const Signature signature = SignLabelled(key, made, message);
    EXPECT_FALSE(Verify(key.PublicKey(), message, signature));
    for (const auto asked : labels) {
      EXPECT_EQ(VerifyLabelled(key.PublicKey(), asked, message, signature), made == asked);
      EXPECT_EQ(made.starts_with(asked), made == asked);
    }
  }
}

TEST(Ed25519, SeedsOfOtherSizesAreRefused) { EXPECT_FALSE(SigningKey::FromSeed(Bytes(64)).ok()); }

TEST(Ed25519, AKeyThatIsNoPointVerifiesNothing) {
  VerifyKey key{};
  key[0] = 2;  // y = 2 is on no point of the curve
  EXPECT_FALSE(Verify(key, {}, Signature{}));
}

}  // namespace
}  // namespace fedtrial
