#include "security/pki/certificates.h"

#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <utility>

#include "security/crypto/sha256.h"
#include "security/pki/x509.h"

namespace fedtrial {
namespace {

constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

Status CheckSpec(const CertificateSpec& spec) {
  if (spec.serial == 0 || spec.serial >> 63 != 0)
    return Error{ErrorCode::kInvalidInput, fmt::format("serial {}, wanted 1 to 2^63-1", spec.serial)};
  if (spec.not_after <= spec.not_before)
    return Error{ErrorCode::kInvalidInput, "a certificate would end before it begins"};
  if (spec.use == CertificateUse::kServer && spec.dns_names.empty() && spec.ip_addresses.empty())
    return Error{ErrorCode::kInvalidInput, "a server's certificate needs a DNS name or an IP address"};
  return {};
}

Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const X509Owner<X509_EXTENSION> extension(X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1)
    return OpenSslError("adding a certificate's extension");
  return {};
}

// Names go in as values, never through OpenSSL's configuration syntax.
Status AddName(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  X509Owner<GENERAL_NAME> name(GENERAL_NAME_new());
  if (name == nullptr || value == nullptr) {
    ASN1_STRING_free(value);
    return OpenSslError("naming a server");
  }
  GENERAL_NAME_set0_value(name.get(), type, value);
  if (sk_GENERAL_NAME_push(names, name.get()) <= 0) return OpenSslError("naming a server");
  name.release();  // the list's now
  return {};
}

Status AddAlternativeNames(X509* certificate, const CertificateSpec& spec) {
  if (spec.dns_names.empty() && spec.ip_addresses.empty()) return {};
  const X509Owner<GENERAL_NAMES> names(GENERAL_NAMES_new());
  if (names == nullptr) return OpenSslError("naming a server");
  for (const std::string& dns : spec.dns_names) {
    if (dns.empty() || dns.size() > 253 || dns.find_first_not_of(kNameLetters) != std::string::npos)
      return Error{ErrorCode::kInvalidInput, fmt::format("'{}' isn't a DNS name", dns)};
    ASN1_STRING* value = ASN1_IA5STRING_new();
    if (value != nullptr) ASN1_STRING_set(value, dns.data(), static_cast<int>(dns.size()));
    RETURN_IF_ERROR(AddName(names.get(), GEN_DNS, value));
  }
  for (const std::string& ip : spec.ip_addresses) {
    ASN1_STRING* value = a2i_IPADDRESS(ip.c_str());
    if (value == nullptr) {
      OpenSslError("reading an address");  // empties the queue
      return Error{ErrorCode::kInvalidInput, fmt::format("'{}' isn't an IP address", ip)};
    }
    RETURN_IF_ERROR(AddName(names.get(), GEN_IPADD, value));
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) != 1)
    return OpenSslError("naming a server");
  return {};
}

// Everything but extensions, issuer and signature.
Result<X509Owner<X509>> StartCertificate(EVP_PKEY* key, const CertificateSpec& spec) {
  ASSIGN_OR_RETURN(const auto subject, MakeName(spec.common_name));
  X509Owner<X509> certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), spec.serial) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), spec.not_before) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), spec.not_after) == nullptr ||
      X509_set_subject_name(certificate.get(), subject.get()) != 1 || X509_set_pubkey(certificate.get(), key) != 1)
    return OpenSslError("making a certificate");
  return certificate;
}

Result<std::string> FinishCertificate(X509* certificate, const X509_NAME* issuer, EVP_PKEY* issuer_key) {
  if (X509_set_issuer_name(certificate, issuer) != 1 || X509_sign(certificate, issuer_key, EVP_sha256()) <= 0)
    return OpenSslError("signing a certificate");
  return WritePem(certificate);
}

Result<std::time_t> ToTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    OpenSslError("reading a time");
    return Error{ErrorCode::kInvalidInput, "a certificate's validity can't be read"};
  }
  return timegm(&parts);
}

std::string IpText(ByteView address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.size() != 4 && address.size() != 16) return {};
  inet_ntop(address.size() == 4 ? AF_INET : AF_INET6, address.data(), text.data(), text.size());
  return text.data();
}

void ReadAlternativeNames(X509* certificate, CertificateInfo& info) {
  const X509Owner<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {  // -1 of none
    int type = 0;
    const auto* value =
        static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    if (type != GEN_DNS && type != GEN_IPADD) continue;
    const ByteView bytes(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)));
    if (type == GEN_DNS) info.dns_names.emplace_back(AsText(bytes));
    if (type == GEN_IPADD) info.ip_addresses.push_back(IpText(bytes));
  }
}

}  // namespace

Result<SecretBuffer> GenerateTlsKey() {
  const EvpPkeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpenSslError("P-256 key generation");
  return WriteKeyPem(key.get());
}

Result<Digest> SpkiOfKey(ByteView key_pem) {
  ASSIGN_OR_RETURN(const auto key, ReadKeyPem(key_pem));
  return SpkiOf(key.get());
}

Result<std::string> MakeCsr(ByteView key_pem, std::string_view common_name) {
  ASSIGN_OR_RETURN(const auto key, ReadKeyPem(key_pem));
  ASSIGN_OR_RETURN(const auto name, MakeName(common_name));
  const X509Owner<X509_REQ> request(X509_REQ_new());
  if (request == nullptr || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_subject_name(request.get(), name.get()) != 1 || X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0)
    return OpenSslError("making a certificate request");
  return WritePem(request.get());
}

Result<CsrInfo> ReadCsr(std::string_view csr_pem) {
  ASSIGN_OR_RETURN(const auto request, ReadCsrPem(csr_pem));
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request.get());
  if (X509_REQ_verify(request.get(), key) != 1) {
    OpenSslError("verifying a certificate request");
    return Error{ErrorCode::kIntegrity, "the certificate request isn't signed with its own key"};
  }
  ASSIGN_OR_RETURN(std::string name, CommonNameOf(X509_REQ_get_subject_name(request.get())));
  ASSIGN_OR_RETURN(const Digest spki, SpkiOf(key));
  return CsrInfo{std::move(name), spki};
}

Result<std::string> MakeCa(ByteView key_pem, std::string_view common_name, std::uint64_t serial, std::time_t not_before,
                           std::time_t not_after) {
  const CertificateSpec spec{CertificateUse::kClient, std::string(common_name), serial, not_before, not_after, {}, {}};
  RETURN_IF_ERROR(CheckSpec(spec));
  ASSIGN_OR_RETURN(const auto key, ReadKeyPem(key_pem));
  ASSIGN_OR_RETURN(const auto ca, StartCertificate(key.get(), spec));
  RETURN_IF_ERROR(AddExtension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  RETURN_IF_ERROR(AddExtension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign"));
  RETURN_IF_ERROR(AddExtension(ca.get(), ca.get(), NID_subject_key_identifier, "hash"));
  return FinishCertificate(ca.get(), X509_get_subject_name(ca.get()), key.get());
}

Result<std::string> SignCsr(ByteView ca_key_pem, std::string_view ca_pem, std::string_view csr_pem,
                            const CertificateSpec& spec) {
  RETURN_IF_ERROR(CheckSpec(spec));
  RETURN_IF_ERROR(ReadCsr(csr_pem));  // its own signature
  ASSIGN_OR_RETURN(const auto request, ReadCsrPem(csr_pem));
  ASSIGN_OR_RETURN(const auto ca_key, ReadKeyPem(ca_key_pem));
  ASSIGN_OR_RETURN(const auto ca, ReadCertificatePem(ca_pem));
  if (X509_check_ca(ca.get()) != 1 || X509_check_private_key(ca.get(), ca_key.get()) != 1) {
    OpenSslError("looking at the CA");
    return Error{ErrorCode::kInvalidInput, "the CA's certificate isn't a CA's, or the key isn't its own"};
  }
  ASSIGN_OR_RETURN(const auto certificate, StartCertificate(X509_REQ_get0_pubkey(request.get()), spec));
  const bool server = spec.use == CertificateUse::kServer;
  RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE"));
  RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_key_usage, "critical,digitalSignature"));
  RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_ext_key_usage, server ? "serverAuth" : "clientAuth"));
  RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_subject_key_identifier, "hash"));
  RETURN_IF_ERROR(AddExtension(certificate.get(), ca.get(), NID_authority_key_identifier, "keyid:always"));
  RETURN_IF_ERROR(AddAlternativeNames(certificate.get(), spec));
  return FinishCertificate(certificate.get(), X509_get_subject_name(ca.get()), ca_key.get());
}

Result<CertificateInfo> ReadCertificate(std::string_view certificate_pem) {
  ASSIGN_OR_RETURN(const auto certificate, ReadCertificatePem(certificate_pem));
  CertificateInfo info;
  ASSIGN_OR_RETURN(info.common_name, CommonNameOf(X509_get_subject_name(certificate.get())));
  ASSIGN_OR_RETURN(info.issuer, CommonNameOf(X509_get_issuer_name(certificate.get())));
  if (ASN1_INTEGER_get_uint64(&info.serial, X509_get0_serialNumber(certificate.get())) != 1) {
    OpenSslError("reading a serial number");
    return Error{ErrorCode::kInvalidInput, "a certificate's serial number doesn't fit 64 bits"};
  }
  ASSIGN_OR_RETURN(info.spki, SpkiOf(X509_get0_pubkey(certificate.get())));
  ASSIGN_OR_RETURN(info.not_before, ToTime(X509_get0_notBefore(certificate.get())));
  ASSIGN_OR_RETURN(info.not_after, ToTime(X509_get0_notAfter(certificate.get())));
  info.is_ca = X509_check_ca(certificate.get()) == 1;
  ReadAlternativeNames(certificate.get(), info);
  return info;
}

Status CheckCertificate(std::string_view certificate_pem, std::string_view ca_pem, CertificateUse use,
                        std::time_t now) {
  ASSIGN_OR_RETURN(const auto certificate, ReadCertificatePem(certificate_pem));
  ASSIGN_OR_RETURN(const auto ca, ReadCertificatePem(ca_pem));
  const X509Owner<X509_STORE> store(X509_STORE_new());
  const X509Owner<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (store == nullptr || context == nullptr || X509_STORE_add_cert(store.get(), ca.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr) != 1)
    return OpenSslError("checking a certificate");
  X509_STORE_CTX_set_purpose(context.get(),
                             use == CertificateUse::kServer ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
  X509_STORE_CTX_set_time(context.get(), 0, now);
  if (X509_verify_cert(context.get()) == 1) return {};
  const char* const reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  OpenSslError("checking a certificate");
  return Error{ErrorCode::kIntegrity, fmt::format("the certificate doesn't hold: {}", reason)};
}

std::string EnrolmentFingerprint(const Digest& spki, const VerifyKey& signing_key) {
  const Digest digest = Sha256(ByteWriter().Label("fl/fingerprint/v1").Raw(spki).Raw(signing_key).bytes());
  std::string text = ToHex(ByteView(digest).first(16));
  for (std::size_t at = 28; at > 0; at -= 4) text.insert(at, 1, '-');
  return text;
}

}  // namespace fedtrial
