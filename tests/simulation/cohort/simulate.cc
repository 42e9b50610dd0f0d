#include <fmt/format.h>

#include "tests/simulation/cohort/baseline.h"
#include "tests/simulation/cohort/course.h"
#include "tests/simulation/cohort/generate.h"
#include "tests/simulation/cohort/signal.h"
#include "tests/simulation/cohort/site_tables.h"

namespace fedtrial::sim {
namespace {

Modalities DrawModalities(const SiteParameters& parameters, const Site& site, Draws& draws) {
  Modalities has{};
  for (std::size_t i = 0; i < kModalities; ++i) {
    const bool lost = draws.Happens(parameters.patient_missing);
    has[i] = site.has[i] && !lost;
  }
  return has;
}

// Pairs of patients, one in each arm, in a drawn order.
bool DrawArm(const CohortSettings& settings, unsigned site, unsigned number) {
  const bool first = Draws(settings.seed, fmt::format("arm {}", site), number / 2).Happens(0.5);
  return number % 2 == 0 ? first : !first;
}

Patient SimulatePatient(const CohortParameters& parameters, const CohortSettings& settings, const Site& site,
                        unsigned number, std::uint64_t index) {
  const auto draws = [&](std::string_view purpose) { return Draws(settings.seed, purpose, index); };
  Patient patient;
  patient.id = fmt::format("sub-SIM{:02}{:03}", site.number, number + 1);
  Draws modalities = draws("modalities"), baseline = draws("baseline"), truth = draws("course"),
        observed = draws("observed"), lesions = draws("lesions");
  patient.has = DrawModalities(parameters.sites, site, modalities);
  patient.baseline = DrawBaseline(parameters, DrawArm(settings, site.number, number), baseline);
  patient.risk = TrueRisk(parameters, settings.signal, patient.baseline);
  patient.truth = DrawTrueCourse(parameters.course, patient.risk, truth);
  patient.course = Observe(parameters.response, patient.truth, observed);
  patient.lesions = DrawLesions(parameters.response, patient.course, patient.truth, lesions);
  return patient;
}

}  // namespace

std::vector<SimulatedSite> SimulateCohort(const CohortParameters& parameters, const CohortSettings& settings) {
  std::vector<SimulatedSite> sites;
  std::uint64_t index = 0;
  for (Site& site : DrawSites(parameters, settings)) {
    SimulatedSite simulated{std::move(site), {}, {}};
    for (unsigned number = 0; number < simulated.site.patients; ++number, ++index) {
      simulated.patients.push_back(SimulatePatient(parameters, settings, simulated.site, number, index));
      Draws therapy(settings.seed, "therapy", index);
      simulated.therapies.push_back(DrawTherapy(parameters, simulated.patients.back(), therapy));
    }
    sites.push_back(std::move(simulated));
  }
  return sites;
}

CohortCounts CountsOf(const std::vector<SimulatedSite>& sites) {
  CohortCounts counts;
  for (const SimulatedSite& site : sites) {
    std::size_t scanned = 0;
    for (const Patient& patient : site.patients) {
      ++counts.patients;
      counts.deaths += patient.course.died;
      counts.recurrences += patient.course.recurrence_day.has_value();
      counts.visits += patient.course.visits.size();
      for (const LesionState& lesion : patient.lesions) counts.pseudo_progressions += lesion.pseudo;
      if (patient.has[static_cast<std::size_t>(Modality::kMri)])
        scanned += std::min(kScannedVisits, patient.course.visits.size());
    }
    const std::size_t raw = std::min<std::size_t>(scanned, site.site.raw_visits);
    counts.raw_visits += raw;
    counts.prepared_visits += scanned - raw;
  }
  return counts;
}

}  // namespace fedtrial::sim
