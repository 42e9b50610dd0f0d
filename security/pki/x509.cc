#include "security/pki/x509.h"

#include <array>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "security/crypto/sha256.h"

namespace fedtrial {
namespace {

Error Unreadable(std::string_view what) {
  ERR_clear_error();
  return {ErrorCode::kInvalidInput, fmt::format("the {} can't be read: not PEM, or damaged", what)};
}

Status CheckP256(EVP_PKEY* key, std::string_view what) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  const bool named = key != nullptr && EVP_PKEY_is_a(key, "EC") == 1 &&
                     EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1;
  ERR_clear_error();
  if (!named || std::string_view(group.data()) != SN_X9_62_prime256v1)
    return Error{ErrorCode::kInvalidInput, fmt::format("the key of the {} isn't a P-256 one", what)};
  return {};
}

Result<X509Owner<BIO>> Open(std::string_view pem, std::string_view what) {
  if (pem.size() > kMaxPem)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the {} has {} bytes, at most {} are read", what, pem.size(), kMaxPem)};
  X509Owner<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) return OpenSslError("reading PEM");
  return bio;
}

std::string_view Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Result<EvpPkeyPtr> ReadKeyPem(ByteView pem) {
  constexpr std::string_view kWhat = "private key";
  ASSIGN_OR_RETURN(const auto bio, Open(AsText(pem), kWhat));
  char no_password[] = "";  // without it OpenSSL would ask the terminal
  EvpPkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_password));
  if (key == nullptr) return Unreadable(kWhat);
  RETURN_IF_ERROR(CheckP256(key.get(), kWhat));
  return key;
}

Result<X509Owner<X509_REQ>> ReadCsrPem(std::string_view pem) {
  constexpr std::string_view kWhat = "certificate request";
  ASSIGN_OR_RETURN(const auto bio, Open(pem, kWhat));
  X509Owner<X509_REQ> request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (request == nullptr) return Unreadable(kWhat);
  RETURN_IF_ERROR(CheckP256(X509_REQ_get0_pubkey(request.get()), kWhat));
  return request;
}

Result<X509Owner<X509>> ReadCertificatePem(std::string_view pem) {
  constexpr std::string_view kWhat = "certificate";
  ASSIGN_OR_RETURN(const auto bio, Open(pem, kWhat));
  X509Owner<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return Unreadable(kWhat);
  RETURN_IF_ERROR(CheckP256(X509_get0_pubkey(certificate.get()), kWhat));
  return certificate;
}

Result<SecretBuffer> WriteKeyPem(EVP_PKEY* key) {
  const X509Owner<BIO> bio(BIO_new(BIO_s_secmem()));  // wiped when freed
  if (bio == nullptr || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return OpenSslError("writing a private key");
  return SecretBuffer::CopyOf(AsBytes(Contents(bio.get())));
}

Result<std::string> WritePem(X509* certificate) {
  const X509Owner<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) return OpenSslError("writing a certificate");
  return std::string(Contents(bio.get()));
}

Result<std::string> WritePem(X509_REQ* request) {
  const X509Owner<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509_REQ(bio.get(), request) != 1)
    return OpenSslError("writing a certificate request");
  return std::string(Contents(bio.get()));
}

Result<Digest> SpkiOf(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return OpenSslError("writing a public key");
  const Digest digest = Sha256({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

Result<std::string> CommonNameOf(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
    return Error{ErrorCode::kInvalidInput, "a certificate or request has no common name, or several"};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return Unreadable("common name");
  std::string common_name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return common_name;
}

Result<X509Owner<X509_NAME>> MakeName(std::string_view common_name) {
  constexpr std::size_t kMaxCommonName = 64;  // X.520's upper bound
  if (common_name.empty() || common_name.size() > kMaxCommonName)
    return Error{ErrorCode::kInvalidInput, fmt::format("a name of {} bytes for a certificate, wanted 1 to {}",
                                                       common_name.size(), kMaxCommonName)};
  X509Owner<X509_NAME> name(X509_NAME_new());
  if (name == nullptr || X509_NAME_add_entry_by_NID(name.get(), NID_commonName, MBSTRING_UTF8,
                                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                                    static_cast<int>(common_name.size()), -1, 0) != 1)
    return OpenSslError("naming a certificate");
  return name;
}

}  // namespace fedtrial
