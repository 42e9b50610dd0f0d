#pragma once

#include <filesystem>
#include <vector>

#include "common/base/result.h"
#include "tests/simulation/cohort/patient.h"
#include "tests/simulation/cohort/settings.h"
#include "tests/simulation/cohort/site.h"
#include "tests/simulation/cohort/therapy.h"

namespace fedtrial::sim {

// Of one site, all it has. `therapies` are those of the patients, in their order.
struct SiteContents {
  const CohortParameters* parameters = nullptr;
  const CohortSettings* settings = nullptr;
  const Site* site = nullptr;
  const std::vector<Patient>* patients = nullptr;
  const std::vector<Therapy>* therapies = nullptr;
};

inline constexpr std::size_t kScannedVisits = 8;  // of a patient: later scans are in response.tsv alone

// dataset_description.json, participants.tsv, sub-*/sub-*_sessions.tsv where the patient has images, and phenotype/
// with every table of design/MODEL.md, section 6, each with its dictionary. A modality that the site or the patient
// lacks has no rows, and no column is left out for it.
Status WriteSiteTables(const SiteContents& contents, const std::filesystem::path& folder);

// The parts, each a file of its name: one row a patient; a row a visit; a row a course of treatment or an event.
Status WritePatientTables(const SiteContents& contents, const std::filesystem::path& folder);
Status WriteVisitTables(const SiteContents& contents, const std::filesystem::path& folder);
Status WriteTreatmentTables(const SiteContents& contents, const std::filesystem::path& folder);

}  // namespace fedtrial::sim
