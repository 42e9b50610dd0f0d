#include "tests/simulation/cohort/therapy.h"

#include <algorithm>

namespace fedtrial::sim {
namespace {

constexpr int kInfusionDays = 28, kLastInfusionDay = 364;
constexpr double kDurvalumabMg = 1500.0, kLevetiracetamMg = 1000.0;

void DrawMedication(const ClinicalParameters& parameters, const Patient& patient, Therapy& therapy, Draws& draws) {
  const KnownCourse& course = patient.course;
  const int treated_to = std::min({course.recurrence_day.value_or(course.last_day), course.last_day, kLastInfusionDay});
  if (patient.baseline.arm_b)
    for (int day = 0; day == 0 || day < treated_to; day += kInfusionDays)
      therapy.infusions.push_back({"durvalumab", kDurvalumabMg, day, day});
  if (const double dose = patient.baseline.dexamethasone_mg_d; dose > 0.0)
    therapy.others.push_back({"dexamethasone", dose, -14, std::min(course.last_day, draws.Whole(14, 60))});
  const double later = draws.LogNormal(1.5 * parameters.dexamethasone.median, parameters.dexamethasone.log_deviation);
  const bool for_swelling = draws.Happens(0.4);
  for (std::size_t i = 0; i < patient.lesions.size(); ++i)
    if (patient.lesions[i].pseudo && for_swelling)
      therapy.others.push_back(
          {"dexamethasone", later, course.visits[i].day, std::min(course.last_day, course.visits[i].day + 42)});
  if (course.recurrence_day && draws.Happens(0.7))
    therapy.others.push_back({"dexamethasone", later, *course.recurrence_day, course.last_day});
  if (draws.Happens(0.45)) therapy.others.push_back({"levetiracetam", kLevetiracetamMg, -60, course.last_day});
}

AdverseEvent DrawEvent(const ToxicityEvent& kind, const Patient& patient, Draws& draws) {
  const int last = patient.course.last_day;
  AdverseEvent event;
  event.kind = &kind;
  event.grade = static_cast<int>(1 + draws.Choice(kind.grades));
  event.start_day = draws.Whole(0, std::min(last, 180));
  event.end_day = std::min(last, event.start_day + draws.Whole(3, 60));
  event.serious = draws.Happens(event.grade >= 3 ? 0.6 : 0.02);
  event.immune = kind.immune && patient.baseline.arm_b;
  event.by_durvalumab = event.immune || (patient.baseline.arm_b && draws.Happens(0.2));
  event.by_radiotherapy = kind.soc == "Nervous system disorders" && draws.Happens(0.5);
  event.dose_limiting = event.grade >= 3 && event.start_day <= 28 && (event.by_durvalumab || event.by_radiotherapy);
  event.action = event.grade >= 4 ? "withdrawn" : event.grade == 3 ? "interrupted" : "none";
  return event;
}

void DrawToxicity(const ToxicityParameters& parameters, const Patient& patient, Therapy& therapy, Draws& draws) {
  for (const ToxicityEvent& kind : parameters.events)
    if (draws.Happens(patient.baseline.arm_b ? kind.arm_b : kind.arm_a))
      therapy.events.push_back(DrawEvent(kind, patient, draws));
  if (!patient.course.died || parameters.events.empty() || !draws.Happens(parameters.fatal)) return;
  const auto which = draws.Whole(0, static_cast<int>(parameters.events.size()) - 1);
  AdverseEvent event = DrawEvent(parameters.events[static_cast<std::size_t>(which)], patient, draws);
  event.grade = 5;
  event.serious = true;
  event.end_day = patient.course.last_day;
  event.action = "withdrawn";
  therapy.events.push_back(event);
}

}  // namespace

bool Therapy::DiedOfIt() const {
  return std::ranges::any_of(events, [](const AdverseEvent& event) { return event.grade == 5; });
}

Therapy DrawTherapy(const CohortParameters& parameters, const Patient& patient, Draws& draws) {
  Therapy therapy;
  const int last = patient.course.last_day;
  therapy.fractions = 1U + (last >= 2 ? 1U : 0U) + (last >= 4 ? 1U : 0U);
  therapy.ptv_ml = patient.lesions.front().enhancing_ml * draws.Uniform(1.6, 2.4);
  therapy.prior_rt_gy = draws.Happens(0.85) ? 60.0 : 54.0;
  therapy.months_since_prior_rt = std::max(6.0, draws.LogNormal(13.0, 0.5));
  DrawMedication(parameters.clinical, patient, therapy, draws);
  DrawToxicity(parameters.toxicity, patient, therapy, draws);
  return therapy;
}

}  // namespace fedtrial::sim
