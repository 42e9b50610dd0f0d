#include "coordinator/core/masked.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial::coordinator {

Status MaskedPhase::Accept(const Envelope& envelope) {
  const SiteId site = envelope.sender;
  if (envelope.receiver != kCoordinatorId)
    return Error{ErrorCode::kInvalidInput, "a masked contribution that isn't for the coordinator"};
  ASSIGN_OR_RETURN(MaskedBody body, MaskedBody::Decode(envelope.body));
  if (signed_.contains(site)) return Error{ErrorCode::kIntegrity, "signed two masked contributions"};
  if (body.length != terms_->UploadBytes())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("signed for {} bytes, the manifest has {}", body.length, terms_->UploadBytes())};
  const auto& neighbours = graph_->NeighboursOf(site);
  const std::set<SiteId> failed(body.failed.begin(), body.failed.end());
  const bool known = std::all_of(failed.begin(), failed.end(),
                                 [&](SiteId owner) { return neighbours.contains(owner) && live_->contains(owner); });
  if (!known || failed.size() != body.failed.size())
    return Error{ErrorCode::kInvalidInput, "reports ciphertexts that it was not sent"};
  signed_[site] = std::move(body);
  Match(site);
  return {};
}

Status MaskedPhase::Stored(SiteId site, const Digest& digest, std::uint64_t words) {
  if (words != terms_->manifest.Words())
    return Error{ErrorCode::kInvalidInput, fmt::format("the upload of {} has {} words, the manifest has {}",
                                                       ToString(site), words, terms_->manifest.Words())};
  if (const auto accepted = accepted_.find(site); accepted != accepted_.end() && accepted->second != digest)
    return Error{ErrorCode::kIntegrity, fmt::format("{} has another upload in the sum", ToString(site))};
  stored_[site] = digest;
  Match(site);
  return {};
}

void MaskedPhase::Match(SiteId site) {
  const auto body = signed_.find(site);
  const auto stored = stored_.find(site);
  if (body != signed_.end() && stored != stored_.end() && body->second.digest == stored->second)
    accepted_[site] = stored->second;
}

SiteId MaskedPhase::Unopened() const {
  std::map<SiteId, std::size_t> failures;
  for (const auto& [site, digest] : accepted_) {
    for (const SiteId owner : signed_.at(site).failed) ++failures[owner];
  }
  const std::size_t neighbourhood = terms_->quorum.sparse() ? terms_->quorum.degree + 1 : terms_->quorum.sites;
  for (const auto& [owner, count] : failures) {
    if (count > neighbourhood - terms_->quorum.share_threshold) return owner;
  }
  return kBroadcastId;
}

}  // namespace fedtrial::coordinator
