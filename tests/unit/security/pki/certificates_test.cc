#include "security/pki/certificates.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "security/crypto/sha256.h"
#include "security/pki/x509.h"

namespace fedtrial {
namespace {

constexpr std::time_t kNow = 1'795'000'000;  // 2026-11-18
constexpr std::time_t kDay = 24 * 3600;

struct Authority {
  SecretBuffer key = GenerateTlsKey().value();
  std::string pem = MakeCa(key.view(), "Consortium", 1, kNow, kNow + kCaLifetime).value();
};

const Authority& Ca() {
  static const Authority ca;
  return ca;
}

CertificateSpec SiteSpec() {
  return {CertificateUse::kClient, "hospital-a", 7, kNow, kNow + kCertificateLifetime, {}, {}};
}

CertificateSpec ServerSpec() {
  return {
      CertificateUse::kServer,     "coordinator", 8, kNow, kNow + kCertificateLifetime, {"localhost", "fl.example.org"},
      {"127.0.0.1", "2001:db8::1"}};
}

struct Peer {
  SecretBuffer key = GenerateTlsKey().value();
  std::string csr;
  explicit Peer(const std::string& name) : csr(MakeCsr(key.view(), name).value()) {}
  Result<std::string> Sign(const CertificateSpec& spec) const { return SignCsr(Ca().key.view(), Ca().pem, csr, spec); }
};

// A certificate request on another kind of key, made with OpenSSL alone.
std::string CsrOn(EVP_PKEY* key) {
  const X509Owner<X509_REQ> request(X509_REQ_new());
  const auto name = MakeName("hospital-a").value();
  X509_REQ_set_subject_name(request.get(), name.get());
  X509_REQ_set_pubkey(request.get(), key);
  X509_REQ_sign(request.get(), key, EVP_sha256());
  return WritePem(request.get()).value();
}

TEST(TlsKey, IsP256InPkcs8WithoutPassword) {
  const SecretBuffer key = GenerateTlsKey().value();
  EXPECT_TRUE(AsText(key.view()).starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const auto read = ReadKeyPem(key.view()).value();
  EXPECT_EQ(EVP_PKEY_get_bits(read.get()), 256);
  EXPECT_NE(ToHex(SpkiOfKey(key.view()).value()), ToHex(SpkiOfKey(GenerateTlsKey().value().view()).value()));
}

TEST(Csr, CarriesItsNameAndKey) {
  const Peer site("hospital-a");
  const CsrInfo csr = ReadCsr(site.csr).value();
  EXPECT_EQ(csr.common_name, "hospital-a");
  EXPECT_EQ(csr.spki, SpkiOfKey(site.key.view()).value());
}

TEST(Csr, AChangedByteAnywhereIsRefused) {
  const Peer site("hospital-a");
  const auto request = ReadCsrPem(site.csr).value();
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  ASSERT_GT(size, 0);
  for (int i = 0; i < size; ++i) {
    der[i] ^= 1;
    const X509Owner<BIO> bio(BIO_new(BIO_s_mem()));
    PEM_write_bio(bio.get(), "CERTIFICATE REQUEST", "", der, size);
    char* text = nullptr;
    const long text_size = BIO_get_mem_data(bio.get(), &text);
    EXPECT_FALSE(ReadCsr({text, static_cast<std::size_t>(text_size)}).ok()) << i;
    der[i] ^= 1;
  }
  OPENSSL_free(der);
}

TEST(Csr, OnAnotherCurveOrKindOfKeyIsRefused) {
  for (const EvpPkeyPtr& key : {EvpPkeyPtr(EVP_EC_gen("P-384")), EvpPkeyPtr(EVP_RSA_gen(2048))}) {
    const auto csr = ReadCsr(CsrOn(key.get()));
    ASSERT_FALSE(csr.ok());
    EXPECT_EQ(csr.error().message, "the key of the certificate request isn't a P-256 one");
  }
}

TEST(Csr, WithNoNameOrTwoNamesIsRefused) {
  const EvpPkeyPtr key(EVP_EC_gen("P-256"));
  for (int names = 0; names <= 2; names += 2) {
    const X509Owner<X509_REQ> request(X509_REQ_new());
    for (int i = 0; i < names; ++i)
      X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("a"), 1, -1, 0);
    X509_REQ_set_pubkey(request.get(), key.get());
    X509_REQ_sign(request.get(), key.get(), EVP_sha256());
    EXPECT_EQ(ReadCsr(WritePem(request.get()).value()).error().message,
              "a certificate or request has no common name, or several");
  }
}

TEST(Pem, WhatIsntOneIsAnErrorThatSaysWhich) {
  EXPECT_EQ(ReadKeyPem(AsBytes("hello")).error().message, "the private key can't be read: not PEM, or damaged");
  EXPECT_EQ(ReadCsr("").error().message, "the certificate request can't be read: not PEM, or damaged");
  EXPECT_EQ(ReadCertificate("-----BEGIN CERTIFICATE-----").error().message,
            "the certificate can't be read: not PEM, or damaged");
  EXPECT_FALSE(ReadCertificate(std::string(kMaxPem + 1, 'A')).ok());
  EXPECT_FALSE(SpkiOfKey(AsBytes(Ca().pem)).ok());
  EXPECT_FALSE(MakeCsr(AsBytes("x"), "a").ok());
  EXPECT_FALSE(MakeCsr(Ca().key.view(), "").ok());
  EXPECT_FALSE(MakeCsr(Ca().key.view(), std::string(65, 'a')).ok());
}

TEST(Pem, AKeyUnderAPasswordIsRefusedWithoutAsking) {
  const auto key = ReadKeyPem(Ca().key.view()).value();
  const X509Owner<BIO> bio(BIO_new(BIO_s_mem()));
  char password[] = "secret";
  ASSERT_EQ(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), EVP_aes_256_cbc(), password, 6, nullptr, nullptr), 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  EXPECT_FALSE(ReadKeyPem(AsBytes({text, static_cast<std::size_t>(size)})).ok());
}

TEST(Ca, IsAnAuthorityForAsLongAsItSays) {
  const CertificateInfo info = ReadCertificate(Ca().pem).value();
  EXPECT_TRUE(info.is_ca);
  EXPECT_EQ(info.common_name, "Consortium");
  EXPECT_EQ(info.issuer, "Consortium");
  EXPECT_EQ(info.not_after, kNow + kCaLifetime);
  EXPECT_EQ(info.spki, SpkiOfKey(Ca().key.view()).value());
}

TEST(Certificate, OfASiteHasTheNamesAndTimesOfTheSpecAndTheKeyOfTheRequest) {
  const Peer site("what it asks for");
  const std::string pem = site.Sign(SiteSpec()).value();
  const CertificateInfo info = ReadCertificate(pem).value();
  EXPECT_EQ(info.common_name, "hospital-a");
  EXPECT_EQ(info.issuer, "Consortium");
  EXPECT_EQ(info.serial, 7u);
  EXPECT_EQ(info.spki, SpkiOfKey(site.key.view()).value());
  EXPECT_EQ(info.not_before, kNow);
  EXPECT_EQ(info.not_after, kNow + 30 * kDay);
  EXPECT_FALSE(info.is_ca);
  EXPECT_TRUE(info.dns_names.empty() && info.ip_addresses.empty());
  EXPECT_EQ(RenewalTime(info.not_before, info.not_after), kNow + 20 * kDay);
  EXPECT_TRUE(CheckCertificate(pem, Ca().pem, CertificateUse::kClient, kNow + kDay).ok());
}

TEST(Certificate, OfAServerHasItsAddresses) {
  const std::string pem = Peer("coordinator").Sign(ServerSpec()).value();
  const CertificateInfo info = ReadCertificate(pem).value();
  EXPECT_EQ(info.dns_names, ServerSpec().dns_names);
  EXPECT_EQ(info.ip_addresses, ServerSpec().ip_addresses);
  EXPECT_TRUE(CheckCertificate(pem, Ca().pem, CertificateUse::kServer, kNow).ok());
}

TEST(Certificate, ExpiredEarlyOfAnotherCaOrForAnotherUseIsRefused) {
  const std::string pem = Peer("hospital-a").Sign(SiteSpec()).value();
  const auto reason = [&](std::string_view ca, CertificateUse use, std::time_t now) {
    const auto checked = CheckCertificate(pem, ca, use, now);
    EXPECT_FALSE(checked.ok());
    EXPECT_EQ(checked.error().code, ErrorCode::kIntegrity);
    return checked.error().message;
  };
  EXPECT_EQ(reason(Ca().pem, CertificateUse::kClient, kNow + 31 * kDay),
            "the certificate doesn't hold: certificate has expired");
  EXPECT_EQ(reason(Ca().pem, CertificateUse::kClient, kNow - 1),
            "the certificate doesn't hold: certificate is not yet valid");
  reason(Ca().pem, CertificateUse::kServer, kNow);
  reason(Authority().pem, CertificateUse::kClient, kNow);  // same name, other key
  reason(pem, CertificateUse::kClient, kNow);              // no CA at all
}

TEST(Certificate, OfASiteCannotSignOthers) {
  const Peer site("hospital-a");
  const std::string pem = site.Sign(SiteSpec()).value();
  EXPECT_FALSE(SignCsr(site.key.view(), pem, Peer("b").csr, SiteSpec()).ok());
  EXPECT_FALSE(SignCsr(site.key.view(), Ca().pem, site.csr, SiteSpec()).ok());  // not the CA's key
}

TEST(Certificate, SpecsThatCannotBeAreRefused) {
  const Peer site("hospital-a");
  const auto refused = [&](CertificateSpec spec, const auto& change) {
    change(spec);
    const auto signed_pem = site.Sign(spec);
    ASSERT_FALSE(signed_pem.ok());
    EXPECT_EQ(signed_pem.error().code, ErrorCode::kInvalidInput) << signed_pem.error().message;
  };
  refused(SiteSpec(), [](CertificateSpec& s) { s.serial = 0; });
  refused(SiteSpec(), [](CertificateSpec& s) { s.serial = std::uint64_t{1} << 63; });
  refused(SiteSpec(), [](CertificateSpec& s) { s.not_after = s.not_before; });
  refused(SiteSpec(), [](CertificateSpec& s) { s.common_name.clear(); });
  refused(SiteSpec(), [](CertificateSpec& s) { s.common_name.assign(65, 'a'); });
  refused(ServerSpec(), [](CertificateSpec& s) { s.dns_names.clear(), s.ip_addresses.clear(); });
  refused(ServerSpec(), [](CertificateSpec& s) { s.dns_names = {"a,IP:10.0.0.1"}; });
  refused(ServerSpec(), [](CertificateSpec& s) { s.dns_names = {""}; });
  refused(ServerSpec(), [](CertificateSpec& s) { s.ip_addresses = {"10.0.0"}; });
  EXPECT_FALSE(SignCsr(Ca().key.view(), Ca().pem, "x", SiteSpec()).ok());
  EXPECT_FALSE(MakeCa(Ca().key.view(), "Consortium", 0, kNow, kNow + 1).ok());
}

TEST(Fingerprint, IsEightGroupsOverBothKeys) {
  Digest spki{};
  VerifyKey key{};
  const std::string text = EnrolmentFingerprint(spki, key);
  EXPECT_EQ(text.size(), 39u);
  for (std::size_t i = 4; i < text.size(); i += 5) EXPECT_EQ(text[i], '-');
  const Digest whole = Sha256(ByteWriter().Label("fl/fingerprint/v1").Raw(spki).Raw(key).bytes());
  EXPECT_EQ(text.substr(0, 4), ToHex(whole).substr(0, 4));
  EXPECT_EQ(text.substr(35), ToHex(whole).substr(28, 4));
  spki[31] ^= 1;
  EXPECT_NE(EnrolmentFingerprint(spki, key), text);
  spki[31] ^= 1;
  key[0] ^= 1;
  EXPECT_NE(EnrolmentFingerprint(spki, key), text);
}

}  // namespace
}  // namespace fedtrial
