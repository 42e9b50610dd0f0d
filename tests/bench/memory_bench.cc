#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "common/runtime/files.h"
#include "security/crypto/sha256.h"
#include "tests/bench/loopback.h"
#include "tests/bench/memory.h"
#include "tests/bench/rooflines.h"
#include "tests/bench/round_parts.h"

namespace fedtrial::bench {
namespace {

double MiB(std::uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(kMegabyte); }

// A child that runs ServeForMemory, spoken to over two pipes.
class ServerProcess {
 public:
  ServerProcess(const std::filesystem::path& program, const std::filesystem::path& folder, std::uint64_t values) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) Fail("no pipe can be had");
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      for (const int fd : {to[0], to[1], from[0], from[1]}) close(fd);
      const std::string size = std::to_string(values);
      execl(program.c_str(), program.c_str(), "--serve", folder.c_str(), size.c_str(), nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    to_ = fdopen(to[1], "w");
    from_ = fdopen(from[0], "r");
    port_ = ReadNumber();
  }
  ~ServerProcess() {
    std::fclose(to_);
    std::fclose(from_);
    waitpid(pid_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::string address() const { return "localhost:" + std::to_string(port_); }
  std::uint64_t Finish(std::uint32_t sites) {  // peak, bytes
    fmt::print(to_, "{}\n", sites);
    std::fflush(to_);
    return ReadNumber() * 1024;
  }

 private:
  std::uint64_t ReadNumber() {
    unsigned long long number = 0;
    if (std::fscanf(from_, "%llu", &number) != 1) Fail("the server of a memory figure has ended");
    return number;
  }

  pid_t pid_ = 0;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
  std::uint64_t port_ = 0;
};

// All sites upload at once, then the round is finished.
std::uint64_t PeakOf(const std::filesystem::path& program, std::uint32_t sites, std::uint64_t values) {
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
  ServerProcess server(program, folder.path, values);
  SystemRandom random;
  std::vector<std::jthread> threads;
  for (std::uint32_t site = 1; site <= sites; ++site)
    threads.emplace_back([&, site] {
      const auto link = DialAsSite(server.address(), folder.path, random);
      Check(link->Upload({3, site}, file, digest, manifest.Words() * 4));
    });
  threads.clear();
  return server.Finish(sites);
}

}  // namespace

int ServeForMemory(const char* folder, std::uint64_t values) {
  BenchServer server(folder, 32, values, 2);
  server.OpenRound();
  std::cout << server.address().substr(server.address().find(':') + 1) << std::endl;
  std::uint32_t sites = 0;
  std::cin >> sites;
  server.FinishRound(sites, {});
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << usage.ru_maxrss << std::endl;
  return 0;
}

std::vector<SizeFigure> MemoryFigures(Scale scale, const std::filesystem::path& program) {
  const std::uint64_t small = scale(10'000'000), large = scale(100'000'000);
  return {{"server_memory/25 sites", "the same with 3 sites, 10 M parameters", 1.05,
           [=] {
             return SizeFigure::Sizes{MiB(PeakOf(program, 25, small)), MiB(PeakOf(program, 3, small))};
           }},
          {"server_memory/100M", "three copies of the model", 1.2, [=] {
             return SizeFigure::Sizes{MiB(PeakOf(program, 3, large)), MiB(3 * 4 * large)};
           }}};
}

}  // namespace fedtrial::bench
