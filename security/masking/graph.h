#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"

namespace fedtrial {

// Up to this many sites everybody is everybody's neighbour.
inline constexpr std::size_t kCompleteGraphLimit = 100;

// Who may collude beside the coordinator and how many sites may drop out, as fractions of all.
enum class Adversary {
  kCurious20Drop10,
  kCurious33Drop10,
  kSemiMalicious20Drop10,
  kSemiMalicious10Drop5,
};

struct GraphParameters {
  unsigned degree = 0;     // neighbours of each site, even
  unsigned threshold = 0;  // of the Shamir sharing, and how many of a neighbourhood (owner included) must be in U2
  bool operator==(const GraphParameters&) const = default;
};

// 2^-40 privacy and 2^-20 failure: the table's first row with at least `sites` (a larger row is safe for fewer sites).
// kInvalidInput for 100 sites or fewer (complete graph) and for more than 5,000.
Result<GraphParameters> ChooseGraph(std::size_t sites, Adversary adversary);

using Reveal = std::array<std::uint8_t, 32>;  // r_i of Keys

// Harary graph over a permutation nobody could choose (SecAgg+, Bell 2020), from the reveals of every site of U0: the
// seed is H("fl/secagg/v1/graph" || ctx || all r_i in id order), neighbours are those within degree/2 on the ring.
class MaskGraph {
 public:
  // kInvalidInput if the degree is odd, 0 or not below the number of sites.
  static Result<MaskGraph> Make(const Digest& ctx, const std::map<SiteId, Reveal>& reveals, unsigned degree);
  static MaskGraph Complete(const std::set<SiteId>& sites);

  // Without the site itself; empty for an unknown site.
  const std::set<SiteId>& NeighboursOf(SiteId site) const;
  const std::vector<SiteId>& permutation() const { return permutation_; }  // in ring order; sorted if complete

  // The x at which `holder` holds a share of `owner`'s secrets: 1 + its rank among the owner and its neighbours.
  // kInvalidInput if the two aren't neighbours or the same, or the rank is above 254.
  Result<std::uint8_t> SharePoint(SiteId owner, SiteId holder) const;

 private:
  std::vector<SiteId> permutation_;
  std::map<SiteId, std::set<SiteId>> neighbours_;
};

Digest GraphSeed(const Digest& ctx, const std::map<SiteId, Reveal>& reveals);

}  // namespace fedtrial
