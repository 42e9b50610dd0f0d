#pragma once

#include <map>
#include <set>

#include "coordinator/core/terms.h"
#include "security/masking/envelope.h"
#include "security/masking/graph.h"

namespace fedtrial::coordinator {

// Sealed shares, one envelope for every neighbour in U1. A site is heard when all of its are there.
class SharesPhase {
 public:
  SharesPhase(const RoundTerms& terms, const MaskGraph& graph) : terms_(&terms), graph_(&graph) {}

  Status Accept(const Envelope& envelope);

  bool heard(SiteId site) const;
  // Encoded, those of `from` that are addressed to one site, by sender.
  std::vector<Bytes> EnvelopesTo(SiteId receiver, const std::set<SiteId>& from) const;
  // A site of `live` with too few of its neighbourhood (itself included) in it, or kBroadcastId if there is none.
  SiteId Lonely(const std::set<SiteId>& live) const;

 private:
  const RoundTerms* terms_;
  const MaskGraph* graph_;
  std::map<SiteId, std::map<SiteId, Bytes>> sent_;  // sender, receiver
};

}  // namespace fedtrial::coordinator
