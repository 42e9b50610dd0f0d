#pragma once

#include <filesystem>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/channel_arguments.h>
#include <memory>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "security/pki/certificates.h"

namespace fedtrial {

// Larger messages are refused before they are parsed.
inline constexpr int kMaxMessageBytes = 4 * 1024 * 1024;

// PEM files. The key's mode is 0600. A renewed certificate (same key) is taken up within `reload_seconds`, without
// dropping a connection. TLS is 1.3 or nothing, everywhere in a process that links this room.
struct TlsFiles {
  std::filesystem::path certificate;  // with its chain; empty on a client that has none yet (Enrol)
  std::filesystem::path key;
  std::filesystem::path ca;  // the consortium's, the only one trusted
  unsigned reload_seconds = 10;
};

// Reads and checks what a handshake would stumble over: kInvalidInput naming the file (missing, no PEM, mode of the
// key, key of another certificate, certificate expired or not of this CA).
Status CheckTlsFiles(const TlsFiles& files, CertificateUse use);

// A client may come without a certificate (the service lets it call Enrol alone); one that it shows must be of the CA.
Result<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files);
// The server must hold a certificate of the CA for the name dialled and, once the roster is known, the key whose SPKI
// has this digest.
Result<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(const TlsFiles& files,
                                                            std::optional<Digest> server_spki = std::nullopt);

// Keepalive through firewalls, message bound, reconnecting by Backoff's figures.
grpc::ChannelArguments ClientChannelArguments();
void ConfigureServer(grpc::ServerBuilder& builder);

// SHA-256 of the SPKI of the certificate the peer showed; nullopt: it showed none. kNotEnrolled if it can't be read.
Result<std::optional<Digest>> PeerSpki(const grpc::ServerContextBase& context);

}  // namespace fedtrial
