#pragma once

#include <vector>

#include "tests/simulation/cohort/draws.h"
#include "tests/simulation/cohort/patient.h"

namespace fedtrial::sim {

struct Medication {
  std::string drug;
  double dose_mg = 0.0;  // of an infusion, or a day
  int start_day = 0, end_day = 0;
};

struct AdverseEvent {
  const ToxicityEvent* kind = nullptr;
  int grade = 1;
  int start_day = 0, end_day = 0;
  bool serious = false, by_radiotherapy = false, by_durvalumab = false, immune = false, dose_limiting = false;
  std::string action;  // "none", "interrupted", "withdrawn"
};

// What was given and what went wrong with it, nothing after the course's last day.
struct Therapy {
  unsigned fractions = 3;  // of 8 Gy, on days 0, 2 and 4
  double ptv_ml = 0.0;
  double prior_rt_gy = 0.0;
  double months_since_prior_rt = 0.0;
  std::vector<Medication> infusions;  // durvalumab 1500 mg every 4 weeks until recurrence or a year, arm B alone
  std::vector<Medication> others;     // dexamethasone and antiseizure drugs
  std::vector<AdverseEvent> events;   // grade 5 ends on the day of death
  bool DiedOfIt() const;
};
Therapy DrawTherapy(const CohortParameters& parameters, const Patient& patient, Draws& draws);

}  // namespace fedtrial::sim
