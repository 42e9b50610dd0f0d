#include <atomic>
#include <fmt/format.h>
#include <memory>
#include <thread>

#include "common/runtime/files.h"
#include "security/crypto/sha256.h"
#include "site_node/shell/contribution_files.h"
#include "tests/bench/loopback.h"
#include "tests/bench/rooflines.h"
#include "tests/bench/round_parts.h"

namespace fedtrial::bench {
namespace {

constexpr unsigned kThreads = 2;

// A number of sites that run over `kThreads` threads, each one's own words and files.
struct Federation {
  Federation(std::uint32_t count, std::uint64_t values) : sites(count) {
    MakeCertificates(folder.path);
    server = std::make_unique<BenchServer>(folder.path, 32, values, kThreads);
    for (std::uint32_t i = 0; i < count; ++i) links.push_back(DialAsSite(server->address(), folder.path, random));
  }
  std::uint64_t upload_bytes() const { return server->manifest().Words() * 4; }
  std::filesystem::path File(std::uint32_t site, const char* kind) const {
    return folder / fmt::format("{}.{}", site, kind);
  }
  template <typename F>
  void EachSite(F&& work) {
    std::atomic<std::uint32_t> next = 1;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (std::uint32_t site = next++; site <= sites; site = next++) work(site);
      });
  }

  const std::uint32_t sites;
  Folder folder;
  SystemRandom random;
  std::unique_ptr<BenchServer> server;
  std::vector<std::unique_ptr<site::Link>> links;
};

// Two connections; from the first byte to the sum.
Pair UploadPair(std::uint64_t values, bool with_server_work) {
  constexpr std::uint32_t kConnections = 2;
  const auto all = std::make_shared<Federation>(kConnections, values);
  const auto digests = std::make_shared<std::vector<Digest>>();
  for (std::uint32_t site = 1; site <= kConnections; ++site) {
    const Encoded upload =
        Must(EncodeContribution(all->server->manifest(), BenchContribution(all->server->manifest(), site), {}));
    digests->push_back(Sha256(WordBytes(upload.words)));
    Check(WriteWholeFile(all->File(site, "masked"), WordBytes(upload.words)));
  }
  const std::uint64_t bytes = all->upload_bytes();
  const auto work = [=] {
    all->server->OpenRound();
    const double seconds = SecondsOf(Clock::kCpu, [&] {
      all->EachSite([&](std::uint32_t site) {
        Check(all->links[site - 1]->Upload({all->server->round().round, site}, all->File(site, "masked"),
                                           (*digests)[site - 1], bytes));
      });
      all->server->WaitForSum();
    });
    all->server->CloseRound();
    return seconds;
  };
  const auto bound = [=] {
    const double tls = TlsSeconds(Clock::kCpu, kConnections * bytes);
    if (!with_server_work) return tls;
    return tls + Sha256Seconds(Clock::kCpu, kConnections * bytes) +
           DurableWriteSeconds(Clock::kCpu, all->folder.path, kConnections, bytes);
  };
  return {work, bound};
}

// One attempt of a train round at all sites, training aside: encode, seal, mask, upload; unmask, finish; fetch.
class RoundTrip {
 public:
  RoundTrip(std::uint32_t sites, std::uint64_t values)
      : all_(sites, values), sealer_(Sealer::FromKey(SecretBytes<32>(), "bench", all_.random)) {
    for (std::uint32_t site = 1; site <= sites; ++site)
      contributions_.push_back(BenchContribution(all_.server->manifest(), site));
  }

  double Run() {
    all_.server->OpenRound();
    const double seconds = SecondsOf(Clock::kCpu, [&] {
      all_.EachSite([&](std::uint32_t site) { SendFrom(site); });
      std::vector<MaskTerm> masks;
      for (std::uint32_t site = 1; site <= all_.sites; ++site) masks.push_back({KeyOf(site, site), false});
      const coordinator::StepFinished finished = all_.server->FinishRound(all_.sites, std::move(masks));
      all_.EachSite([&](std::uint32_t site) { Fetch(site, finished.model); });
    });
    all_.server->CloseRound();
    return seconds;
  }

  double Bound() {
    const std::uint64_t bytes = all_.upload_bytes(), sites = all_.sites;
    constexpr Clock kClock = Clock::kCpu;
    return TlsSeconds(kClock, 2 * sites * bytes) +                // up and down
           CtrSeconds(kClock, (sites * sites + sites) * bytes) +  // at each site, and the self masks at the server
           Sha256Seconds(kClock, (4 * sites + 1) * bytes) +       // each upload and each download, at both ends
           // Words and masked words at a site, the spool, the model; at a site the model.
           DurableWriteSeconds(kClock, all_.folder.path, 4 * sites + 1, bytes);
  }

 private:
  static SecretBytes<32> KeyOf(std::uint32_t a, std::uint32_t b) {
    std::array<std::uint8_t, 32> key{static_cast<std::uint8_t>(std::min(a, b)),
                                     static_cast<std::uint8_t>(std::max(a, b))};
    return SecretBytes<32>(key);
  }

  void SendFrom(std::uint32_t site) {
    site::MaskContribution mask;
    mask.round = all_.server->round();
    mask.manifest = all_.server->manifest();
    {
      const Encoded encoded = Must(EncodeContribution(mask.manifest, contributions_[site - 1], {}));
      mask.words_digest = Must(site::SaveWords(sealer_, all_.File(site, "words"), encoded.words));
    }
    for (std::uint32_t other = 1; other <= all_.sites; ++other)
      mask.masks.push_back({KeyOf(site, other), site <= other});
    const std::filesystem::path file = all_.File(site, "masked");
    const site::MaskedFile masked = Must(site::MaskWords(sealer_, all_.File(site, "words"), mask, file, 1));
    Check(all_.links[site - 1]->Upload({all_.server->round().round, site}, file, masked.digest, masked.length));
  }

  void Fetch(std::uint32_t site, const Digest& digest) {
    SealedWriter writer = Must(sealer_.StartFile(all_.File(site, "model"), "model"));
    Sha256Stream hash;
    Check(all_.links[site - 1]->DownloadModel(digest, [&](ByteView bytes) {
      hash.Update(bytes);
      return writer.Write(bytes);
    }));
    if (hash.Finish() != digest) Fail("another model came");
    Check(writer.Finish());
  }

  Federation all_;
  const Sealer sealer_;
  std::vector<Contribution> contributions_;
};

Pair RoundPair(std::uint32_t sites, std::uint64_t values) {
  const auto round = std::make_shared<RoundTrip>(sites, values);
  return {[round] { return round->Run(); }, [round] { return round->Bound(); }};
}

}  // namespace

std::vector<Figure> NetworkFigures(Scale scale) {
  const std::uint64_t large = scale(8'000'000);
  std::vector<Figure> figures;
  figures.push_back({"upload_mtls/1M", "GCM twice, TCP, SHA-256, durable write", 2.0, Clock::kCpu, 3, 2 * 4 * large,
                     [=] { return UploadPair(large, true); }});
  figures.push_back({"upload_mtls/1M/wire alone", "GCM twice and TCP alone", 0.0, Clock::kCpu, 3, 2 * 4 * large,
                     [=] { return UploadPair(large, false); }});
  for (const std::uint64_t millions : {1, 10}) {
    const std::uint64_t values = scale(millions * 1'000'000);
    figures.push_back({fmt::format("round_loopback/10x{}M", millions), "TLS, key streams, SHA-256, durable writes", 2.0,
                       Clock::kCpu, 3, 2 * 10 * 4 * values, [=] { return RoundPair(10, values); }});
  }
  return figures;
}

}  // namespace fedtrial::bench
