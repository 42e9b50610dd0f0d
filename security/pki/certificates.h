#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "security/crypto/ed25519.h"
#include "security/crypto/secret.h"

// TLS keys and certificates: P-256, ECDSA with SHA-256, X.509 v3, PEM in and out. Nothing here reads a clock or a file.
namespace fedtrial {

inline constexpr std::time_t kCertificateLifetime = 30 * 24 * 3600;  // seconds; renewed at 2/3 of it
inline constexpr std::time_t kCaLifetime = 10L * 365 * 24 * 3600;

// A new private key, PKCS#8 PEM without a password.
Result<SecretBuffer> GenerateTlsKey();

// SHA-256 of the SubjectPublicKeyInfo (DER).
Result<Digest> SpkiOfKey(ByteView key_pem);

Result<std::string> MakeCsr(ByteView key_pem, std::string_view common_name);

struct CsrInfo {
  std::string common_name;
  Digest spki{};
};
// kInvalidInput if it can't be read or its key isn't P-256, kIntegrity if its own signature doesn't hold.
Result<CsrInfo> ReadCsr(std::string_view csr_pem);

enum class CertificateUse { kClient, kServer };

struct CertificateSpec {
  CertificateUse use = CertificateUse::kClient;
  std::string common_name;   // the site's name; of a server, its first name. 1 to 64 characters
  std::uint64_t serial = 0;  // >= 1, below 2^63, never twice from one CA
  std::time_t not_before = 0;
  std::time_t not_after = 0;              // above not_before
  std::vector<std::string> dns_names;     // a server needs one of either kind
  std::vector<std::string> ip_addresses;  // "192.0.2.1" or "2001:db8::1"
};

// Self-signed, for signing certificates of one consortium only (path length 0).
Result<std::string> MakeCa(ByteView key_pem, std::string_view common_name, std::uint64_t serial, std::time_t not_before,
                           std::time_t not_after);

// Certifies the request's key; names come from `spec` alone, whatever the request asks for.
Result<std::string> SignCsr(ByteView ca_key_pem, std::string_view ca_pem, std::string_view csr_pem,
                            const CertificateSpec& spec);

struct CertificateInfo {
  std::string common_name;
  std::string issuer;  // its common name
  std::uint64_t serial = 0;
  Digest spki{};
  std::time_t not_before = 0;
  std::time_t not_after = 0;
  bool is_ca = false;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};
Result<CertificateInfo> ReadCertificate(std::string_view certificate_pem);

// kIntegrity, with the reason, unless `ca_pem` signed it for this use and it is valid at `now`.
Status CheckCertificate(std::string_view certificate_pem, std::string_view ca_pem, CertificateUse use, std::time_t now);

// When to ask for the next one: at 2/3 of its life.
inline std::time_t RenewalTime(std::time_t not_before, std::time_t not_after) {
  return not_before + (not_after - not_before) / 3 * 2;
}

// One fingerprint over both keys of a site, for two people to compare: 8 groups of 4 hex digits, from
// H("fl/fingerprint/v1"
// || spki || signing key).
std::string EnrolmentFingerprint(const Digest& spki, const VerifyKey& signing_key);

}  // namespace fedtrial
