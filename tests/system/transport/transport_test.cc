#include <algorithm>
#include <atomic>
#include <ctime>
#include <fstream>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <thread>

#include "common/runtime/credentials.h"
#include "common/runtime/files.h"
#include "common/runtime/heaps.h"
#include "common/runtime/sealed_file.h"
#include "coordinator/shell/downloads.h"
#include "coordinator/shell/uploads.h"
#include "proto/codec/rpc_status.h"
#include "security/crypto/sha256.h"
#include "security/crypto/system_random.h"
#include "security/pki/certificates.h"
#include "site_node/shell/link.h"
#include "tests/support/peak_memory.h"
#include "tests/unit/common/runtime/test_folder.h"

// One tensor of 2.6 GB, both ways, through the very code of both daemons over mutual TLS; no round around it.
namespace fedtrial::system_test {
namespace {

constexpr std::uint64_t kValues = 650'000'000;
constexpr RoundId kRound{1, 0};
constexpr SiteId kSite{1};
constexpr std::size_t kMiB = std::size_t{1} << 20;

Manifest OneTensor() {
  Manifest manifest;
  manifest.encoding = {32, 0, 8.0};
  manifest.tensors = {TensorSpec{"block/values", {kValues}, ScalarType::kFloat32}};
  return manifest;
}

TlsFiles MakeCertified(const std::filesystem::path& folder, const std::string& name, CertificateUse use,
                       const SecretBuffer& ca_key, const std::string& ca) {
  const std::time_t now = std::time(nullptr);
  CertificateSpec spec{use, "coordinator", 2, now - 60, now + 3600, {}, {"127.0.0.1"}};
  const SecretBuffer key = GenerateTlsKey().value();
  const std::string csr = MakeCsr(key.view(), "coordinator").value();
  EXPECT_TRUE(WriteWholeFile(folder / (name + ".key"), key.view()).ok());
  EXPECT_TRUE(WriteWholeFile(folder / (name + ".crt"), AsBytes(SignCsr(ca_key.view(), ca, csr, spec).value())).ok());
  EXPECT_TRUE(WriteWholeFile(folder / "ca.crt", AsBytes(ca)).ok());
  return {folder / (name + ".crt"), folder / (name + ".key"), folder / "ca.crt"};
}

// The federation's uploads and downloads without a trial.
class TransportServer final : public v1::Federation::Service {
 public:
  TransportServer(const TlsFiles& tls, int port, std::shared_ptr<coordinator::Spool> spool,
                  const coordinator::ModelFiles& models)
      : uploads_({[spool](RoundId round) { return round == spool->round() ? spool : nullptr; },
                  [spool](SiteId, RoundId) -> Result<std::uint64_t> { return spool->length(); },
                  [this](SiteId, std::size_t bytes) { received += bytes; },
                  [](SiteId, const coordinator::Spool&, const Digest&, bool) { return Status(); }}),
        models_(models) {
    grpc::ServerBuilder builder;
    ConfigureServer(builder);
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), ServerTls(tls).value(), &this->port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
  }
  ~TransportServer() override {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  grpc::Status UploadState(grpc::ServerContext*, const v1::UploadStateRequest*, v1::UploadStateReply* reply) override {
    return ToGrpc(uploads_.State(kSite, kRound, *reply));
  }
  grpc::Status Upload(grpc::ServerContext* context, grpc::ServerReader<v1::UploadChunk>* reader,
                      v1::UploadReply* reply) override {
    return ToGrpc(uploads_.Receive(kSite, *context, *reader, *reply));
  }
  grpc::Status Download(grpc::ServerContext*, const v1::DownloadRequest* request,
                        grpc::ServerWriter<v1::DownloadChunk>* writer) override {
    Digest digest{};
    std::copy(request->digest().begin(), request->digest().end(), digest.begin());
    asked_from = request->offset();
    return ToGrpc(coordinator::SendModel(models_, digest, request->offset(), *writer));
  }

  std::atomic<std::uint64_t> received = 0;
  std::atomic<std::uint64_t> asked_from = 0;  // where the last download began
  int port = 0;

 private:
  coordinator::Uploads uploads_;
  const coordinator::ModelFiles& models_;
  std::unique_ptr<grpc::Server> server_;
};

void ResetPeakRss() { std::ofstream("/proc/self/clear_refs") << "5"; }

class Transport : public testing::Test {
 protected:
  static void SetUpTestSuite() { LimitHeaps(); }  // as both daemons do
  void SetUp() override {
    // The site's file, the spool, the sealed model.
    if (const Status room = RequireFreeSpace(temp.path(), 3 * OneTensor().Words() * 4); !room.ok())
      GTEST_SKIP() << "three files of 2.6 GB: " << room.error().message;
    const std::time_t now = std::time(nullptr);
    const SecretBuffer ca_key = GenerateTlsKey().value();
    const std::string ca = MakeCa(ca_key.view(), "test", 1, now - 60, now + 3600).value();
    server_tls = MakeCertified(temp.path(), "server", CertificateUse::kServer, ca_key, ca);
    site_tls = MakeCertified(temp.path(), "site", CertificateUse::kClient, ca_key, ca);
    paths = {temp / "state"};
    for (const auto& folder : {paths.models(), paths.spools()}) ASSERT_TRUE(EnsurePrivateFolder(folder).ok());
    models.emplace(paths, sealer);
    spool = coordinator::Spool::Open(paths.spool(kRound), kRound, OneTensor()).value();
  }
  std::unique_ptr<site::Link> Dial(int port) {
    return site::Link::Open("127.0.0.1:" + std::to_string(port), site_tls, std::nullopt, Digest{}, random, {}).value();
  }
  // Bytes that don't repeat within a chunk and differ from chunk to chunk; returns their digest.
  template <typename Write>
  static Digest MakeBytes(std::uint64_t length, const Write& write) {
    Bytes chunk(kMiB);
    for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = static_cast<std::uint8_t>((i * 2654435761U) >> 13);
    Sha256Stream hash;
    for (std::uint64_t at = 0; at < length; at += kMiB) {
      for (std::size_t i = 0; i < 8; ++i) chunk[i] = static_cast<std::uint8_t>(at >> (8 * i));
      const ByteView part = ByteView(chunk).first(static_cast<std::size_t>(std::min<std::uint64_t>(kMiB, length - at)));
      hash.Update(part);
      EXPECT_TRUE(write(part).ok());
    }
    return hash.Finish();
  }

  const TestFolder temp;
  SystemRandom random;
  const Sealer sealer = Sealer::FromKey(SecretBytes<32>(), "test", random);
  TlsFiles server_tls, site_tls;
  coordinator::StatePaths paths;
  std::optional<coordinator::ModelFiles> models;
  std::shared_ptr<coordinator::Spool> spool;
};

// Runs `transfer` and ends the coordinator's side once `under_way`; then another takes its place at its port.
template <typename Transfer, typename UnderWay>
Status CutOnce(const Transfer& transfer, const UnderWay& under_way, const std::function<void()>& restart) {
  Status status;
  std::atomic<bool> done = false;
  std::thread running([&] {
    status = transfer();
    done = true;
  });
  while (!done && !under_way()) std::this_thread::yield();
  restart();
  running.join();
  return status;
}

TEST_F(Transport, ATensorOf2600MegabytesGoesUpAndDownOverACutInFlatMemory) {
  const std::uint64_t length = spool->length();
  ASSERT_GE(length, 2'600'000'000U);
  auto file = AtomicFile::Create(temp / "masked").value();
  const Digest digest = MakeBytes(length, [&](ByteView part) { return file.Write(part); });
  ASSERT_TRUE(file.Commit().ok());
  ResetPeakRss();
  const std::uint64_t before = PeakResidentBytes();

  auto server = std::make_unique<TransportServer>(server_tls, 0, spool, *models);
  const int port = server->port;
  const auto link = Dial(port);
  std::uint64_t first = 0;
  const Status sent = CutOnce([&] { return link->Upload(kRound, temp / "masked", digest, length); },
                              [&] { return server->received >= length / 3; },
                              [&] {
                                first = server->received;
                                server.reset();
                                server = std::make_unique<TransportServer>(server_tls, port, spool, *models);
                              });
  ASSERT_TRUE(sent.ok()) << sent.error().message;
  EXPECT_EQ(spool->State(kSite)->stored, digest);
  EXPECT_LT(first + server->received, length + 64 * kMiB) << "it didn't go on where it was cut";
  EXPECT_LT(PeakResidentBytes() - before, length / 10);
  ASSERT_TRUE(RemoveFile(temp / "masked").ok());
  spool->Remove();

  // Nobody decodes these bytes: the name is their digest.
  auto sealed = sealer.StartFile(paths.models() / "new", "model").value();
  const Digest model = MakeBytes(length, [&](ByteView part) { return sealed.Write(part); });
  ASSERT_TRUE(sealed.Finish().ok());
  std::filesystem::rename(paths.models() / "new", paths.models() / ToHex(model));
  ResetPeakRss();
  Sha256Stream hash;
  std::atomic<std::uint64_t> came = 0;
  const Status fetched = CutOnce(
      [&] {
        return link->DownloadModel(model, [&](ByteView part) -> Status {
          hash.Update(part);
          came += part.size();
          return {};
        });
      },
      [&] { return came >= length / 3; },
      [&] {
        server.reset();
        server = std::make_unique<TransportServer>(server_tls, port, spool, *models);
      });
  ASSERT_TRUE(fetched.ok()) << fetched.error().message;
  EXPECT_EQ(came, length);
  EXPECT_EQ(hash.Finish(), model);
  EXPECT_GE(server->asked_from, length / 3);
  EXPECT_LT(PeakResidentBytes() - before, length / 10);
}

}  // namespace
}  // namespace fedtrial::system_test
