#pragma once

#include <map>
#include <set>

#include "coordinator/core/hello.h"
#include "security/crypto/x25519.h"
#include "security/masking/graph.h"

namespace fedtrial::coordinator {

// One key offer per site that said hello: r as committed, no low-order key, no key twice.
class KeysPhase {
 public:
  KeysPhase(const RoundTerms& terms, const HelloPhase& hello) : terms_(&terms), hello_(&hello) {}

  Status Accept(const Envelope& envelope);

  const std::map<SiteId, KeysBody>& keys() const { return keys_; }
  bool heard(SiteId site) const { return keys_.contains(site); }
  std::vector<Bytes> Envelopes(const std::set<SiteId>& of) const;
  std::map<SiteId, Bytes> Bodies(const std::set<SiteId>& of) const;  // as received
  std::map<SiteId, Reveal> Reveals(const std::set<SiteId>& of) const;

 private:
  const RoundTerms* terms_;
  const HelloPhase* hello_;
  std::map<SiteId, KeysBody> keys_;
  std::map<SiteId, Envelope> envelopes_;
  std::set<X25519PublicKey> seen_;
};

}  // namespace fedtrial::coordinator
