#include "coordinator/core/shares.h"

#include <algorithm>
#include <fmt/format.h>

#include "security/masking/mask_keys.h"

namespace fedtrial::coordinator {

Status SharesPhase::Accept(const Envelope& envelope) {
  if (!graph_->NeighboursOf(envelope.sender).contains(envelope.receiver))
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("sent a share to {}, not its neighbour", ToString(envelope.receiver))};
  if (envelope.body.size() != kSealedShareSize)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("sent a share of {} bytes, wanted {}", envelope.body.size(), kSealedShareSize)};
  auto& sent = sent_[envelope.sender];
  if (sent.contains(envelope.receiver))
    return Error{ErrorCode::kIntegrity, fmt::format("sent {} a second share", ToString(envelope.receiver))};
  sent[envelope.receiver] = EncodeEnvelope(envelope);
  return {};
}

bool SharesPhase::heard(SiteId site) const {
  const auto found = sent_.find(site);
  return found != sent_.end() && found->second.size() == graph_->NeighboursOf(site).size();
}

std::vector<Bytes> SharesPhase::EnvelopesTo(SiteId receiver, const std::set<SiteId>& from) const {
  std::vector<Bytes> envelopes;
  for (const auto& [sender, sent] : sent_) {
    const auto found = sent.find(receiver);
    if (from.contains(sender) && found != sent.end()) envelopes.push_back(found->second);
  }
  return envelopes;
}

SiteId SharesPhase::Lonely(const std::set<SiteId>& live) const {
  for (const SiteId site : live) {
    const auto& neighbours = graph_->NeighboursOf(site);
    const auto near =
        1 + std::count_if(neighbours.begin(), neighbours.end(), [&](SiteId other) { return live.contains(other); });
    if (static_cast<unsigned>(near) < terms_->quorum.share_threshold) return site;
  }
  return kBroadcastId;
}

}  // namespace fedtrial::coordinator
