#include "security/masking/quorum.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace fedtrial {

Result<Quorum> MakeQuorum(std::size_t sites, std::size_t threshold) {
  if (threshold < 3 || threshold > sites || 2 * threshold <= sites)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("a threshold of {} among {} sites, wanted at least 3, a majority and at most all",
                             threshold, sites)};
  Quorum quorum{sites, threshold, 0, static_cast<unsigned>(threshold)};
  if (sites <= kCompleteGraphLimit) return quorum;
  ASSIGN_OR_RETURN(const GraphParameters graph, ChooseGraph(sites, Adversary::kSemiMalicious20Drop10));
  quorum.threshold = std::max(threshold, 2 * sites / 3 + 1);
  quorum.degree = graph.degree;
  quorum.share_threshold = graph.threshold;
  return quorum;
}

Result<MaskGraph> MakeGraph(const Quorum& quorum, const Digest& ctx, const std::map<SiteId, Reveal>& reveals) {
  if (quorum.sparse()) return MaskGraph::Make(ctx, reveals, quorum.degree);
  std::set<SiteId> sites;
  for (const auto& [id, reveal] : reveals) sites.insert(id);
  return MaskGraph::Complete(sites);
}

}  // namespace fedtrial
