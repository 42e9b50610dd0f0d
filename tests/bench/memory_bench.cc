#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "common/runtime/files.h"
#include "common/runtime/message_pipe.h"
#include "security/crypto/sha256.h"
#include "site_node/shell/task_runner.h"
#include "tests/bench/loopback.h"
#include "tests/bench/memory.h"
#include "tests/bench/rooflines.h"
#include "tests/bench/round_parts.h"
#include "tests/support/peak_memory.h"

namespace fedtrial::bench {
namespace {

double MiB(std::uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(kMegabyte); }

// This program once more, spoken to over two pipes.
class Process {
 public:
  Process(const std::filesystem::path& program, std::vector<std::string> arguments) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) Fail("no pipe can be had");
    arguments.insert(arguments.begin(), program.string());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      for (const int fd : {to[0], to[1], from[0], from[1]}) close(fd);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    to_ = fdopen(to[1], "w");
    from_ = fdopen(from[0], "r");
  }
  ~Process() {
    std::fclose(to_);
    std::fclose(from_);
    waitpid(pid_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Say(std::uint64_t number) {
    fmt::print(to_, "{}\n", number);
    std::fflush(to_);
  }
  std::uint64_t ReadNumber() {
    unsigned long long number = 0;
    if (std::fscanf(from_, "%llu", &number) != 1) Fail("a process of a memory figure has ended");
    return number;
  }

 private:
  pid_t pid_ = 0;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

int SayPeak() {
  std::cout << PeakResidentBytes() / 1024 << std::endl;
  return 0;
}

// All sites upload at once, then the round is finished.
std::uint64_t ServerPeak(const std::filesystem::path& program, std::uint32_t sites, std::uint64_t values) {
  const Folder folder;
  MakeCertificates(folder.path);
  const Manifest manifest = BenchManifest(32, values);
  const std::filesystem::path file = folder / "upload";
  Digest digest{};
  {
    const Encoded upload = Must(EncodeContribution(manifest, BenchContribution(manifest, 1), {}));
    digest = Sha256(WordBytes(upload.words));
    Check(WriteWholeFile(file, WordBytes(upload.words)));
  }
  Process server(program, {"--serve", folder.path.string(), std::to_string(values)});
  const std::string address = "127.0.0.1:" + std::to_string(server.ReadNumber());
  SystemRandom random;
  std::vector<std::jthread> threads;
  for (std::uint32_t site = 1; site <= sites; ++site)
    threads.emplace_back([&, site] {
      const auto link = DialAsSite(address, folder.path, random);
      Check(link->Upload({3, site}, file, digest, manifest.Words() * 4));
    });
  threads.clear();
  server.Say(sites);
  return server.ReadNumber() * 1024;
}

std::uint64_t SitePeak(const std::filesystem::path& program, std::uint64_t values) {
  const Folder folder;
  MakeCertificates(folder.path);
  BenchServer server(folder.path, 32, values, 1);
  server.OpenRound();
  Process site(program,
               {"--contribute", folder.path.string(), std::to_string(values), server.address(), ToHex(server.model())});
  const std::uint64_t peak = site.ReadNumber() * 1024;
  server.WaitForSum();
  return peak;
}

site::MaskContribution MaskOf(const Manifest& manifest, const Digest& words) {
  site::MaskContribution mask;
  mask.manifest = manifest;
  mask.words_digest = words;
  for (std::uint8_t other = 1; other <= 9; ++other)
    mask.masks.push_back({SecretBytes<32>(std::array<std::uint8_t, 32>{other}), true});
  return mask;
}

}  // namespace

int ServeForMemory(const std::string& folder, std::uint64_t values) {
  BenchServer server(folder, 32, values, 2);
  server.OpenRound();
  std::cout << server.address().substr(server.address().find(':') + 1) << std::endl;
  std::uint32_t sites = 0;
  std::cin >> sites;
  server.FinishRound(sites, {});
  return SayPeak();
}

int ContributeForMemory(const std::string& folder, std::uint64_t values, const std::string& address,
                        const std::string& model) {
  const std::filesystem::path base(folder);
  const RoundId as_site{1, 1};
  const Manifest manifest = BenchManifest(32, values);
  SystemRandom random;
  const Sealer sealer = Sealer::FromKey(SecretBytes<32>(), "bench", random);
  const auto link = DialAsSite(address, base, random);
  SealedWriter fetched = Must(sealer.StartFile(base / "model", "model"));
  Check(link->DownloadModel(Must(DigestFromHex(model)), [&](ByteView bytes) { return fetched.Write(bytes); }));
  Check(fetched.Finish());

  std::filesystem::create_symlink(std::filesystem::read_symlink("/proc/self/exe"), base / kBenchWorker);
  site::SiteConfig config;
  config.worker = base / kBenchWorker;
  site::TaskRunner runner(config, site::StatePaths{base});
  const site::TaskRunner::Job job{std::to_string(values), Task{}, manifest,
                                  [&] { return sealer.OpenFile(base / "model", "model"); },
                                  [&](std::vector<Contribution::Block> blocks) {
                                    return site::WordsFile::Start(sealer, base / "words", manifest, std::move(blocks));
                                  }};
  const auto answer = Must(runner.Run(job, nullptr));
  const auto masked =
      Must(site::MaskWords(sealer, base / "words", MaskOf(manifest, answer.words.digest), base / "masked", 1));
  Check(link->Upload(as_site, base / "masked", masked.digest, masked.length));
  return SayPeak();
}

int WorkForMemory() {
  constexpr std::size_t kPart = kMegabyte;
  const auto say = [](const google::protobuf::MessageLite& message) {
    Check(WriteMessage(STDOUT_FILENO, AsBytes(message.SerializeAsString())));
  };
  while (const auto message = Must(ReadMessage(STDIN_FILENO, 2 * kPart))) {
    v1::WorkerRequest request;
    if (!request.ParseFromArray(message->data(), static_cast<int>(message->size()))) Fail("no request came");
    for (std::uint32_t i = 0; i < request.answer().model_parts(); ++i) Must(ReadMessage(STDIN_FILENO, 2 * kPart));
    const Contribution contribution =
        BenchContribution(BenchManifest(32, std::strtoull(request.answer().plan().c_str(), nullptr, 10)), 1);
    Bytes values;
    for (const Tensor& tensor : contribution.tensors)
      values.insert(values.end(), ValueBytes(tensor).begin(), ValueBytes(tensor).end());
    v1::WorkerReply reply;
    for (const Contribution::Block& block : contribution.blocks) {
      reply.mutable_answered()->add_weights(block.weight);
      reply.mutable_answered()->add_contributes(block.contributes);
    }
    reply.mutable_answered()->set_cohort(contribution.cohort.data(), contribution.cohort.size());
    reply.mutable_answered()->set_value_parts(static_cast<std::uint32_t>((values.size() + kPart - 1) / kPart));
    say(reply);
    v1::WorkerPart part;
    for (std::size_t start = 0; start < values.size(); start += kPart) {
      part.set_data(values.data() + start, std::min(kPart, values.size() - start));
      say(part);
    }
  }
  return 0;
}

std::vector<SizeFigure> MemoryFigures(Scale scale, const std::filesystem::path& program) {
  const auto model = [](std::uint64_t values) { return MiB(4 * values); };
  const std::uint64_t small = scale(10'000'000), large = scale(100'000'000);
  std::vector<SizeFigure> figures = {
      {"server_memory/25 sites", "the same with 3 sites, 10 M parameters", 1.05,
       [=] {
         return SizeFigure::Sizes{MiB(ServerPeak(program, 25, small)), MiB(ServerPeak(program, 3, small))};
       }},
      {"server_memory/100M", "three copies of the model", 1.2, [=] {
         return SizeFigure::Sizes{MiB(ServerPeak(program, 3, large)), 3 * model(large)};
       }}};
  for (const std::uint64_t millions : {10, 100}) {
    const std::uint64_t values = scale(millions * 1'000'000);
    figures.push_back({fmt::format("site_memory/{}M", millions), "the model and 64 MB", 1.0, [=] {
                         return SizeFigure::Sizes{MiB(SitePeak(program, values)), model(values) + MiB(64'000'000)};
                       }});
  }
  return figures;
}

}  // namespace fedtrial::bench
