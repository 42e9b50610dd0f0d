#include "model/survival/brier.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <vector>

namespace fedtrial {
namespace {

Error NoWeight() {
  return {ErrorCode::kInvalidInput,
          "Brier: the censoring survival is 0 where a weight is needed; choose an earlier time"};
}

}  // namespace

Result<double> BrierSum(std::span<const Outcome> outcomes, std::span<const double> survival, double time,
                        const StepFunction& censoring) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  RETURN_IF_ERROR(CheckValues("Brier: predicted survival", survival, outcomes.size()));
  if (!std::isfinite(time) || time < 0.0)
    return Error{ErrorCode::kInvalidInput, fmt::format("Brier: the time is {}, wanted days >= 0", time)};
  const double later = censoring.At(time);
  double sum = 0.0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const bool longer = outcomes[i].time > time;
    if (!longer && !outcomes[i].event) continue;  // censored by then: his weight went to the others
    const double g = longer ? later : censoring.Before(outcomes[i].time);
    if (!(g > 0.0)) return NoWeight();
    const double error = survival[i] - (longer ? 1.0 : 0.0);
    sum += error * error / g;
  }
  return sum;
}

Result<double> BrierScore(std::span<const Outcome> outcomes, std::span<const double> survival, double time,
                          const StepFunction& censoring) {
  ASSIGN_OR_RETURN(const double sum, BrierSum(outcomes, survival, time, censoring));
  return sum / static_cast<double>(outcomes.size());
}

Result<double> IntegratedBrier(std::span<const Outcome> outcomes,
                               const std::function<double(std::size_t patient, double time)>& survival, double tau,
                               const StepFunction& censoring) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  if (!std::isfinite(tau) || tau <= 0.0)
    return Error{ErrorCode::kInvalidInput, fmt::format("integrated Brier: tau is {}, wanted days > 0", tau)};
  std::vector<double> knots{0.0, tau};
  for (const Outcome& outcome : outcomes)
    if (outcome.time < tau) knots.push_back(outcome.time);
  for (const double time : censoring.times)
    if (time > 0.0 && time < tau) knots.push_back(time);
  std::ranges::sort(knots);
  double area = 0.0;
  std::vector<double> predicted(outcomes.size());
  for (std::size_t k = 0; k + 1 < knots.size(); ++k) {
    if (knots[k] == knots[k + 1]) continue;
    for (std::size_t i = 0; i < predicted.size(); ++i) predicted[i] = survival(i, knots[k]);
    ASSIGN_OR_RETURN(const double score, BrierScore(outcomes, predicted, knots[k], censoring));
    area += score * (knots[k + 1] - knots[k]);
  }
  return area / tau;
}

Result<double> IntegratedTrapezoid(std::span<const double> times, std::span<const double> scores) {
  RETURN_IF_ERROR(CheckValues("trapezoid: scores", scores, times.size()));
  if (times.size() < 2) return Error{ErrorCode::kInvalidInput, "trapezoid: at least two times are needed"};
  double area = 0.0;
  for (std::size_t k = 0; k + 1 < times.size(); ++k) {
    if (!(times[k] < times[k + 1]))
      return Error{ErrorCode::kInvalidInput, fmt::format("trapezoid: time {} is not above the one before", k + 1)};
    area += (times[k + 1] - times[k]) * (scores[k] + scores[k + 1]) / 2.0;
  }
  return area / (times.back() - times.front());
}

}  // namespace fedtrial
