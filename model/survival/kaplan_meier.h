#pragma once

#include <span>
#include <vector>

#include "common/base/result.h"
#include "model/survival/outcome.h"
#include "model/survival/step_function.h"

namespace fedtrial {

// Counts at one time, or of one interval that ends at it. Sums over sites add term by term.
struct RiskCounts {
  double time = 0.0;     // days
  double at_risk = 0.0;  // just before `time`, or at the start of the interval
  double events = 0.0;
  double censored = 0.0;  // at `time`, after its events
};

// The curve just after `counts.time`.
struct KaplanMeierStep {
  RiskCounts counts;
  double survival = 1.0;
  double std_error = 0.0;                   // Greenwood's, of `survival`; NaN where it is 0
  double std_error_log = 0.0;               // the same of log(survival); infinite where it is 0
  double cumulative_hazard = 0.0;           // Nelson-Aalen: sum d / n
  double cumulative_hazard_variance = 0.0;  // sum d / n^2
};

// 95 % limits; NaN where they aren't defined. Kinds as R's survfit: kLog is cut at 1, kLogLog stays inside [0, 1].
enum class LimitKind { kLog, kLogLog };
struct Limits {
  double lower = 0.0;
  double upper = 0.0;
};
Limits LimitsOf(const KaplanMeierStep& step, LimitKind kind);

// First time with survival < 0.5; where survival is 0.5 on an interval, its middle. Days; NaN where it isn't reached.
struct MedianSurvival {
  double estimate = 0.0;
  double lower = 0.0;
  double upper = 0.0;
};

// Area under the curve from 0 to tau, in days, with Greenwood's error.
struct RestrictedMean {
  double mean = 0.0;
  double std_error = 0.0;
};

// Product-limit estimate: Kaplan and Meier, JASA 1958; Greenwood 1926; checked against R's survfit.
class KaplanMeier {
 public:
  // One step a distinct time, censoring times too. kInvalidInput as CheckOutcomes.
  static Result<KaplanMeier> Of(std::span<const Outcome> outcomes);
  // Times ascending, counts >= 0, events <= at risk; kInvalidInput otherwise. At-risk counts are taken as given.
  static Result<KaplanMeier> OfCounts(std::span<const RiskCounts> counts);

  const std::vector<KaplanMeierStep>& steps() const { return steps_; }
  const StepFunction& curve() const { return curve_; }
  Limits LimitsAt(double time, LimitKind kind) const;  // 1 and 1 before the first event
  MedianSurvival Median(LimitKind kind) const;
  // tau > 0, in days. Beyond the last step the curve stays where it is.
  Result<RestrictedMean> RestrictedMeanTo(double tau) const;

 private:
  std::vector<KaplanMeierStep> steps_;
  StepFunction curve_;
};

// Distinct times with their counts: what KaplanMeier::Of starts from.
Result<std::vector<RiskCounts>> CountByTime(std::span<const Outcome> outcomes);

// Survival of censoring, G(t) = prod_{u <= t} (1 - c_u / (n_u - d_u)): at a tied time the events come first (Graf
// 1999).
Result<StepFunction> CensoringSurvival(std::span<const Outcome> outcomes);

}  // namespace fedtrial
