#include <gtest/gtest.h>

#include "tests/doubles/toy.h"
#include "tests/scenario/vanish.h"

namespace fedtrial {
namespace {

using scenario::Subsets;
using scenario::TryVanishing;

// n, t: every set of at most n - t sites in every phase. Six sites are among the slow tests.
TEST(Dropout, AnySmallerFederationSumsExactlyTheIncludedSet) {
  for (const auto& [sites, threshold] : {std::pair{3u, 3u}, {4u, 3u}, {5u, 4u}}) {
    for (const auto& vanishing : Subsets(sites, 0, sites - threshold)) {
      for (unsigned phase = 0; phase < kSitePhases; ++phase) TryVanishing(sites, threshold, vanishing, phase);
    }
  }
}

// All 120 sets in all phases are among the slow tests.
TEST(Dropout, ThreeOfTenMayVanishInAnyPhase) {
  const auto triples = Subsets(10, 3, 3);
  for (unsigned phase = 0; phase < kSitePhases; ++phase) {
    TryVanishing(10, 7, triples[(phase * 37 + 5) % triples.size()], phase);
    TryVanishing(10, 7, triples[(phase * 53 + 71) % triples.size()], phase);
  }
}

TEST(Dropout, OneTooManyMeansNoSumAndTheNextAttemptIsFine) {
  for (unsigned phase = 1; phase < kSitePhases; ++phase) {
    simulation::SimHooks hooks;
    hooks.deliver = [phase](const simulation::Hop& hop) -> std::vector<Envelope> {
      const bool gone = hop.to_coordinator && hop.site.value <= 2 && hop.envelope.phase >= phase;
      return gone ? std::vector<Envelope>{} : std::vector<Envelope>{hop.envelope};
    };
    doubles::Toy toy(doubles::FourSites(), hooks);
    ASSERT_TRUE(toy->Run([&] { return !toy->trial().history().empty(); }).ok());
    EXPECT_EQ(toy.check.sums(), 0u) << phase;
    EXPECT_FALSE(toy->trial().history().front().committed);
  }
}

}  // namespace
}  // namespace fedtrial
