#pragma once

#include <map>
#include <optional>
#include <set>

#include "coordinator/core/terms.h"
#include "proto/codec/round_bodies.h"
#include "security/masking/envelope.h"
#include "security/masking/graph.h"

namespace fedtrial::coordinator {

// One masked contribution per live site: it counts once its words lie whole in the spool and its signed digest and
// length fit; either may come first. The words themselves never come here.
class MaskedPhase {
 public:
  MaskedPhase(const RoundTerms& terms, const MaskGraph& graph, const std::set<SiteId>& live)
      : terms_(&terms), graph_(&graph), live_(&live) {}

  Status Accept(const Envelope& envelope);
  // On an error nothing has changed. An upload that isn't signed for yet may be replaced by another.
  Status Stored(SiteId site, const Digest& digest, std::uint64_t words);

  bool heard(SiteId site) const { return accepted_.contains(site); }
  bool stored(SiteId site) const { return stored_.contains(site); }
  const std::map<SiteId, Digest>& accepted() const { return accepted_; }
  // A site whose ciphertexts failed at more than n - t others, or kBroadcastId.
  SiteId Unopened() const;

 private:
  void Match(SiteId site);

  const RoundTerms* terms_;
  const MaskGraph* graph_;
  const std::set<SiteId>* live_;  // U2
  std::map<SiteId, MaskedBody> signed_;
  std::map<SiteId, Digest> stored_;
  std::map<SiteId, Digest> accepted_;
};

}  // namespace fedtrial::coordinator
