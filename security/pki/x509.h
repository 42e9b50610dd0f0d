#pragma once

#include <memory>
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "security/crypto/openssl.h"
#include "security/crypto/secret.h"

// For .cc files of pki only: owners of OpenSSL's certificate objects, and PEM in and out.
namespace fedtrial {

struct X509Free {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_REQ* p) const { X509_REQ_free(p); }
  void operator()(X509_NAME* p) const { X509_NAME_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(GENERAL_NAME* p) const { GENERAL_NAME_free(p); }
  void operator()(BASIC_CONSTRAINTS* p) const { BASIC_CONSTRAINTS_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
};
template <typename T>
using X509Owner = std::unique_ptr<T, X509Free>;

inline constexpr std::size_t kMaxPem = 64 * 1024;  // bytes of any key, request or certificate

// kInvalidInput if the text can't be read or its key isn't P-256.
Result<EvpPkeyPtr> ReadKeyPem(ByteView pem);
Result<X509Owner<X509_REQ>> ReadCsrPem(std::string_view pem);
Result<X509Owner<X509>> ReadCertificatePem(std::string_view pem);

Result<SecretBuffer> WriteKeyPem(EVP_PKEY* key);
Result<std::string> WritePem(X509* certificate);
Result<std::string> WritePem(X509_REQ* request);

Result<Digest> SpkiOf(EVP_PKEY* key);
// Exactly one, as UTF-8.
Result<std::string> CommonNameOf(const X509_NAME* name);
Result<X509Owner<X509_NAME>> MakeName(std::string_view common_name);

}  // namespace fedtrial
