#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/params/manifest.h"
#include "model/samples/sample.h"
#include "proto/plan/plan.h"
#include "site_node/core/release_ledger.h"

namespace fedtrial::site {

// A block with fewer contributors is still too close to one site's data.
inline constexpr std::size_t kMinContributors = 3;

struct Hospital {
  bool paused = false;
  std::string pause_reason;
  std::optional<CohortSummary> cohort;  // none until it was read
  std::string stale{};                  // why its revocation list is too old; empty: it isn't
};

// Why this site stays out of a round: kNotApproved with the sentence that the coordinator is told. Says nothing that
// counts patients.
Status MayContribute(const Plan& plan, const Hospital& hospital);

// Which blocks of a manifest this cohort fills. A name without its replica's prefix that the summary counts: if it
// counts any; a feature, a block of the plan or "test" that it doesn't count: no; all others: yes.
std::vector<bool> BlocksFilled(const Plan& plan, const std::vector<std::string>& blocks, const CohortSummary& cohort);

// The blocks this site sends as zeros: those it doesn't fill and those that fewer than kMinContributors of the live
// sites (U2) declared.
using Declared = std::map<SiteId, std::vector<bool>>;  // by Hello, all of one length
std::vector<bool> WithheldBlocks(SiteId me, const Declared& declared, const std::set<SiteId>& live);

// The block rule of Agree: every block that I filled keeps kMinContributors in the included set; kNotApproved if not.
Status CheckBlockRule(SiteId me, const Declared& declared, const std::vector<bool>& withheld,
                      const std::set<SiteId>& included);

}  // namespace fedtrial::site
