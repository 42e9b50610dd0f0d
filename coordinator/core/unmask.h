#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "coordinator/core/keys.h"
#include "security/crypto/x25519.h"
#include "security/masking/masks.h"

namespace fedtrial::coordinator {

// Shares for the frozen set: b of the included, s_sk of the dropped, never both kinds of one site. Every rebuilt secret
// is checked against what its owner advertised.
class UnmaskPhase {
 public:
  UnmaskPhase(const RoundTerms& terms, const KeysPhase& keys, const MaskGraph& graph, const std::set<SiteId>& live,
              const std::set<SiteId>& included);

  Status Accept(const Envelope& envelope);
  bool heard(SiteId site) const { return heard_.contains(site); }

  // Tries what is still missing; true once every needed secret is there. A wrong share is found by leaving it out: at
  // most 1,000 subsets an owner.
  bool Rebuild();
  // Owner and sender of each share found wrong since the last call: either may be at fault.
  std::vector<std::pair<SiteId, SiteId>> TakeWrong() { return std::exchange(wrong_, {}); }
  // Owners with enough shares of which no subset gives the secret.
  std::vector<SiteId> Hopeless() const;
  // What takes the leftover masks out of the sum; after Rebuild gave true.
  Result<std::vector<MaskTerm>> Removals() const;

 private:
  struct Held {
    SiteId holder;
    std::uint8_t x = 0;
    SecretBytes<32> share;
  };
  struct Owner {
    bool included = false;
    std::vector<Held> shares;  // in the order they came
    unsigned tries = 0;
    bool found = false;
    SecretBytes<32> secret;
  };

  Status CheckItems(SiteId sender, const std::vector<UnmaskBody::Item>& items, bool included) const;
  bool Fits(SiteId id, const Owner& owner, ByteView secret) const;
  void Search(SiteId id, Owner& owner);
  void Blame(SiteId id, const Owner& owner, const std::vector<std::size_t>& good);

  const RoundTerms* terms_;
  const KeysPhase* keys_;
  const MaskGraph* graph_;
  const std::set<SiteId>* included_;
  std::map<SiteId, Owner> owners_;  // all whose secret is needed
  std::set<SiteId> heard_;
  std::vector<std::pair<SiteId, SiteId>> wrong_;
};

}  // namespace fedtrial::coordinator
