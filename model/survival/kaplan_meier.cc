#include "model/survival/kaplan_meier.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "model/survival/distributions.h"

namespace fedtrial {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kHalfTolerance = 1.5e-8;  // a survival this near to 0.5 is 0.5, as R's quantile.survfit has it

Status CheckCounts(std::span<const RiskCounts> counts) {
  if (counts.empty()) return Error{ErrorCode::kInvalidInput, "there are no counts, at least one interval is needed"};
  double before = -1.0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const RiskCounts& row = counts[i];
    if (!std::isfinite(row.time) || row.time < 0.0 || row.time <= before)
      return Error{ErrorCode::kInvalidInput, fmt::format("counts {}: times must be finite, >= 0 and ascending", i)};
    if (!std::isfinite(row.at_risk) || !(row.events >= 0.0) || !(row.censored >= 0.0) || row.events > row.at_risk)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("counts {}: wanted finite counts, 0 <= events <= at risk, 0 <= censored", i)};
    before = row.time;
  }
  return {};
}

// First time at which `values` is below one half, NaN values skipped; the middle of the interval where it is one half.
double TimeOfHalf(std::span<const KaplanMeierStep> steps, std::span<const double> values) {
  double at_half = kNaN;
  double last = kNaN;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (std::isnan(values[i])) continue;
    const double time = steps[i].counts.time;
    if (values[i] < 0.5 - kHalfTolerance) return std::isnan(at_half) ? time : (at_half + time) / 2.0;
    if (values[i] <= 0.5 + kHalfTolerance && std::isnan(at_half)) at_half = time;
    last = time;
  }
  return std::isnan(at_half) ? kNaN : (at_half + last) / 2.0;
}

}  // namespace

Limits LimitsOf(const KaplanMeierStep& step, LimitKind kind) {
  const double s = step.survival;
  if (s <= 0.0 || (kind == LimitKind::kLogLog && s >= 1.0)) return {kNaN, kNaN};
  const double reach = kNormal975 * step.std_error_log;
  if (kind == LimitKind::kLog) return {s * std::exp(-reach), std::min(1.0, s * std::exp(reach))};
  const double level = std::log(-std::log(s));
  const double shift = reach / std::log(s);  // negative
  return {std::exp(-std::exp(level - shift)), std::exp(-std::exp(level + shift))};
}

Result<std::vector<RiskCounts>> CountByTime(std::span<const Outcome> outcomes) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  std::vector<Outcome> sorted(outcomes.begin(), outcomes.end());
  std::ranges::sort(sorted, {}, &Outcome::time);
  std::vector<RiskCounts> counts;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (counts.empty() || counts.back().time != sorted[i].time)
      counts.push_back({.time = sorted[i].time, .at_risk = static_cast<double>(sorted.size() - i)});
    (sorted[i].event ? counts.back().events : counts.back().censored) += 1.0;
  }
  return counts;
}

Result<KaplanMeier> KaplanMeier::Of(std::span<const Outcome> outcomes) {
  ASSIGN_OR_RETURN(const std::vector<RiskCounts> counts, CountByTime(outcomes));
  return OfCounts(counts);
}

Result<KaplanMeier> KaplanMeier::OfCounts(std::span<const RiskCounts> counts) {
  RETURN_IF_ERROR(CheckCounts(counts));
  KaplanMeier km;
  KaplanMeierStep step;
  double variance_log = 0.0;
  for (const RiskCounts& row : counts) {
    step.counts = row;
    if (row.events > 0.0) {
      step.survival *= 1.0 - row.events / row.at_risk;
      step.cumulative_hazard += row.events / row.at_risk;
      step.cumulative_hazard_variance += row.events / (row.at_risk * row.at_risk);
      variance_log += row.events / (row.at_risk * (row.at_risk - row.events));  // infinite where all had the event
    }
    step.std_error_log = std::sqrt(variance_log);
    step.std_error = step.survival * step.std_error_log;
    km.steps_.push_back(step);
    km.curve_.times.push_back(row.time);
    km.curve_.values.push_back(step.survival);
  }
  return km;
}

Limits KaplanMeier::LimitsAt(double time, LimitKind kind) const {
  const auto after = std::ranges::upper_bound(curve_.times, time) - curve_.times.begin();
  if (after == 0) return {1.0, 1.0};
  const KaplanMeierStep& step = steps_[static_cast<std::size_t>(after - 1)];
  return step.survival == 1.0 ? Limits{1.0, 1.0} : LimitsOf(step, kind);
}

MedianSurvival KaplanMeier::Median(LimitKind kind) const {
  std::vector<double> lower;
  std::vector<double> upper;
  for (const KaplanMeierStep& step : steps_) {
    const Limits limits = LimitsOf(step, kind);
    lower.push_back(limits.lower);
    upper.push_back(limits.upper);
  }
  return {TimeOfHalf(steps_, curve_.values), TimeOfHalf(steps_, lower), TimeOfHalf(steps_, upper)};
}

Result<RestrictedMean> KaplanMeier::RestrictedMeanTo(double tau) const {
  if (!std::isfinite(tau) || tau <= 0.0)
    return Error{ErrorCode::kInvalidInput, fmt::format("restricted mean: tau is {}, wanted days > 0", tau)};
  double area = 0.0;  // from the step's time to tau
  double variance = 0.0;
  double end = tau;
  for (std::size_t i = steps_.size(); i-- > 0;) {
    const RiskCounts& row = steps_[i].counts;
    if (row.time >= tau) continue;
    area += steps_[i].survival * (end - row.time);
    end = row.time;
    if (row.events > 0.0 && area > 0.0)
      variance += area * area * row.events / (row.at_risk * (row.at_risk - row.events));
  }
  return RestrictedMean{area + end, std::sqrt(variance)};
}

Result<StepFunction> CensoringSurvival(std::span<const Outcome> outcomes) {
  ASSIGN_OR_RETURN(const std::vector<RiskCounts> counts, CountByTime(outcomes));
  StepFunction curve;
  double survival = 1.0;
  for (const RiskCounts& row : counts) {
    if (row.censored > 0.0) survival *= 1.0 - row.censored / (row.at_risk - row.events);
    curve.times.push_back(row.time);
    curve.values.push_back(survival);
  }
  return curve;
}

}  // namespace fedtrial
