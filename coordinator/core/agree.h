#pragma once

#include <map>
#include <set>

#include "coordinator/core/terms.h"
#include "security/masking/context.h"
#include "security/masking/envelope.h"

namespace fedtrial::coordinator {

// Each survivor's signature over keys, live sites and the included set: all must say the same.
class AgreePhase {
 public:
  explicit AgreePhase(Bytes wanted) : wanted_(std::move(wanted)) {}

  Status Accept(const Envelope& envelope) {
    if (envelope.receiver != kBroadcastId) return Error{ErrorCode::kInvalidInput, "an Agree that isn't for all sites"};
    if (envelope.body != wanted_)
      return Error{ErrorCode::kIntegrity, "signed other keys, live sites or included sites than were sent to it"};
    envelopes_[envelope.sender] = EncodeEnvelope(envelope);
    return {};
  }

  bool heard(SiteId site) const { return envelopes_.contains(site); }
  std::vector<Bytes> Envelopes() const {
    std::vector<Bytes> envelopes;
    for (const auto& [site, envelope] : envelopes_) envelopes.push_back(envelope);
    return envelopes;
  }

 private:
  Bytes wanted_;
  std::map<SiteId, Bytes> envelopes_;
};

}  // namespace fedtrial::coordinator
