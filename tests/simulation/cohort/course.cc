#include "tests/simulation/cohort/course.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace fedtrial::sim {
namespace {

constexpr int kVisitJitterDays = 5;
constexpr double kHistologyShare = 0.15;
constexpr double kRecurrenceTypeShares[] = {0.80, 0.12, 0.08};
constexpr const char* kRecurrenceTypes[] = {"local", "distant", "both"};

int DayInStep(unsigned step, Draws& draws) {
  return static_cast<int>(step - 1) * kStepDays + draws.Whole(1, kStepDays);
}

// Days of the visits that the patient comes to while he is followed, dead or recurred or not.
std::vector<Visit> Attended(const ResponseParameters& parameters, int last_day, bool died, Draws& draws) {
  std::vector<Visit> visits{{0, -draws.Whole(1, 10)}};
  for (int number = 1; number * kVisitDays - kVisitJitterDays <= last_day; ++number) {
    const int day = number * kVisitDays + draws.Whole(-kVisitJitterDays, kVisitJitterDays);
    const bool missed = draws.Happens(parameters.missed_visit);
    if (!missed && day < (died ? last_day : last_day + 1)) visits.push_back({number, day});
  }
  return visits;
}

}  // namespace

Hazards HazardsAt(const CourseParameters& parameters, unsigned step, double risk) {
  std::size_t piece = 0;
  while (piece + 1 < parameters.ends_weeks.size() && 4.0 * step > parameters.ends_weeks[piece]) ++piece;
  const double stay = 1.0 - parameters.h01[piece] - parameters.h02[piece];
  const double e01 = parameters.h01[piece] / stay * std::exp(risk);
  const double e02 = parameters.h02[piece] / stay * std::exp(risk);
  const double e12 = parameters.h12 / (1.0 - parameters.h12) * std::exp(risk);
  return {e01 / (1.0 + e01 + e02), e02 / (1.0 + e01 + e02), e12 / (1.0 + e12)};
}

TrueCourse DrawTrueCourse(const CourseParameters& parameters, double risk, Draws& draws) {
  TrueCourse course;
  course.data_cut =
      static_cast<int>(std::lround(7.0 * draws.Uniform(parameters.follow_up_weeks[0], parameters.follow_up_weeks[1])));
  const auto steps = static_cast<unsigned>((course.data_cut + kStepDays - 1) / kStepDays);
  course.withdrawal_day = course.data_cut;
  for (unsigned step = 1; step <= steps; ++step)
    if (draws.Happens(parameters.withdrawal)) {
      course.withdrawal_day = std::min(course.data_cut, DayInStep(step, draws));
      break;
    }
  for (unsigned step = 1; step <= steps && !course.death_day; ++step) {
    const Hazards hazards = HazardsAt(parameters, step, risk);
    const double drawn = draws.Uniform();
    if (course.recurrence_day) {
      if (drawn < hazards.h12) course.death_day = DayInStep(step, draws);
    } else if (drawn < hazards.h01) {
      course.recurrence_day = DayInStep(step, draws);
    } else if (drawn < hazards.h01 + hazards.h02) {
      course.death_day = DayInStep(step, draws);
    }
  }
  return course;
}

KnownCourse Observe(const ResponseParameters& parameters, const TrueCourse& truth, Draws& draws) {
  KnownCourse known;
  const int followed = std::min(truth.withdrawal_day, truth.data_cut);
  known.died = truth.death_day && *truth.death_day <= followed;
  known.last_day = known.died ? *truth.death_day : followed;
  int after_recurrence = 0;
  for (const Visit& visit : Attended(parameters, known.last_day, known.died, draws)) {
    const bool shows = truth.recurrence_day && visit.day >= *truth.recurrence_day;
    if (!shows) known.last_negative_day = std::max(0, visit.day);
    if (shows && !known.recurrence_day) known.recurrence_day = visit.day;
    if (shows && ++after_recurrence > 2) break;
    known.visits.push_back(visit);
  }
  const bool histology = draws.Happens(kHistologyShare);
  known.recurrence_type = kRecurrenceTypes[draws.Choice(kRecurrenceTypeShares)];
  if (known.recurrence_day) {
    known.recurrence_basis = histology ? "histology" : "RANO";
  } else if (known.died && truth.recurrence_day) {
    known.recurrence_day = truth.recurrence_day;
    known.recurrence_basis = "clinical";
  }
  return known;
}

}  // namespace fedtrial::sim
