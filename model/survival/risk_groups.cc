#include "model/survival/risk_groups.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "model/survival/bootstrap.h"

namespace fedtrial {

Result<std::vector<std::size_t>> GroupByQuantiles(std::span<const double> values, std::size_t groups) {
  RETURN_IF_ERROR(CheckValues("groups: values", values, values.size()));
  if (values.empty() || groups == 0)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("groups: {} values in {} groups, wanted 1 or more of both", values.size(), groups)};
  std::vector<double> cuts;
  for (std::size_t g = 1; g < groups; ++g)
    cuts.push_back(Quantile({values.begin(), values.end()}, static_cast<double>(g) / static_cast<double>(groups)));
  std::vector<std::size_t> out(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    out[i] = static_cast<std::size_t>(std::ranges::lower_bound(cuts, values[i]) - cuts.begin());
  return out;
}

Result<std::vector<RiskGroup>> CurvesByRisk(std::span<const Outcome> outcomes, std::span<const double> risk,
                                            std::size_t groups, std::span<const double> times) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  RETURN_IF_ERROR(CheckValues("risk groups: risks", risk, outcomes.size()));
  ASSIGN_OR_RETURN(const std::vector<std::size_t> group, GroupByQuantiles(risk, groups));
  std::vector<RiskGroup> out(groups);
  for (std::size_t g = 0; g < groups; ++g) {
    std::vector<Outcome> members;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
      if (group[i] == g) members.push_back(outcomes[i]);
    out[g].patients = members.size();
    out[g].events = CountEvents(members);
    for (const double time : times)
      out[g].at_risk.push_back(static_cast<std::size_t>(
          std::ranges::count_if(members, [&](const Outcome& outcome) { return outcome.time >= time; })));
    if (members.empty()) continue;
    ASSIGN_OR_RETURN(out[g].curve, KaplanMeier::Of(members));
  }
  return out;
}

}  // namespace fedtrial
