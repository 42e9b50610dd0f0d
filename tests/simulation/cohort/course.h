#pragma once

#include "tests/simulation/cohort/draws.h"
#include "tests/simulation/cohort/patient.h"

namespace fedtrial::sim {

inline constexpr int kStepDays = 28;
inline constexpr int kVisitDays = 56;

struct Hazards {
  double h01 = 0.0, h02 = 0.0, h12 = 0.0;
};
// Of a patient of this risk in a step (from 1) after the first fraction: (h01, h02, stay) = softmax(a01 + risk,
// a02 + risk, 0), h12 = sigmoid(a12 + risk), where the a are those of the parameters (design/MODEL.md, 3.2). After the
// last piece its hazards go on.
Hazards HazardsAt(const CourseParameters& parameters, unsigned step, double risk);

// The illness-death process in steps of 4 weeks until `data_cut`, each event on a day of its step; a death after a
// recurrence is never in the step of the recurrence. Withdrawal and the data cut are independent of it.
TrueCourse DrawTrueCourse(const CourseParameters& parameters, double risk, Draws& draws);

// What the visits every 8 weeks show of it, some of them missed: a recurrence is known from the first scan on or after
// it, or, if the patient died before one, from its own day. One visit confirms a recurrence, then there are no more.
KnownCourse Observe(const ResponseParameters& parameters, const TrueCourse& truth, Draws& draws);

// The lesion at each of the course's visits. Before a recurrence its sum of products stays below 1.25 times its
// smallest; at the scan that shows it, it is above. Pseudo-progression is at most once, in the first 16 weeks, and only
// where the next scan shows that it was none.
std::vector<LesionState> DrawLesions(const ResponseParameters& parameters, const KnownCourse& course,
                                     const TrueCourse& truth, Draws& draws);

}  // namespace fedtrial::sim
