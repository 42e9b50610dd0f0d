#pragma once

#include <cstddef>
#include <map>

#include "security/masking/graph.h"

namespace fedtrial {

// How many must take part, from the number of sites invited to a round (n) and the plan's threshold (t). Fixed before
// Hello: neither shrinks with those who answer or are revoked.
struct Quorum {
  std::size_t sites = 0;         // n
  std::size_t threshold = 0;     // t: of every set U0 to U3 and of the Agree signatures
  unsigned degree = 0;           // neighbours of a site; 0: everybody is everybody's
  unsigned share_threshold = 0;  // of the sharing, and of each neighbourhood (owner included) within U2

  bool sparse() const { return degree != 0; }
  bool operator==(const Quorum&) const = default;
};

// kInvalidInput unless 3 <= t <= n and t is a majority. Above kCompleteGraphLimit sites t is at least floor(2n/3)+1 and
// the graph is the table's against a lying coordinator (20 % collude, 10 % drop out).
Result<Quorum> MakeQuorum(std::size_t sites, std::size_t threshold);

// Who shares with whom: from the reveals of U1. Above kCompleteGraphLimit that must be all of U0.
Result<MaskGraph> MakeGraph(const Quorum& quorum, const Digest& ctx, const std::map<SiteId, Reveal>& reveals);

}  // namespace fedtrial
