#include <openssl/err.h>
#include <openssl/evp.h>

#include "security/crypto/aes_ctr.h"
#include "security/crypto/aes_gcm.h"
#include "security/crypto/hkdf.h"
#include "security/crypto/openssl.h"
#include "security/crypto/sha256.h"
#include "tests/unit/security/vectors.h"

namespace fedtrial {
namespace {

TEST(Sha256, GivesTheAnswersOfFips180) {
  EXPECT_EQ(ToHex(Sha256(AsBytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, ComesOutTheSameInPiecesAndStartsAnew) {
  const Bytes bytes(1000, 7);
  Sha256Stream stream;
  for (int again = 0; again < 2; ++again) {
    for (std::size_t at = 0; at < bytes.size(); at += 33)
      stream.Update(ByteView(bytes).subspan(at, std::min<std::size_t>(33, bytes.size() - at)));
    EXPECT_EQ(stream.Finish(), Sha256(bytes));
  }
}

TEST(Hkdf, GivesTheAnswersOfRfc5869AndWycheproof) {
  const auto vectors = LoadVectors("hkdf_sha256.json");
  for (const char* list : {"rfc5869", "wycheproof"}) {
    for (const auto& c : vectors[list]) {
      const auto okm = HkdfSha256(Hex(c["ikm"]), Hex(c["salt"]), Hex(c["info"]), c["size"].get<std::size_t>());
      if (c.value("result", "valid") == "invalid") {
        ASSERT_FALSE(okm.ok()) << c["tcId"];
        EXPECT_EQ(okm.error().code, ErrorCode::kInvalidInput);
      } else {
        EXPECT_EQ(ToHex(okm.value().view()), c["okm"]) << c["tcId"];
      }
    }
  }
}

TEST(Hkdf, AKeyIsThe32ByteAnswerAndNoBytesAreRefused) {
  const Bytes ikm(5, 1), salt(6, 2), info(7, 3);
  EXPECT_EQ(ToHex(HkdfSha256Key(ikm, salt, info).value().view()),
            ToHex(HkdfSha256(ikm, salt, info, 32).value().view()));
  EXPECT_FALSE(HkdfSha256(ikm, salt, info, 0).ok());
}

TEST(Hkdf, InfoBeyondTheLibrarysBoundIsAnErrorNotATruncation) {
  EXPECT_FALSE(HkdfSha256Key(Bytes(32), {}, Bytes(1 << 20)).ok());
}

TEST(AesGcm, SealsAndOpensAsWycheproofDoesAndRefusesTheRest) {
  int opened = 0, refused = 0;
  const auto list = Vectors("aes256_gcm.json", "wycheproof");
  for (const auto& c : list) {
    const Bytes key = Hex(c["key"]), iv = Hex(c["iv"]), aad = Hex(c["aad"]), plain = Hex(c["msg"]);
    const Bytes sealed = ByteWriter().Raw(Hex(c["ct"])).Raw(Hex(c["tag"])).Take();
    const auto open = GcmOpen(key, iv, aad, sealed);
    const auto seal = GcmSeal(key, iv, aad, plain);
    if (iv.size() != kGcmNonceSize) {
      EXPECT_EQ(open.error().code, ErrorCode::kInvalidInput) << c["tcId"];
      EXPECT_EQ(seal.error().code, ErrorCode::kInvalidInput) << c["tcId"];
      ++refused;
    } else if (c["result"] == "valid") {
      EXPECT_EQ(ToBytes(open.value().view()), plain) << c["tcId"];
      EXPECT_EQ(seal.value(), sealed) << c["tcId"];
      ++opened;
    } else {
      ASSERT_FALSE(open.ok()) << c["tcId"];
      EXPECT_EQ(open.error().code, ErrorCode::kIntegrity) << c["tcId"];
      ++refused;
    }
  }
  EXPECT_EQ(opened, 39);
  EXPECT_EQ(refused, 66);
}

TEST(AesGcm, EveryChangedByteOfMessageNonceOrAadIsRefused) {
  const Bytes key(32, 1), nonce(12, 2), aad(5, 3), plain(40, 4);
  const Bytes sealed = GcmSeal(key, nonce, aad, plain).value();
  const auto refused = [&](Bytes changed, const auto& open) {
    for (std::size_t i = 0; i < changed.size(); ++i) {
      changed[i] ^= 0x10;
      EXPECT_FALSE(open(changed).ok()) << i;
      changed[i] ^= 0x10;
    }
    EXPECT_TRUE(open(changed).ok());
  };
  refused(sealed, [&](const Bytes& b) { return GcmOpen(key, nonce, aad, b); });
  refused(nonce, [&](const Bytes& b) { return GcmOpen(key, b, aad, sealed); });
  refused(aad, [&](const Bytes& b) { return GcmOpen(key, nonce, b, sealed); });
  refused(key, [&](const Bytes& b) { return GcmOpen(b, nonce, aad, sealed); });
}

TEST(AesGcm, OtherKeySizesAndMessagesShorterThanATagAreRefused) {
  const Bytes nonce(12);
  EXPECT_EQ(GcmSeal(Bytes(16), nonce, {}, {}).error().message, "an AES-256 key has 32 bytes, got 16");
  EXPECT_EQ(GcmOpen(Bytes(32), nonce, {}, Bytes(15)).error().code, ErrorCode::kIntegrity);
  EXPECT_TRUE(GcmOpen(Bytes(32), nonce, {}, GcmSeal(Bytes(32), nonce, {}, {}).value()).value().empty());
}

TEST(AesGcm, AMessageLongerThanTheLibraryTakesIsRefused) {
  const std::uint8_t byte = 0;
  const ByteView huge(&byte, std::size_t{1} << 31);  // never read
  EXPECT_EQ(GcmSeal(Bytes(32), Bytes(12), {}, huge).error().code, ErrorCode::kInvalidInput);
}

TEST(CtrStream, GivesTheAnswerOfSp80038a) {
  const auto list = Vectors("aes256_ctr.json", "sp800_38a");
  for (const auto& c : list) {
    CtrStream stream = CtrStream::FromCounterForTest(HexArray(c["key"]), HexArray<16>(c["counter"]));
    const Bytes plain = Hex(c["plaintext"]);
    Bytes out(plain.size());
    stream.Fill(out);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] ^= plain[i];
    EXPECT_EQ(ToHex(out), c["ciphertext"]);
  }
}

TEST(CtrStream, CarriesThe32And64And128BitCounterAndSeeks) {
  const auto list = Vectors("aes256_ctr.json", "keystream");
  for (const auto& c : list) {
    CtrStream stream = CtrStream::FromCounterForTest(HexArray(c["key"]), HexArray<16>(c["iv"]));
    Bytes out(c["length"].get<std::size_t>());
    stream.Fill(out);
    EXPECT_EQ(ToHex(ByteView(out).first(32)), c["first32"]) << c["comment"];
    EXPECT_EQ(ToHex(ByteView(out).last(32)), c["last32"]) << c["comment"];
    EXPECT_EQ(ToHex(Sha256(out)), c["sha256"]) << c["comment"];
    Bytes tail(32);
    stream.SeekTo(out.size() - tail.size());
    stream.Fill(tail);
    EXPECT_EQ(ToHex(tail), c["last32"]) << c["comment"];
  }
}

TEST(CtrStream, ABlock65536IsWhereItsCounterSays) {
  const auto vectors = Vectors("aes256_ctr.json", "keystream");
  const auto& c = vectors.back();
  ASSERT_EQ(c["comment"], "1 MiB at block 65536");
  CtrStream stream(HexArray(c["key"]));
  stream.SeekTo(65536 * 16);
  Bytes out(c["length"].get<std::size_t>());
  stream.Fill(out);
  EXPECT_EQ(ToHex(Sha256(out)), c["sha256"]);
}

TEST(CtrStream, GivesTheSameBytesHoweverItIsCutAndSought) {
  const Bytes key(32, 9);
  CtrStream stream(ByteView(key).first<32>());
  Bytes whole(1000);
  stream.Fill(whole);
  for (std::size_t offset = 0; offset < 70; ++offset) {
    stream.SeekTo(offset);
    Bytes a(offset % 7), b(41);
    stream.Fill(a);
    stream.Fill(b);
    a.insert(a.end(), b.begin(), b.end());
    EXPECT_TRUE(std::equal(a.begin(), a.end(), whole.begin() + static_cast<std::ptrdiff_t>(offset))) << offset;
  }
}

TEST(OpenSsl, AnErrorSaysWhatFailedAndEmptiesTheQueue) {
  EXPECT_EQ(EVP_MD_fetch(nullptr, "no such digest", nullptr), nullptr);
  const Error error = OpenSslError("a test");
  EXPECT_EQ(error.code, ErrorCode::kInternal);
  EXPECT_TRUE(error.message.starts_with("a test failed: error:")) << error.message;
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(OpenSslDeathTest, AFailureNobodyCouldSurviveEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(OpenSslAbort("the random generator"), "fedtrial: the random generator failed");
}

}  // namespace
}  // namespace fedtrial
