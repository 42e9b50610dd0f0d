#pragma once

#include <map>
#include <set>
#include <string>

#include "coordinator/core/terms.h"
#include "proto/codec/round_bodies.h"
#include "security/masking/envelope.h"

namespace fedtrial::coordinator {

// One signed hello or decline per invited site. The envelope was checked: who, when, signature. An error here is the
// sender's fault; nothing has changed.
class HelloPhase {
 public:
  explicit HelloPhase(const RoundTerms& terms) : terms_(&terms) {}

  Status Accept(const Envelope& envelope);

  const std::map<SiteId, HelloBody>& hellos() const { return hellos_; }        // without the declines
  const std::map<SiteId, std::string>& declined() const { return declined_; }  // with the site's reason
  std::size_t answers() const { return hellos_.size() + declined_.size(); }
  bool heard(SiteId site) const { return hellos_.contains(site) || declined_.contains(site); }
  // Encoded, of these sites, by id.
  std::vector<Bytes> Envelopes(const std::set<SiteId>& of) const;
  // How many of these declared a block.
  std::size_t Declared(std::size_t block, const std::set<SiteId>& of) const;

 private:
  const RoundTerms* terms_;
  std::map<SiteId, HelloBody> hellos_;
  std::map<SiteId, std::string> declined_;
  std::map<SiteId, Bytes> envelopes_;
};

}  // namespace fedtrial::coordinator
