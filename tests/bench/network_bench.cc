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
constexpr std::uint32_t kRoundSites = 10;

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

SecretBytes<32> KeyOf(std::uint32_t a, std::uint32_t b) {
  std::array<std::uint8_t, 32> key{static_cast<std::uint8_t>(std::min(a, b)),
                                   static_cast<std::uint8_t>(std::max(a, b))};
  return SecretBytes<32>(key);
}

// What sites do with their contributions once a round of so many is open.
class Contributions {
 public:
  Contributions(std::uint32_t sites, std::uint64_t values, std::uint32_t of_round)
      : all(sites, values), of_round_(of_round), sealer_(Sealer::FromKey(SecretBytes<32>(), "bench", all.random)) {
    for (std::uint32_t site = 1; site <= sites; ++site)
      contributions_.push_back(BenchContribution(all.server->manifest(), site));
  }

  // Encodes and seals; the digest of the words.
  Digest Seal(std::uint32_t site) {
    const Contribution& contribution = contributions_[site - 1];
    auto words =
        Must(site::WordsFile::Start(sealer_, all.File(site, "words"), all.server->manifest(), contribution.blocks));
    for (const Tensor& tensor : contribution.tensors) Check(words.Add(ValueBytes(tensor)));
    return Must(words.Finish()).digest;
  }
  site::MaskedFile Mask(std::uint32_t site, const Digest& words) {
    site::MaskContribution mask;
    mask.round = all.server->round();
    mask.manifest = all.server->manifest();
    mask.words_digest = words;
    for (std::uint32_t other = 1; other <= of_round_; ++other)
      mask.masks.push_back({KeyOf(site, other), site <= other});
    return Must(site::MaskWords(sealer_, all.File(site, "words"), mask, all.File(site, "masked"), 1));
  }
  void Upload(std::uint32_t site, const site::MaskedFile& masked) {
    const RoundId as_site{all.server->round().round, site};
    Check(all.links[site - 1]->Upload(as_site, all.File(site, "masked"), masked.digest, masked.length));
  }
  // Fetches the model and seals it.
  void Fetch(std::uint32_t site, const Digest& digest) {
    SealedWriter writer = Must(sealer_.StartFile(all.File(site, "model"), "model"));
    Sha256Stream hash;
    Check(all.links[site - 1]->DownloadModel(digest, [&](ByteView bytes) {
      hash.Update(bytes);
      return writer.Write(bytes);
    }));
    if (hash.Finish() != digest) Fail("another model came");
    Check(writer.Finish());
  }

  Federation all;

 private:
  const std::uint32_t of_round_;
  const Sealer sealer_;
  std::vector<Contribution> contributions_;
};

// Two connections: masked, sent, spooled, summed. Or the sending alone.
Pair UploadPair(std::uint64_t values, bool with_work_at_the_ends) {
  constexpr std::uint32_t kConnections = 2;
  const auto sites = std::make_shared<Contributions>(kConnections, values, kRoundSites);
  const auto words = std::make_shared<std::vector<Digest>>();
  const auto masked = std::make_shared<std::vector<site::MaskedFile>>();
  for (std::uint32_t site = 1; site <= kConnections; ++site) {
    words->push_back(sites->Seal(site));
    masked->push_back(sites->Mask(site, words->back()));
  }
  const std::uint64_t bytes = kConnections * sites->all.upload_bytes();
  const auto work = [=] {
    sites->all.server->OpenRound();
    const double seconds = SecondsOf(Clock::kCpu, [&] {
      sites->all.EachSite([&](std::uint32_t site) {
        if (with_work_at_the_ends) (*masked)[site - 1] = sites->Mask(site, (*words)[site - 1]);
        sites->Upload(site, (*masked)[site - 1]);
      });
      sites->all.server->WaitForSum();
    });
    sites->all.server->CloseRound();
    return seconds;
  };
  const auto bound = [=] {
    const double tls = TlsSeconds(Clock::kCpu, bytes);
    if (!with_work_at_the_ends) return tls;
    return tls + CtrSeconds(Clock::kCpu, kRoundSites * bytes) + Sha256Seconds(Clock::kCpu, 2 * bytes) +
           DurableWriteSeconds(Clock::kCpu, sites->all.folder.path, 2 * kConnections, bytes / kConnections);
  };
  return {work, bound};
}

// One attempt of a train round at all sites, training aside: encode, seal, mask, upload; unmask, finish; fetch.
Pair RoundPair(std::uint64_t values) {
  const auto sites = std::make_shared<Contributions>(kRoundSites, values, kRoundSites);
  const auto work = [=] {
    BenchServer& server = *sites->all.server;
    server.OpenRound();
    const double seconds = SecondsOf(Clock::kCpu, [&] {
      sites->all.EachSite([&](std::uint32_t site) { sites->Upload(site, sites->Mask(site, sites->Seal(site))); });
      std::vector<MaskTerm> masks;
      for (std::uint32_t site = 1; site <= kRoundSites; ++site) masks.push_back({KeyOf(site, site), false});
      const coordinator::StepFinished finished = server.FinishRound(kRoundSites, std::move(masks));
      sites->all.EachSite([&](std::uint32_t site) { sites->Fetch(site, finished.model); });
    });
    server.CloseRound();
    return seconds;
  };
  const auto bound = [=] {
    constexpr Clock kClock = Clock::kCpu;
    const std::uint64_t bytes = sites->all.upload_bytes(), count = kRoundSites;
    return TlsSeconds(kClock, 2 * count * bytes) +                // up and down
           CtrSeconds(kClock, (count * count + count) * bytes) +  // at each site, and the self masks at the server
           Sha256Seconds(kClock, (4 * count + 1) * bytes) +       // each upload and each download, at both ends
           // Words and masked words at a site, the spool, the model; at a site the model.
           DurableWriteSeconds(kClock, sites->all.folder.path, 4 * count + 1, bytes);
  };
  return {work, bound};
}

}  // namespace

std::vector<Figure> NetworkFigures(Scale scale) {
  const std::uint64_t large = scale(8'000'000);
  std::vector<Figure> figures;
  figures.push_back({"upload_mtls/8M", "TLS, key streams, SHA-256, durable writes", 2.0, Clock::kCpu, 3, 2 * 4 * large,
                     [=] { return UploadPair(large, true); }});
  figures.push_back({"upload_mtls/8M/wire alone", "GCM twice and TCP alone", 0.0, Clock::kCpu, 3, 2 * 4 * large,
                     [=] { return UploadPair(large, false); }});
  for (const std::uint64_t millions : {1, 10}) {
    const std::uint64_t values = scale(millions * 1'000'000);
    figures.push_back({fmt::format("round_loopback/10x{}M", millions), "TLS, key streams, SHA-256, durable writes", 2.0,
                       Clock::kCpu, 3, 2 * 10 * 4 * values, [=] { return RoundPair(values); }});
  }
  return figures;
}

}  // namespace fedtrial::bench
