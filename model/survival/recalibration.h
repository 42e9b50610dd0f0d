#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "model/survival/discrete_hazard.h"

namespace fedtrial {

// Logistic recalibration of discrete-time hazards: how far a patient's logit lies from the centre of its bin (the mean
// logit of those at risk in it) is multiplied by the slope, and the intercept added:
//   logit h' = centre + intercept + slope * (logit h - centre)
// A slope below 1 takes back predictions that differ too much from patient to patient; what the bins say of time stays.
// A slope above 0 never changes the order of patients within a bin.
struct Recalibration {
  double intercept = 0.0;
  double slope = 1.0;
  std::vector<double> centre = {};  // one a bin; empty: all 0

  double CentreOf(std::size_t bin) const { return centre.empty() ? 0.0 : centre[bin]; }
  double At(std::size_t bin, double logit) const { return CentreOf(bin) + intercept + slope * (logit - CentreOf(bin)); }
  bool ChangesNothing() const { return intercept == 0.0 && slope == 1.0; }
};

// What the centres come from, by bin: patients at risk and the sum of their logits. Sites add.
struct LogitSums {
  std::vector<double> at_risk, logits;
};
void AddLogits(std::span<const double> logits, const GridPlace& place, double weight, LogitSums& sums);
// Means by bin; where nobody is at risk the bin before, or else the first one with somebody. Empty if there is none, or
// on a value that isn't finite.
std::vector<double> CentresOf(const LogitSums& sums);

// Of the likelihood of the person-periods (a patient at risk in a bin: event there or not) at some constants. Sites
// add.
struct RecalibrationSums {
  double events = 0.0;
  std::array<double, 2> score{};        // by intercept, by slope
  std::array<double, 3> information{};  // intercept twice, both, slope twice
};

// One patient's: `logits` of his hazards as predicted, one a bin, at least place.at_risk of them.
void AddPersonPeriods(std::span<const double> logits, const GridPlace& place, const Recalibration& at, double weight,
                      RecalibrationSums& sums);

// One step of Newton's method for several landmarks at once: one slope for all, and an intercept for each. `sums` and
// `at` go by landmark; the slopes of `at` are alike. A step is at most 2 in an intercept and 0.5 in the slope, so that
// it doesn't run away from a poor start. kInvalidInput if the sums don't determine the constants: no landmark, nobody
// at risk at one, all logits alike, values that aren't finite. towards_one >= 0: the likelihood is penalised by
// towards_one / 2 * (slope - 1)^2.
Result<std::vector<Recalibration>> NewtonStep(std::span<const RecalibrationSums> sums,
                                              std::span<const Recalibration> at, double towards_one = 0.0);

// As tensors have them: a row a landmark of intercept, slope and centres, one after the other. `values` is a multiple
// of `landmarks` > 0 long, at least two for each.
std::vector<Recalibration> RecalibrationsFrom(std::span<const double> values, std::size_t landmarks);
std::vector<double> ValuesOf(std::span<const Recalibration> recalibrations);

// Whether constants may be used: finite, slope 0.05 to 20, intercept -20 to 20, centres -100 to 100. Outside nothing
// was learnt but noise.
bool IsUsable(const Recalibration& recalibration);

}  // namespace fedtrial
