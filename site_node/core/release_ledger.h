#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "model/params/manifest.h"
#include "proto/plan/layout.h"

namespace fedtrial::site {

// What this site has released, and so what it may still release (SECURITY.md, "One sum per contribution"). A release is
// the giving out of shares in Unmask: from then on the sum over that included set may be known.
class ReleaseLedger {
 public:
  using Sites = std::set<SiteId>;

  // Before Hello. One release a position of the plan, and `spare` more a step for lost rounds; kNotApproved beyond.
  // A later attempt at the round that was released last is always let in: it can only be the same set.
  Status MayJoin(const StepPosition& position, std::uint64_t round, std::uint32_t spare) const;

  // Before Agree. In a round released already only the same set; where this contribution (by its key) was released
  // before, the same set or one that differs in at least 3 sites. kNotApproved otherwise.
  Status MayInclude(std::uint64_t round, const Digest& contribution, const Sites& included) const;

  // Before the shares leave.
  void Release(std::uint64_t round, const StepPosition& position, const Digest& contribution, const Sites& included);
  // The chain went on from `before`: contributions to another model than this one can't come again.
  void ModelChanged() { by_contribution_.clear(); }

  void Write(ByteWriter& writer) const;
  static ReleaseLedger Read(ByteReader& reader);
  bool operator==(const ReleaseLedger&) const = default;

 private:
  using Position = std::tuple<std::uint32_t, std::uint32_t, bool>;

  std::map<Position, std::uint32_t> releases_;             // rounds released at a position
  std::map<Digest, std::vector<Sites>> by_contribution_;   // of the current model
  std::optional<std::pair<std::uint64_t, Sites>> latest_;  // the round released last and its set
};

// What makes a contribution come out the same again: the vector's meaning but for step and seed (so the model is in
// it), and the cohort.
Digest ContributionKey(Manifest manifest, const Digest& cohort);

}  // namespace fedtrial::site
