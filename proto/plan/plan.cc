#include "proto/plan/plan.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace fedtrial {

std::string_view ToString(Phase phase) {
  static constexpr std::array<std::string_view, 8> kNames{"hello", "keys",   "shares", "masked",
                                                          "agree", "unmask", "commit", "failed"};
  const auto index = static_cast<std::size_t>(phase);
  return index < kNames.size() ? kNames[index] : "unknown";
}

const Endpoint* Plan::FindEndpoint(std::string_view name) const {
  const auto found =
      std::find_if(endpoints.begin(), endpoints.end(), [name](const Endpoint& e) { return e.name == name; });
  return found == endpoints.end() ? nullptr : &*found;
}

const Block* Plan::FindBlock(std::string_view name) const {
  const auto found = std::find_if(blocks.begin(), blocks.end(), [name](const Block& b) { return b.name == name; });
  return found == blocks.end() ? nullptr : &*found;
}

std::vector<Replica> Replicas(const Plan& plan) {
  std::vector<Replica> replicas(1);
  for (unsigned repeat = 1; repeat <= plan.folds.repeats; ++repeat) {
    for (unsigned fold = 1; fold <= plan.folds.folds; ++fold)
      replicas.push_back({fmt::format("r{:02}k{}/", repeat, fold), repeat, fold});
  }
  return replicas;
}

}  // namespace fedtrial
