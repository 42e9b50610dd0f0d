#include "model/survival/calibration.h"

#include <cmath>
#include <fmt/format.h>
#include <map>

#include "model/survival/cox.h"
#include "model/survival/risk_groups.h"

namespace fedtrial {

Result<CalibrationSlope> SlopeOf(std::span<const Outcome> outcomes, std::span<const double> linear_predictor,
                                 std::span<const std::size_t> stratum) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  RETURN_IF_ERROR(CheckValues("calibration: linear predictors", linear_predictor, outcomes.size()));
  if (!stratum.empty() && stratum.size() != outcomes.size())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("calibration: {} strata for {} outcomes", stratum.size(), outcomes.size())};
  std::map<std::size_t, CoxStratum> by_stratum;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    CoxStratum& one = by_stratum[stratum.empty() ? 0 : stratum[i]];
    one.x.values.push_back(linear_predictor[i]);
    one.outcomes.push_back(outcomes[i]);
  }
  std::vector<CoxStratum> strata;
  for (auto& [name, one] : by_stratum) {
    one.x.rows = one.outcomes.size();
    one.x.cols = 1;
    strata.push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(const CoxFit fit, FitCox(strata));
  return CalibrationSlope{fit.beta[0], std::sqrt(fit.variance(0, 0))};
}

Result<ObservedExpected> CompareEvents(std::span<const Outcome> outcomes, std::span<const double> cumulative_hazard) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  RETURN_IF_ERROR(CheckValues("calibration: cumulative hazards", cumulative_hazard, outcomes.size()));
  ObservedExpected out{static_cast<double>(CountEvents(outcomes)), 0.0};
  for (const double hazard : cumulative_hazard) out.expected += hazard;
  return out;
}

Result<std::vector<CalibrationGroup>> CalibrateByGroups(std::span<const Outcome> outcomes,
                                                        std::span<const double> survival, double time,
                                                        std::size_t groups) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  RETURN_IF_ERROR(CheckValues("calibration: predicted survival", survival, outcomes.size()));
  ASSIGN_OR_RETURN(const std::vector<std::size_t> group, GroupByQuantiles(survival, groups));
  std::vector<CalibrationGroup> out;
  for (std::size_t g = 0; g < groups; ++g) {
    CalibrationGroup one;
    std::vector<Outcome> members;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (group[i] != g) continue;
      members.push_back(outcomes[i]);
      one.mean_predicted += survival[i];
      if (outcomes[i].event && outcomes[i].time <= time) ++one.events;
    }
    if (members.empty()) continue;
    ASSIGN_OR_RETURN(const KaplanMeier curve, KaplanMeier::Of(members));
    one.patients = members.size();
    one.mean_predicted /= static_cast<double>(members.size());
    one.observed = curve.curve().At(time);
    one.limits = curve.LimitsAt(time, LimitKind::kLogLog);
    out.push_back(one);
  }
  return out;
}

}  // namespace fedtrial
