#include "model/survival/illness_death.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fedtrial {
namespace {

constexpr double kLongestDays = 1e5;

// log(1 + e^z), exact for large and small z.
double Softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

// Logarithms of (h01, h02, stay) = softmax(recurrence, death, 0).
struct FirstTransition {
  double recurrence = 0.0, death = 0.0, stay = 0.0;
};

FirstTransition FirstAt(const TransitionLogits& logits, std::size_t bin) {
  const double a = logits.recurrence[bin], b = logits.death[bin];
  const double largest = std::max({a, b, 0.0});
  const double normaliser = largest + std::log(std::exp(a - largest) + std::exp(b - largest) + std::exp(-largest));
  return {a - normaliser, b - normaliser, -normaliser};
}

double AfterLogit(const StepGrid& grid, const TransitionLogits& logits, std::size_t step, std::size_t recurred) {
  return logits.after[grid.bin_of_step()[step - 1]] + logits.clock * std::log1p(static_cast<double>(recurred));
}

std::size_t StepsCompleted(double day) { return static_cast<std::size_t>(std::floor(day / kStepDays)); }
std::size_t StepOfEvent(double day) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(day / kStepDays)));
}
std::size_t Since(std::size_t step, std::size_t landmark) { return step > landmark ? step - landmark : 0; }

Status CheckCourse(const ObservedCourse& course) {
  const auto wrong = [](std::string what) { return Error{ErrorCode::kInvalidInput, "course: " + std::move(what)}; };
  const double recurrence = course.recurrence_day.value_or(0.0);
  if (!std::isfinite(course.last_negative_day) || !std::isfinite(course.last_day) || !std::isfinite(recurrence))
    return wrong("a day isn't finite");
  if (course.last_negative_day < 0.0 || course.last_day < 0.0) return wrong("a day is negative, wanted >= 0");
  if (std::max({course.last_negative_day, course.last_day, recurrence}) > kLongestDays)
    return wrong(fmt::format("a day is above {}", kLongestDays));
  if (!course.recurrence_day) return {};
  if (recurrence <= course.last_negative_day) return wrong("the recurrence isn't after the last scan without it");
  if (recurrence > course.last_day) return wrong("the recurrence is after the last contact");
  return {};
}

// The part after a recurrence that was found by the horizon or before the landmark.
void PlaceAfter(const StepGrid& grid, const ObservedCourse& course, std::size_t landmark, CoursePlace& place) {
  place.recurred = StepOfEvent(*course.recurrence_day);
  place.from = std::min(Since(landmark, place.recurred), grid.steps());
  if (course.died) {
    const std::size_t death = std::max(Since(StepOfEvent(course.last_day), place.recurred), place.from + 1);
    place.died_after = death <= grid.steps();
    place.after = std::min(death - 1, grid.steps());
  } else {
    place.after = std::clamp(Since(StepsCompleted(course.last_day), place.recurred), place.from, grid.steps());
  }
}

}  // namespace

Result<StepGrid> StepGrid::FromCuts(std::span<const double> cuts_days) {
  if (cuts_days.empty()) return Error{ErrorCode::kInvalidInput, "steps: there is no cut, at least one is needed"};
  StepGrid grid;
  grid.bins_ = cuts_days.size();
  for (std::size_t k = 0; k < cuts_days.size(); ++k) {
    const double before = kStepDays * static_cast<double>(grid.bin_of_step_.size());
    const double steps = (cuts_days[k] - before) / kStepDays;
    if (!(steps >= 1.0) || !(cuts_days[k] <= kLongestDays) || steps != std::floor(steps))
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("steps: cut {} is {} days, wanted a multiple of {} above {}, at most {}", k,
                               cuts_days[k], kStepDays, before, kLongestDays)};
    grid.bin_of_step_.insert(grid.bin_of_step_.end(), static_cast<std::size_t>(steps), k);
  }
  return grid;
}

std::vector<double> SurvivalAfterRecurrence(const StepGrid& grid, const TransitionLogits& logits,
                                            std::size_t recurred) {
  std::vector<double> survival{1.0};
  double log_survival = 0.0;
  for (std::size_t u = 1; u <= grid.steps(); ++u) {
    log_survival -= Softplus(AfterLogit(grid, logits, u, recurred));
    survival.push_back(std::exp(log_survival));
  }
  return survival;
}

IllnessDeathCurves CurvesOf(const StepGrid& grid, const TransitionLogits& logits, std::size_t landmark_step) {
  IllnessDeathCurves curves;
  std::vector<double> alive_recurred(grid.steps(), 0.0);
  double log_free = 0.0, recurred = 0.0;
  for (std::size_t k = 1; k <= grid.steps(); ++k) {
    const FirstTransition first = FirstAt(logits, grid.bin_of_step()[k - 1]);
    const double now = std::exp(log_free + first.recurrence);
    const std::vector<double> after = SurvivalAfterRecurrence(grid, logits, landmark_step + k);
    for (std::size_t later = k; later <= grid.steps(); ++later) alive_recurred[later - 1] += now * after[later - k];
    log_free += first.stay;
    recurred += now;
    curves.progression_free.push_back(std::exp(log_free));
    curves.recurrence.push_back(recurred);
  }
  for (std::size_t k = 0; k < grid.steps(); ++k)
    curves.overall.push_back(curves.progression_free[k] + alive_recurred[k]);
  return curves;
}

Result<std::optional<CoursePlace>> PlaceCourse(const StepGrid& grid, const ObservedCourse& course,
                                               std::size_t landmark_step) {
  RETURN_IF_ERROR(CheckCourse(course));
  const double landmark_day = kStepDays * static_cast<double>(landmark_step);
  if (course.last_day <= landmark_day) return std::optional<CoursePlace>{};
  CoursePlace place;
  if (course.recurrence_day && *course.recurrence_day <= landmark_day) {
    place.first = CoursePlace::First::kBeforeLandmark;
    PlaceAfter(grid, course, landmark_step, place);
    return std::optional(place);
  }
  const double survived_until = course.recurrence_day ? course.last_negative_day : course.last_day;
  place.survived = std::min(Since(StepsCompleted(survived_until), landmark_step), grid.steps());
  if (course.recurrence_day) {
    const std::size_t at = Since(StepOfEvent(*course.recurrence_day), landmark_step);
    if (at > grid.steps()) return std::optional(place);
    place.first = CoursePlace::First::kRecurrence;
    place.at = at;
    PlaceAfter(grid, course, landmark_step, place);
  } else if (course.died) {
    const std::size_t at = Since(StepOfEvent(course.last_day), landmark_step);
    if (at > grid.steps()) return std::optional(place);
    place.first = CoursePlace::First::kDeath;
    place.at = at;
    place.survived = at - 1;
  }
  return std::optional(place);
}

CourseLoss LossOf(const StepGrid& grid, const TransitionLogits& logits, const CoursePlace& place) {
  CourseLoss loss;
  double log_free = 0.0;
  const auto first = [&](std::size_t step) { return FirstAt(logits, grid.bin_of_step()[step - 1]); };
  if (place.first != CoursePlace::First::kBeforeLandmark) {
    for (std::size_t k = 1; k <= place.survived; ++k) log_free += first(k).stay;
    loss.first = -log_free;
  }
  if (place.first == CoursePlace::First::kDeath) loss.first -= first(place.at).death;
  if (place.first == CoursePlace::First::kRecurrence) {
    double probability = 0.0, free = 1.0;  // given free of it at the last scan without it
    for (std::size_t k = place.survived + 1; k <= place.at; ++k) {
      probability += free * std::exp(first(k).recurrence);
      free *= std::exp(first(k).stay);
    }
    loss.first -= std::log(probability);
  }
  for (std::size_t u = place.from + 1; u <= place.after; ++u)
    loss.after += Softplus(AfterLogit(grid, logits, u, place.recurred));
  if (place.died_after) loss.after += Softplus(-AfterLogit(grid, logits, place.after + 1, place.recurred));
  return loss;
}

}  // namespace fedtrial
