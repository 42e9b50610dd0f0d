#include "common/runtime/credentials.h"

#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <functional>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "common/runtime/backoff.h"
#include "common/runtime/files.h"

namespace fedtrial {
namespace {

namespace tls = grpc::experimental;

constexpr std::size_t kMaxPem = 256 * 1024;
constexpr int kKeepaliveMs = 20'000;  // below the idle limits of common firewalls
constexpr int kKeepaliveTimeoutMs = 10'000;

// gRPC 1.51 has no setter for the lowest TLS version. Its list of ciphers is that of TLS 1.2 alone (1.3 has its own,
// fixed one); the one cipher left there needs a pre-shared key, which nobody has: 1.2 can't be agreed on, by a server
// or a client. gRPC reads the variable once, with its first credentials; here it is set before main and any thread.
[[maybe_unused]] const int kTls13Only = setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", /*overwrite=*/1);

Result<std::string> ReadPem(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const Bytes bytes, ReadWholeFile(path, kMaxPem));
  return std::string(AsText(bytes));
}

std::shared_ptr<tls::CertificateProviderInterface> Watch(const TlsFiles& files) {
  if (files.certificate.empty())
    return std::make_shared<tls::FileWatcherCertificateProvider>(files.ca.string(), files.reload_seconds);
  return std::make_shared<tls::FileWatcherCertificateProvider>(files.key.string(), files.certificate.string(),
                                                               files.ca.string(), files.reload_seconds);
}

// The name dialled, as gRPC itself would check it, and the key of the roster.
class PinnedKeyVerifier final : public tls::ExternalCertificateVerifier {
 public:
  explicit PinnedKeyVerifier(const Digest& spki) : spki_(spki) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* verdict) override {
    const grpc::string_ref pem = request->peer_cert();
    const auto certificate = ReadCertificate({pem.data(), pem.size()});
    if (!certificate.ok() || certificate->spki != spki_) {
      *verdict = {grpc::StatusCode::UNAUTHENTICATED, "the server's key is not the one in the roster"};
      return true;
    }
    return name_.Verify(request, nullptr, verdict);
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const Digest spki_;
  tls::HostNameCertificateVerifier name_;
};

}  // namespace

Status CheckTlsFiles(const TlsFiles& files, CertificateUse use) {
  ASSIGN_OR_RETURN(const std::string ca, ReadPem(files.ca));
  if (const auto info = ReadCertificate(ca); !info.ok())
    return info.error().In(files.ca.string());
  else if (!info->is_ca)
    return Error{ErrorCode::kInvalidInput, fmt::format("{} is not the certificate of a CA", files.ca.string())};
  if (files.certificate.empty()) return {};
  ASSIGN_OR_RETURN(const std::string certificate, ReadPem(files.certificate));
  ASSIGN_OR_RETURN(const SecretBuffer key, ReadKeyFile(files.key, kMaxPem));
  const auto info = ReadCertificate(certificate);
  if (!info.ok()) return info.error().In(files.certificate.string());
  const auto spki = SpkiOfKey(key.view());
  if (!spki.ok()) return spki.error().In(files.key.string());
  if (*spki != info->spki)
    return Error{ErrorCode::kInvalidInput, fmt::format("the key in {} is not that of the certificate in {}",
                                                       files.key.string(), files.certificate.string())};
  const Status valid = CheckCertificate(certificate, ca, use, std::time(nullptr));
  if (!valid.ok()) return valid.error().In(files.certificate.string());
  return {};
}

Result<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files) {
  if (files.certificate.empty()) return Error{ErrorCode::kInvalidInput, "a server needs a certificate"};
  RETURN_IF_ERROR(CheckTlsFiles(files, CertificateUse::kServer));
  tls::TlsServerCredentialsOptions options(Watch(files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(options);
}

Result<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(const TlsFiles& files, std::optional<Digest> server_spki) {
  RETURN_IF_ERROR(CheckTlsFiles(files, CertificateUse::kClient));
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(files));
  options.watch_root_certs();
  if (!files.certificate.empty()) options.watch_identity_key_cert_pairs();
  if (server_spki)
    options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<PinnedKeyVerifier>(*server_spki));
  return tls::TlsCredentials(options);
}

grpc::ChannelArguments ClientChannelArguments() {
  const Backoff backoff;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, static_cast<int>(backoff.first.count()));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, static_cast<int>(backoff.most.count()));
  return arguments;
}

void ConfigureServer(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a taken port is an error, not a second listener
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kKeepaliveMs / 2);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 16);  // of one connection
  // What a stream may send before anybody reads it stays the same, however fast it was: memory for 25 sites as for 3.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 * 1024);
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 256 * 1024);
}

Result<std::optional<Digest>> PeerSpki(const grpc::ServerContextBase& context) {
  const auto pems = context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pems.empty() || pems.front().empty()) return std::optional<Digest>();
  const auto certificate = ReadCertificate({pems.front().data(), pems.front().size()});
  if (!certificate.ok()) return Error{ErrorCode::kNotEnrolled, certificate.error().message};
  return std::optional<Digest>(certificate->spki);
}

}  // namespace fedtrial
