#include "site_node/core/release_policy.h"

#include <algorithm>
#include <fmt/format.h>

#include "proto/plan/layout.h"

namespace fedtrial::site {
namespace {

// The blocks of a network that a plan doesn't name itself: model/params/network_shape.h.
bool FillsDerived(const Plan& plan, std::string_view owner, std::string_view part, const CohortSummary& cohort);

bool Fills(const Plan& plan, std::string_view block, const CohortSummary& cohort) {
  const std::string name(WithoutReplica(block));
  if (const std::size_t dot = name.find('.'); dot != std::string::npos && !name.starts_with("feature_"))
    return FillsDerived(plan, name.substr(0, dot), name.substr(dot + 1), cohort);
  constexpr std::string_view kModality = "modality_";
  if (name.starts_with(kModality)) return Fills(plan, name.substr(kModality.size()), cohort);
  if (const auto counted = cohort.patients_per_block.find(name); counted != cohort.patients_per_block.end())
    return counted->second > 0;
  if (name.starts_with("test/")) return Fills(plan, "test", cohort);
  if (name.starts_with("feature_") || plan.FindBlock(name) != nullptr || name == "test") return false;
  return cohort.patients > 0;
}

bool FillsDerived(const Plan& plan, std::string_view owner, std::string_view part, const CohortSummary& cohort) {
  if (part == "missing") return cohort.patients > 0;  // training hides modalities of those who have them, too
  const bool skip = plan.FindBlock(part) != nullptr;  // from a modality straight to a head
  return Fills(plan, owner, cohort) && (!skip || Fills(plan, part, cohort));
}

std::size_t Contributors(const Declared& declared, const std::set<SiteId>& sites, std::size_t block) {
  return static_cast<std::size_t>(std::count_if(sites.begin(), sites.end(), [&](SiteId site) {
    const auto found = declared.find(site);
    return found != declared.end() && block < found->second.size() && found->second[block];
  }));
}

}  // namespace

Status MayContribute(const Plan& plan, const Hospital& hospital) {
  const auto refuse = [](std::string why) { return Error{ErrorCode::kNotApproved, std::move(why)}; };
  if (hospital.paused) return refuse(fmt::format("paused by its operator: {}", hospital.pause_reason));
  if (!hospital.stale.empty()) return refuse(hospital.stale);
  if (!hospital.cohort) return refuse("its tables have not been read");
  if (hospital.cohort->patients < plan.cohort.min_patients)
    return refuse(fmt::format("its cohort is below the plan's minimum of {} patients", plan.cohort.min_patients));
  return {};
}

std::vector<bool> BlocksFilled(const Plan& plan, const std::vector<std::string>& blocks, const CohortSummary& cohort) {
  std::vector<bool> filled;
  for (const std::string& block : blocks) filled.push_back(Fills(plan, block, cohort));
  return filled;
}

std::vector<bool> WithheldBlocks(SiteId me, const Declared& declared, const std::set<SiteId>& live) {
  std::vector<bool> withheld;
  const std::vector<bool>& mine = declared.at(me);
  for (std::size_t block = 0; block < mine.size(); ++block)
    withheld.push_back(!mine[block] || Contributors(declared, live, block) < kMinContributors);
  return withheld;
}

Status CheckBlockRule(SiteId me, const Declared& declared, const std::vector<bool>& withheld,
                      const std::set<SiteId>& included) {
  for (std::size_t block = 0; block < withheld.size(); ++block) {
    if (withheld[block]) continue;
    const std::size_t contributors = Contributors(declared, included, block);
    if (contributors < kMinContributors)
      return Error{ErrorCode::kNotApproved,
                   fmt::format("{} filled block {}, which only {} included sites fill, wanted at least {}",
                               ToString(me), block, contributors, kMinContributors)};
  }
  return {};
}

}  // namespace fedtrial::site
