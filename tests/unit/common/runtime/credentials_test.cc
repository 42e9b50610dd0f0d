#include "common/runtime/credentials.h"

#include <arpa/inet.h>
#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>

#include "common/runtime/backoff.h"
#include "proto/fedtrial/v1/control.grpc.pb.h"
#include "security/crypto/seeded_random.h"
#include "tests/unit/common/runtime/test_folder.h"

namespace fedtrial {
namespace {

using testing::HasSubstr;

// Says who called.
class Who final : public v1::Control::Service {
 public:
  grpc::Status Call(grpc::ServerContext* context, const v1::ControlRequest*, v1::ControlReply* reply) override {
    const auto spki = PeerSpki(*context);
    reply->set_json(!spki.ok() ? spki.error().message : spki->has_value() ? ToHex(**spki) : "nobody");
    return grpc::Status::OK;
  }
};

struct Authority {
  explicit Authority(std::string_view name) : key(GenerateTlsKey().value()) {
    const std::time_t now = std::time(nullptr);
    pem = MakeCa(key.view(), name, 1, now - 60, now + kCaLifetime).value();
  }
  std::string Issue(ByteView key_pem, const CertificateSpec& spec) const {
    return SignCsr(key.view(), pem, MakeCsr(key_pem, spec.common_name).value(), spec).value();
  }
  SecretBuffer key;
  std::string pem;
};

CertificateSpec Spec(CertificateUse use, std::uint64_t serial = 7) {
  CertificateSpec spec;
  spec.use = use;
  spec.common_name = use == CertificateUse::kServer ? "localhost" : "site-7";
  if (use == CertificateUse::kServer) spec.dns_names = {"localhost"};
  spec.serial = serial;
  spec.not_before = std::time(nullptr) - 60;
  spec.not_after = spec.not_before + kCertificateLifetime;
  return spec;
}

// How a bare TLS client or server fared.
struct Handshake {
  bool ok = false;
  std::string version;
  std::uint64_t serial = 0;  // of the server's certificate
};

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using SslContext = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslConnection = std::unique_ptr<SSL, Freed<SSL_free>>;

class Tls : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    consortium_ = new Authority("consortium");
    stranger_ = new Authority("stranger");
  }
  static void TearDownTestSuite() {
    delete consortium_;
    delete stranger_;
  }

  // Files NAME.crt, NAME.key and NAME.ca in the folder.
  TlsFiles Make(const std::string& name, const CertificateSpec& spec, const Authority& signer,
                const Authority& trusted) {
    const SecretBuffer key = GenerateTlsKey().value();
    TlsFiles files{folder_ / (name + ".crt"), folder_ / (name + ".key"), folder_ / (name + ".ca"), 1};
    EXPECT_TRUE(WriteWholeFile(files.certificate, AsBytes(signer.Issue(key.view(), spec))).ok());
    EXPECT_TRUE(WriteWholeFile(files.key, key.view()).ok());
    EXPECT_TRUE(WriteWholeFile(files.ca, AsBytes(trusted.pem)).ok());
    return files;
  }
  void StartServer() {
    server_files_ = Make("server", Spec(CertificateUse::kServer), *consortium_, *consortium_);
    const auto credentials = ServerTls(server_files_);
    ASSERT_TRUE(credentials.ok()) << credentials.error().message;
    grpc::ServerBuilder builder;
    ConfigureServer(builder);
    builder.AddListeningPort("127.0.0.1:0", *credentials, &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  // Whom the server saw, or "refused".
  std::string Call(const TlsFiles& files, std::optional<Digest> pin = std::nullopt,
                   const std::string& name = "localhost") {
    const auto credentials = ClientTls(files, pin);
    if (!credentials.ok()) return credentials.error().message;
    return Call(*credentials, name, port_);
  }
  static std::string Call(const std::shared_ptr<grpc::ChannelCredentials>& credentials, const std::string& name,
                          int port) {
    grpc::ChannelArguments arguments = ClientChannelArguments();
    arguments.SetSslTargetNameOverride(name);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), credentials, arguments);
    const auto stub = v1::Control::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::ControlReply reply;
    const grpc::Status status = stub->Call(&context, v1::ControlRequest(), &reply);
    if (status.ok()) return reply.json();
    return status.error_code() == grpc::StatusCode::UNAVAILABLE ? "refused" : status.error_message();
  }
  static std::string SpkiOf(const TlsFiles& files) {
    return ToHex(ReadCertificate(ReadText(files.certificate)).value().spki);
  }

  // A client that isn't ours: up to this version, with this certificate or none. Accepted means that the server's first
  // bytes came: in TLS 1.3 the client's own handshake is over before its certificate is looked at.
  Handshake BareClient(int max_version, const TlsFiles* files) {
    const SslContext context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(context.get(), max_version);
    if (files != nullptr) {
      SSL_CTX_use_certificate_file(context.get(), files->certificate.c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context.get(), files->key.c_str(), SSL_FILETYPE_PEM);
    }
    const unsigned char h2[] = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context.get(), h2, sizeof h2);
    const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = Loopback(port_);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const SslConnection ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), fd.get());
    Handshake result;
    if (SSL_connect(ssl.get()) != 1) return result;
    result.version = SSL_get_version(ssl.get());
    const std::unique_ptr<X509, Freed<X509_free>> peer(SSL_get1_peer_certificate(ssl.get()));
    result.serial = static_cast<std::uint64_t>(ASN1_INTEGER_get(X509_get_serialNumber(peer.get())));
    char byte = 0;
    result.ok = SSL_read(ssl.get(), &byte, 1) == 1;
    return result;
  }
  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  static Authority* consortium_;
  static Authority* stranger_;
  TestFolder folder_;
  TlsFiles server_files_;
  Who service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};
Authority* Tls::consortium_ = nullptr;
Authority* Tls::stranger_ = nullptr;

TEST_F(Tls, TheServerSeesTheClientsKeyOrThatThereIsNone) {
  StartServer();
  const TlsFiles client = Make("client", Spec(CertificateUse::kClient), *consortium_, *consortium_);
  EXPECT_EQ(Call(client), SpkiOf(client));
  TlsFiles without = client;
  without.certificate.clear();
  EXPECT_EQ(Call(without), "nobody");
}

TEST_F(Tls, AServerOfAnotherCaNameOrKeyIsRefused) {
  StartServer();
  const TlsFiles client = Make("client", Spec(CertificateUse::kClient), *consortium_, *consortium_);
  const TlsFiles foreign = Make("foreign", Spec(CertificateUse::kClient), *stranger_, *stranger_);
  const Digest pin = ReadCertificate(ReadText(server_files_.certificate)).value().spki;
  EXPECT_EQ(Call(client, pin), SpkiOf(client));
  EXPECT_EQ(Call(client, Digest{1}), "refused");
  EXPECT_EQ(Call(client, std::nullopt, "coordinator.example"), "refused");
  EXPECT_EQ(Call(client, pin, "coordinator.example"), "refused");
  EXPECT_EQ(Call(foreign), "refused");
}

TEST_F(Tls, AClientOfAnotherCaOrExpiredIsRefused) {
  StartServer();
  const TlsFiles good = Make("good", Spec(CertificateUse::kClient), *consortium_, *consortium_);
  const TlsFiles foreign = Make("foreign", Spec(CertificateUse::kClient), *stranger_, *consortium_);
  CertificateSpec old = Spec(CertificateUse::kClient);
  old.not_before -= 1000;
  old.not_after = std::time(nullptr) - 10;
  const TlsFiles expired = Make("expired", old, *consortium_, *consortium_);
  EXPECT_TRUE(BareClient(TLS1_3_VERSION, nullptr).ok);
  EXPECT_TRUE(BareClient(TLS1_3_VERSION, &good).ok);
  EXPECT_FALSE(BareClient(TLS1_3_VERSION, &foreign).ok);
  EXPECT_FALSE(BareClient(TLS1_3_VERSION, &expired).ok);
}

TEST_F(Tls, AClientThatSpeaksOnly12IsRefused) {
  StartServer();
  const TlsFiles good = Make("good", Spec(CertificateUse::kClient), *consortium_, *consortium_);
  const Handshake new_one = BareClient(TLS1_3_VERSION, &good);
  EXPECT_TRUE(new_one.ok);
  EXPECT_EQ(new_one.version, "TLSv1.3");
  EXPECT_FALSE(BareClient(TLS1_2_VERSION, &good).ok);
  EXPECT_EQ(BareClient(TLS1_2_VERSION, &good).version, "");
}

TEST_F(Tls, AServerThatSpeaksOnly12IsRefused) {
  const TlsFiles server = Make("server", Spec(CertificateUse::kServer), *consortium_, *consortium_);
  const SslContext context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_use_certificate_file(context.get(), server.certificate.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context.get(), server.key.c_str(), SSL_FILETYPE_PEM);
  const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  int accepted = 0;
  std::jthread serving([&] {
    const Fd fd(accept(listener.get(), nullptr, nullptr));
    const SslConnection ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), fd.get());
    accepted = SSL_accept(ssl.get());
  });
  TlsFiles without = Make("client", Spec(CertificateUse::kClient), *consortium_, *consortium_);
  without.certificate.clear();
  const auto credentials = ClientTls(without);
  ASSERT_TRUE(credentials.ok());
  EXPECT_EQ(Call(*credentials, "localhost", ntohs(address.sin_port)), "refused");
  serving.join();
  EXPECT_NE(accepted, 1);
}

TEST_F(Tls, ARenewedCertificateIsTakenUpWithoutARestart) {
  StartServer();
  EXPECT_EQ(BareClient(TLS1_3_VERSION, nullptr).serial, 7u);
  const auto key = ReadKeyFile(server_files_.key);
  ASSERT_TRUE(key.ok());
  ASSERT_TRUE(WriteWholeFile(server_files_.certificate,
                             AsBytes(consortium_->Issue(key->view(), Spec(CertificateUse::kServer, 8))))
                  .ok());
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::uint64_t serial = 7;
  while (serial == 7 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    serial = BareClient(TLS1_3_VERSION, nullptr).serial;
  }
  EXPECT_EQ(serial, 8u);
}

TEST_F(Tls, FilesThatCannotWorkAreRefusedAtTheStart) {
  const TlsFiles good = Make("good", Spec(CertificateUse::kServer), *consortium_, *consortium_);
  EXPECT_TRUE(CheckTlsFiles(good, CertificateUse::kServer).ok());
  const auto message = [](const TlsFiles& files, CertificateUse use) {
    const Status checked = CheckTlsFiles(files, use);
    return checked.ok() ? std::string("fine") : checked.error().message;
  };
  EXPECT_THAT(message(good, CertificateUse::kClient), HasSubstr(good.certificate.string()));

  TlsFiles files = good;
  files.ca = folder_ / "none";
  EXPECT_THAT(message(files, CertificateUse::kServer), HasSubstr((folder_ / "none").string()));
  files = good;
  files.ca = good.certificate;
  EXPECT_THAT(message(files, CertificateUse::kServer), HasSubstr("is not the certificate of a CA"));
  files = Make("other", Spec(CertificateUse::kServer), *consortium_, *consortium_);
  files.certificate = good.certificate;
  EXPECT_THAT(message(files, CertificateUse::kServer), HasSubstr("is not that of the certificate"));
  files = Make("foreign", Spec(CertificateUse::kServer), *stranger_, *consortium_);
  EXPECT_THAT(message(files, CertificateUse::kServer), HasSubstr(files.certificate.string()));
  CertificateSpec old = Spec(CertificateUse::kServer);
  old.not_before -= 1000;
  old.not_after = std::time(nullptr) - 10;
  files = Make("expired", old, *consortium_, *consortium_);
  EXPECT_THAT(message(files, CertificateUse::kServer), HasSubstr("expired"));
  EXPECT_FALSE(ServerTls(files).ok());
  chmod(good.key.c_str(), 0644);
  EXPECT_THAT(message(good, CertificateUse::kServer), HasSubstr("has mode 0644, wanted 0600"));
  EXPECT_FALSE(ClientTls(good).ok());
}

TEST(Backoff, DoublesToItsBoundWithAtMostHalfTakenOff) {
  SeededRandom random(std::uint64_t{3});
  const Backoff backoff;
  Duration wanted{500};
  for (unsigned attempt = 0; attempt < 40; ++attempt, wanted = std::min(wanted * 2, Duration(30'000))) {
    const Duration delay = backoff.Delay(attempt, random);
    EXPECT_GE(delay, wanted / 2);
    EXPECT_LE(delay, wanted);
  }
  EXPECT_NE(backoff.Delay(10, random), backoff.Delay(10, random));
  EXPECT_LE(backoff.Delay(~0u, random), Duration(30'000));
}

}  // namespace
}  // namespace fedtrial
