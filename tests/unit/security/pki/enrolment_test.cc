#include "security/pki/enrolment.h"

#include <gtest/gtest.h>

#include "security/crypto/system_random.h"

namespace fedtrial {
namespace {

class Enrolment : public testing::Test {
 protected:
  EnrolRequest Make() const {
    return MakeEnrolRequest("hospital-a", token_.Clone(), tls_key_.view(), signing_key_).value();
  }

  SystemRandom random_;
  const SecretBuffer tls_key_ = GenerateTlsKey().value();
  const SigningKey signing_key_ = SigningKey::Generate(random_);
  const EnrolToken token_ = EnrolToken::Generate(random_);
};

TEST_F(Enrolment, ATokenReadsBackFromItsText) {
  const std::string text = token_.Text();
  EXPECT_EQ(text.size(), 39u);
  EXPECT_EQ(ToBytes(EnrolToken::Parse(" " + text + "\n").value().bytes()), ToBytes(token_.bytes()));
  EXPECT_NE(EnrolToken::Generate(random_).Text(), text);
}

TEST_F(Enrolment, WhatIsNoTokenIsRefused) {
  const std::string text = token_.Text();
  std::string no_hyphen = text, no_hex = text;
  no_hyphen[4] = '0';
  no_hex[0] = 'g';
  for (const std::string& bad : {std::string(), std::string(" "), text.substr(1), text + "0", no_hyphen, no_hex})
    EXPECT_EQ(EnrolToken::Parse(bad).error().code, ErrorCode::kInvalidInput) << bad;
  EXPECT_FALSE(EnrolToken::FromBytes(Bytes(15)).ok());
}

TEST_F(Enrolment, ATokenIsGoodForItsSiteOnly) {
  const Digest stored = TokenHash("hospital-a", token_);
  EXPECT_TRUE(TokenMatches(stored, "hospital-a", token_));
  EXPECT_FALSE(TokenMatches(stored, "hospital-b", token_));
  EXPECT_FALSE(TokenMatches(stored, "hospital-a", EnrolToken::Generate(random_)));
  Bytes bytes = ToBytes(token_.bytes());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 1;
    EXPECT_FALSE(TokenMatches(stored, "hospital-a", EnrolToken::FromBytes(bytes).value()));
    bytes[i] ^= 1;
  }
}

TEST_F(Enrolment, ARequestHoldsAndReadsBack) {
  const EnrolRequest request = EnrolRequest::Decode(Make().Encode()).value();
  EXPECT_EQ(request.site_name, "hospital-a");
  EXPECT_EQ(ToBytes(request.token.bytes()), ToBytes(token_.bytes()));
  EXPECT_EQ(request.signing_key, signing_key_.PublicKey());
  const CsrInfo csr = CheckEnrolRequest(request).value();
  EXPECT_EQ(csr.spki, SpkiOfKey(tls_key_.view()).value());
}

TEST_F(Enrolment, EveryChangedByteOfARequestIsRefused) {
  Bytes bytes = Make().Encode();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 0x02;
    const auto request = EnrolRequest::Decode(bytes);
    EXPECT_FALSE(request.ok() && CheckEnrolRequest(*request).ok()) << i;
    bytes[i] ^= 0x02;
  }
  EXPECT_FALSE(EnrolRequest::Decode(ByteView(bytes).first(bytes.size() - 1)).ok());
  bytes.push_back(0);
  EXPECT_FALSE(EnrolRequest::Decode(bytes).ok());
}

TEST_F(Enrolment, ARequestSignedForAnotherNameIsRefused) {
  EnrolRequest request = Make();
  request.csr_pem = MakeCsr(tls_key_.view(), "hospital-b").value();
  request.signature = SignLabelled(signing_key_, kEnrolLabel,
                                   ByteWriter()
                                       .Enc(request.site_name)
                                       .Raw(request.token.bytes())
                                       .Enc(request.csr_pem)
                                       .Raw(request.signing_key)
                                       .bytes());
  EXPECT_EQ(CheckEnrolRequest(request).error().message, "the certificate request of hospital-a asks for another name");
}

TEST_F(Enrolment, NamesThatWouldNotFitAFileOrCertificateAreRefused) {
  for (const char* name : {"", "a b", "a/b", "ä", "a\n"}) EXPECT_FALSE(CheckSiteName(name).ok()) << name;
  EXPECT_FALSE(CheckSiteName(std::string(65, 'a')).ok());
  EXPECT_TRUE(CheckSiteName("TCGA-06_b.2").ok());
  EXPECT_FALSE(MakeEnrolRequest("a b", token_.Clone(), tls_key_.view(), signing_key_).ok());
  EXPECT_FALSE(MakeEnrolRequest("a", token_.Clone(), AsBytes("x"), signing_key_).ok());
  EnrolRequest request = Make();
  request.site_name = "a b";
  EXPECT_FALSE(CheckEnrolRequest(request).ok());
}

}  // namespace
}  // namespace fedtrial
