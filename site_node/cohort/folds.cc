#include "site_node/cohort/folds.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "security/crypto/sha256.h"

namespace fedtrial::site {
namespace {

Digest Draw(std::uint64_t seed, unsigned repeat, std::string_view key) {
  return Sha256(ByteWriter().Label("fl/folds/v1").U64(seed).U32(repeat).Enc(key).bytes());
}

}  // namespace

void DealFolds(const Folds& folds, std::uint64_t seed, Cohort& cohort) {
  if (folds.folds == 0) return;
  for (Sample& sample : cohort.samples) sample.folds.assign(sample.holds_out ? 0 : folds.repeats, 0);
  for (unsigned repeat = 1; repeat <= folds.repeats; ++repeat) {
    std::vector<std::pair<Digest, Sample*>> deck;
    for (Sample& sample : cohort.samples)
      if (!sample.holds_out) deck.emplace_back(Draw(seed, repeat, sample.key), &sample);
    std::ranges::sort(deck, [](const auto& a, const auto& b) {
      if (a.second->event != b.second->event) return a.second->event;
      return a.first < b.first;
    });
    const Digest start = Draw(seed, repeat, "");  // no patient's key is empty
    std::size_t next = ByteReader(start).U64() % folds.folds;
    for (const auto& [draw, sample] : deck) sample->folds[repeat - 1] = static_cast<int>(next++ % folds.folds) + 1;
  }
}

}  // namespace fedtrial::site
