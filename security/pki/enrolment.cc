#include "security/pki/enrolment.h"

#include <fmt/format.h>

#include "security/crypto/sha256.h"
#include "security/pki/x509.h"

namespace fedtrial {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kSiteNameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

// What is signed, after the label.
Bytes SignedPart(const EnrolRequest& request) {
  return ByteWriter()
      .Enc(request.site_name)
      .Raw(request.token.bytes())
      .Enc(request.csr_pem)
      .Raw(request.signing_key)
      .Take();
}

}  // namespace

EnrolToken EnrolToken::Generate(Random& random) {
  SecretBytes<16> bytes;
  random.Fill(bytes.span());
  return EnrolToken(std::move(bytes));
}

Result<EnrolToken> EnrolToken::Parse(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin != std::string_view::npos) text = text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
  const Error bad{ErrorCode::kInvalidInput, "an enrolment token is 8 groups of 4 hex digits, joined by '-'"};
  if (text.size() != 39) return bad;
  SecretBytes<32> digits;
  for (std::size_t i = 0, at = 0; i < text.size(); ++i) {
    if (i % 5 == 4) {
      if (text[i] != '-') return bad;
    } else {
      digits.span()[at++] = static_cast<std::uint8_t>(text[i]);
    }
  }
  auto bytes = FromHex(AsText(digits.view()));
  if (!bytes.ok()) return bad;
  auto token = FromBytes(*bytes);
  Wipe(*bytes);
  return token;
}

Result<EnrolToken> EnrolToken::FromBytes(ByteView bytes) {
  ASSIGN_OR_RETURN(SecretBytes<16> copy, SecretBytes<16>::CopyOf(bytes));
  return EnrolToken(std::move(copy));
}

std::string EnrolToken::Text() const {
  std::string text = ToHex(bytes());
  for (std::size_t at = 28; at > 0; at -= 4) text.insert(at, 1, '-');
  return text;
}

Digest TokenHash(std::string_view site_name, const EnrolToken& token) {
  Sha256Stream stream;
  stream.Update(ByteWriter().Label("fl/enrol-token/v1").Enc(site_name).bytes());
  stream.Update(token.bytes());
  return stream.Finish();
}

bool TokenMatches(const Digest& stored, std::string_view site_name, const EnrolToken& token) {
  return ConstantTimeEqual(stored, TokenHash(site_name, token));
}

Bytes EnrolRequest::Encode() const { return ByteWriter().Raw(SignedPart(*this)).Raw(signature).Take(); }

Result<EnrolRequest> EnrolRequest::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  std::string site_name = reader.EncText();
  const auto token_bytes = reader.Array<16>();
  std::string csr_pem = reader.EncText();
  const VerifyKey signing_key = reader.Array<32>();
  const Signature signature = reader.Array<64>();
  RETURN_IF_ERROR(reader.Finish("enrolment request"));
  ASSIGN_OR_RETURN(EnrolToken token, EnrolToken::FromBytes(token_bytes));
  return EnrolRequest{std::move(site_name), std::move(token), std::move(csr_pem), signing_key, signature};
}

Status CheckSiteName(std::string_view name) {
  if (name.empty() || name.size() > kMaxSiteName || name.find_first_not_of(kSiteNameLetters) != std::string_view::npos)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("a site's name is 1 to {} letters, digits, '-', '_' or '.'", kMaxSiteName)};
  return {};
}

Result<EnrolRequest> MakeEnrolRequest(std::string_view site_name, EnrolToken token, ByteView tls_key_pem,
                                      const SigningKey& signing_key) {
  RETURN_IF_ERROR(CheckSiteName(site_name));
  ASSIGN_OR_RETURN(std::string csr_pem, MakeCsr(tls_key_pem, site_name));
  EnrolRequest request{std::string(site_name), std::move(token), std::move(csr_pem), signing_key.PublicKey(), {}};
  request.signature = SignLabelled(signing_key, kEnrolLabel, SignedPart(request));
  return request;
}

Result<CsrInfo> CheckEnrolRequest(const EnrolRequest& request) {
  RETURN_IF_ERROR(CheckSiteName(request.site_name));
  if (!VerifyLabelled(request.signing_key, kEnrolLabel, SignedPart(request), request.signature))
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the enrolment of {} isn't signed with its key", request.site_name)};
  ASSIGN_OR_RETURN(CsrInfo csr, ReadCsr(request.csr_pem));
  if (csr.common_name != request.site_name)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("the certificate request of {} asks for another name", request.site_name)};
  return csr;
}

}  // namespace fedtrial
