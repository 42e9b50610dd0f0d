#include "coordinator/core/keys.h"

#include "security/masking/context.h"

namespace fedtrial::coordinator {

Status KeysPhase::Accept(const Envelope& envelope) {
  if (envelope.receiver != kBroadcastId) return Error{ErrorCode::kInvalidInput, "keys that aren't for all sites"};
  ASSIGN_OR_RETURN(const KeysBody body, KeysBody::Decode(envelope.body));
  if (RCommit(terms_->ctx, envelope.sender, body.r) != hello_->hellos().at(envelope.sender).r_commit)
    return Error{ErrorCode::kIntegrity, "reveals another r than it committed to"};
  if (IsLowOrder(body.channel_key) || IsLowOrder(body.mask_key))
    return Error{ErrorCode::kIntegrity, "sent a low-order key"};
  if (body.channel_key == body.mask_key || seen_.contains(body.channel_key) || seen_.contains(body.mask_key))
    return Error{ErrorCode::kIntegrity, "sent a key that comes twice"};
  seen_.insert({body.channel_key, body.mask_key});
  envelopes_[envelope.sender] = envelope;
  keys_[envelope.sender] = body;
  return {};
}

std::vector<Bytes> KeysPhase::Envelopes(const std::set<SiteId>& of) const {
  std::vector<Bytes> envelopes;
  for (const SiteId site : of) envelopes.push_back(EncodeEnvelope(envelopes_.at(site)));
  return envelopes;
}

std::map<SiteId, Bytes> KeysPhase::Bodies(const std::set<SiteId>& of) const {
  std::map<SiteId, Bytes> bodies;
  for (const SiteId site : of) bodies[site] = envelopes_.at(site).body;
  return bodies;
}

std::map<SiteId, Reveal> KeysPhase::Reveals(const std::set<SiteId>& of) const {
  std::map<SiteId, Reveal> reveals;
  for (const SiteId site : of) reveals[site] = keys_.at(site).r;
  return reveals;
}

}  // namespace fedtrial::coordinator
