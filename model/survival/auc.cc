#include "model/survival/auc.h"

#include <cmath>

namespace fedtrial {

Result<double> CumulativeDynamicAuc(std::span<const Outcome> outcomes, std::span<const double> risk, double time,
                                    const StepFunction& censoring) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  RETURN_IF_ERROR(CheckValues("AUC: risks", risk, outcomes.size()));
  double wins = 0.0;
  double pairs = 0.0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i].event || outcomes[i].time > time) continue;
    const double g = censoring.Before(outcomes[i].time);
    if (!(g > 0.0))
      return Error{ErrorCode::kInvalidInput, "AUC: the censoring survival is 0 before a case; choose an earlier time"};
    for (std::size_t j = 0; j < outcomes.size(); ++j) {
      if (!(outcomes[j].time > time)) continue;
      pairs += 1.0 / g;
      wins += (risk[i] > risk[j] ? 1.0 : risk[i] == risk[j] ? 0.5 : 0.0) / g;
    }
  }
  if (!(pairs > 0.0)) return Error{ErrorCode::kInvalidInput, "AUC: at this time there is no case or no control"};
  return wins / pairs;
}

}  // namespace fedtrial
