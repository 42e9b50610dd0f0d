#include <memory>

#include "common/runtime/store.h"
#include "security/crypto/sha256.h"
#include "tests/bench/figure.h"
#include "tests/bench/rooflines.h"

namespace fedtrial::bench {
namespace {

constexpr std::uint64_t kCommits = 50;

Pair HashPair(std::uint64_t size) {
  const auto bytes = std::make_shared<Bytes>(size, std::uint8_t{1});
  return {[=] { return SecondsOf(Clock::kCpu, [&] { Sha256(*bytes); }); },
          [=] { return Sha256Seconds(Clock::kCpu, size); }};
}

Pair CommitPair() {
  struct State {
    Folder folder;
    std::unique_ptr<Store> store;
  };
  const auto state = std::make_shared<State>();
  state->store = Must(OpenSqliteStore(
      state->folder / "trial.db", {.mode = StoreOptions::Mode::kCreate, .trial = "bench", .schema = 1, .upgrade = {}}));
  return {[state] {
            const Bytes record(1024, 5);
            return SecondsOf(Clock::kWall, [&] {
              for (std::uint64_t i = 0; i < kCommits; ++i) Must(state->store->Append("trial", record));
            });
          },
          [state] { return DurableAppendSeconds(Clock::kWall, state->folder.path, kCommits); }};
}

}  // namespace

std::vector<Figure> StorageFigures(Scale scale) {
  const std::uint64_t model = scale(40'000'000);
  return {{"sha256", "EVP's SHA-256", 1.15, Clock::kCpu, 15, model, [=] { return HashPair(model); }},
          {"wal_commit", "fdatasync of 4 KiB, 50 times", 2.0, Clock::kWall, 15, 0, CommitPair}};
}

}  // namespace fedtrial::bench
