#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "common/base/result.h"

namespace fedtrial {

// The illness-death model in discrete time: 0 alive without recurrence, 1 recurred, 2 dead. Time runs in steps of four
// weeks from the landmark: step k = 1, 2, ... covers (28 (k-1), 28 k] days. The hazards' parameters change only from
// one coarse bin to the next. Plain loops in double: what prediction uses and what the networks' losses are tested
// against.

inline constexpr double kStepDays = 28.0;

// Coarse bins of parameters, each of whole steps.
class StepGrid {
 public:
  // cuts_days: ends of the bins, rising multiples of 28. kInvalidInput otherwise, or without one.
  static Result<StepGrid> FromCuts(std::span<const double> cuts_days);

  std::size_t bins() const { return bins_; }
  std::size_t steps() const { return bin_of_step_.size(); }  // the horizon
  // Of steps 1 .. steps(), at index 0 ..: the bin, from 0.
  const std::vector<std::size_t>& bin_of_step() const { return bin_of_step_; }

 private:
  std::size_t bins_ = 0;
  std::vector<std::size_t> bin_of_step_;
};

// Of one patient, by bin. (h01, h02, stay) = softmax(recurrence, death, 0). After a recurrence in step r, counted from
// the first fraction of radiotherapy, h12 of the u-th step after it is sigmoid(after[bin of u] + clock log(1 + r)).
struct TransitionLogits {
  std::vector<double> recurrence, death, after;
  double clock = 0.0;
};

// At the end of each step 1 .. steps(), for a patient in state 0 at the landmark.
struct IllnessDeathCurves {
  std::vector<double> progression_free;  // S0(k) = prod over j <= k of 1 - h01(j) - h02(j)
  std::vector<double> recurrence;        // cumulative incidence: sum over j <= k of S0(j-1) h01(j)
  // S0(k) + sum over j <= k of S0(j-1) h01(j) S12(k-j): a recurrence's own clock starts with the step after it.
  std::vector<double> overall;  // never below progression_free
};
// landmark_step: steps from the first fraction to the landmark. The logits are finite, one a bin.
IllnessDeathCurves CurvesOf(const StepGrid& grid, const TransitionLogits& logits, std::size_t landmark_step);

// S12(u), u = 0 .. steps(), after a recurrence in step `recurred` from the first fraction.
std::vector<double> SurvivalAfterRecurrence(const StepGrid& grid, const TransitionLogits& logits, std::size_t recurred);

// What was seen of a patient, in days from the first fraction.
struct ObservedCourse {
  double last_negative_day = 0.0;        // of the last scan without recurrence, >= 0
  std::optional<double> recurrence_day;  // of the first evidence, > last_negative_day
  double last_day = 0.0;                 // of death or of the last contact, >= recurrence_day
  bool died = false;
};

// The same in steps from the landmark. Events are rounded up and what was survived is rounded down to whole steps.
struct CoursePlace {
  enum class First { kNone, kRecurrence, kDeath, kBeforeLandmark };
  First first = First::kNone;
  // Steps survived in state 0: all of kNone; of kRecurrence those until the last scan without it, of kDeath those
  // before its step. The transition lies in steps survived + 1 .. at.
  std::size_t survived = 0;
  std::size_t at = 0;  // of kRecurrence: the step of the scan that shows it; of kDeath: survived + 1

  // After a recurrence: steps `from` + 1 .. `after` of its clock were survived; then, if died_after, a death. A death
  // in the step of the recurrence counts in the next.
  std::size_t recurred = 0;  // step from the first fraction
  std::size_t from = 0;      // steps of the clock before the landmark
  std::size_t after = 0;
  bool died_after = false;
  bool operator==(const CoursePlace&) const = default;
};

// Nothing if the patient isn't at risk at the landmark: dead or lost by then. Events after the horizon count as
// survival of it. kInvalidInput on a course that contradicts itself or isn't finite.
Result<std::optional<CoursePlace>> PlaceCourse(const StepGrid& grid, const ObservedCourse& course,
                                               std::size_t landmark_step);

// Negative log-likelihood of the first transition and of what follows a recurrence; 0 where there is none.
struct CourseLoss {
  double first = 0.0;
  double after = 0.0;
};
CourseLoss LossOf(const StepGrid& grid, const TransitionLogits& logits, const CoursePlace& place);

}  // namespace fedtrial
