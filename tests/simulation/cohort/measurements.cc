#include "tests/simulation/cohort/measurements.h"

#include <algorithm>
#include <cmath>

namespace fedtrial::sim {
namespace {

constexpr double kSlopeWeeks = 24.0, kAfterRtWeeks = 16.0;

double TrueLog(const Analyte& analyte, double score, const Patient& patient, int day) {
  const double weeks = day / 7.0;
  double log = analyte.spread * score;
  if (day > 0) log += analyte.after_rt * (weeks <= kAfterRtWeeks ? 1.0 : 0.5);
  if (patient.truth.recurrence_day && day >= *patient.truth.recurrence_day) log += analyte.progression;
  return log + analyte.slope * patient.baseline.slope * std::clamp(weeks, 0.0, kSlopeWeeks) / 8.0;
}

}  // namespace

std::vector<Measurement> Measure(const CohortParameters& parameters, PanelKind kind, const Site& site,
                                 const Patient& patient, Draws& draws) {
  const auto panel = static_cast<std::size_t>(kind);
  const std::vector<Analyte>& analytes = parameters.panels[panel];
  std::vector<Measurement> measurements;
  for (std::size_t visit = 0; visit < patient.course.visits.size(); ++visit)
    for (std::size_t i = 0; i < analytes.size(); ++i) {
      const Analyte& analyte = analytes[i];
      const double log =
          TrueLog(analyte, patient.baseline.analytes[panel][i], patient, patient.course.visits[visit].day) +
          analyte.noise * draws.Normal();
      const double value = analyte.median * std::exp(site.kit.shifts[panel][i] + site.kit.scale * log);
      const char qualifier = value < analyte.lod_low ? '<' : value > analyte.lod_high ? '>' : ' ';
      measurements.push_back({visit, i, std::clamp(value, analyte.lod_low, analyte.lod_high), qualifier});
    }
  return measurements;
}

}  // namespace fedtrial::sim
