#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <vector>

#include "tests/doubles/toy.h"

namespace fedtrial::scenario {

// All sets of `least` to `most` of the sites 1 to n.
inline std::vector<std::set<SiteId>> Subsets(unsigned n, unsigned least, unsigned most) {
  std::vector<std::set<SiteId>> subsets;
  for (unsigned mask = 0; mask < (1u << n); ++mask) {
    const auto size = static_cast<unsigned>(__builtin_popcount(mask));
    if (size < least || size > most) continue;
    std::set<SiteId> subset;
    for (unsigned i = 0; i < n; ++i) {
      if ((mask >> i & 1u) != 0) subset.insert(SiteId{i + 1});
    }
    subsets.push_back(std::move(subset));
  }
  return subsets;
}

// From its message of this phase on nothing of these sites arrives in the first round. Its sum is exactly that of the
// sites whose masked contribution was there.
inline void TryVanishing(unsigned sites, unsigned threshold, const std::set<SiteId>& vanishing, unsigned phase) {
  simulation::SimHooks hooks;
  hooks.deliver = [&](const simulation::Hop& hop) -> std::vector<Envelope> {
    const bool gone = hop.to_coordinator && vanishing.contains(hop.site) && hop.envelope.phase >= phase;
    return gone ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
  };
  doubles::ToyPlan plan;
  plan.sites = sites;
  plan.min_sites = plan.threshold = threshold;
  doubles::Toy toy(plan, hooks);
  ASSERT_TRUE(toy->Run([&] { return !toy->trial().history().empty(); }).ok());
  std::vector<SiteId> expected;
  for (std::uint32_t id = 1; id <= sites; ++id) {
    if (phase > static_cast<unsigned>(Phase::kMasked) || !vanishing.contains(SiteId{id}))
      expected.push_back(SiteId{id});
  }
  const auto& record = toy->trial().history().front();
  ASSERT_TRUE(record.committed) << "n " << sites << ", phase " << phase << ": " << record.failure;
  EXPECT_EQ(record.included, expected);
  ASSERT_EQ(toy.check.sums(), 1u);
  EXPECT_EQ(toy.check.wrong(), 0u) << "n " << sites << ", phase " << phase;
  EXPECT_TRUE(doubles::SecretsClosed(*toy));
}

}  // namespace fedtrial::scenario
