#pragma once

#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "security/crypto/ed25519.h"
#include "security/crypto/secret.h"
#include "security/pki/certificates.h"

namespace fedtrial {

// 128 random bits that an administrator is handed once. Good for one use, one site name and kTokenLifetime.
class EnrolToken {
 public:
  static EnrolToken Generate(Random& random);
  // As Text() wrote it; spaces around it are forgiven.
  static Result<EnrolToken> Parse(std::string_view text);
  static Result<EnrolToken> FromBytes(ByteView bytes);  // 16

  std::string Text() const;  // 8 groups of 4 hex digits; for the person it is meant for, never for a log
  ByteView bytes() const { return bytes_.view(); }
  EnrolToken Clone() const { return EnrolToken(bytes_.Clone()); }

 private:
  explicit EnrolToken(SecretBytes<16> bytes) : bytes_(std::move(bytes)) {}
  SecretBytes<16> bytes_;
};

inline constexpr std::time_t kTokenLifetime = 72 * 3600;  // seconds

// What the coordinator keeps of a token: H("fl/enrol-token/v1" || enc(site_name) || token).
Digest TokenHash(std::string_view site_name, const EnrolToken& token);
// In constant time.
bool TokenMatches(const Digest& stored, std::string_view site_name, const EnrolToken& token);

// A site's request to be let in, made where its keys are. Signed with the key it brings: Ed25519("fl/enrol/v1" ||
// enc(site_name) || token || enc(csr_pem) || signing key).
struct EnrolRequest {
  std::string site_name;
  EnrolToken token;
  std::string csr_pem;
  VerifyKey signing_key{};
  Signature signature{};

  Bytes Encode() const;  // the signed fields in this order, then the signature
  static Result<EnrolRequest> Decode(ByteView bytes);
};

inline constexpr std::size_t kMaxSiteName = 64;  // letters, digits, '-', '_' and '.'; it becomes a certificate's name
Status CheckSiteName(std::string_view name);

Result<EnrolRequest> MakeEnrolRequest(std::string_view site_name, EnrolToken token, ByteView tls_key_pem,
                                      const SigningKey& signing_key);
// Both signatures, the name and that the CSR asks for just this name; the token is the caller's to look up. Returns
// what the CSR holds.
Result<CsrInfo> CheckEnrolRequest(const EnrolRequest& request);

}  // namespace fedtrial
