#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "tests/simulation/cohort/image_writer.h"
#include "tests/simulation/cohort/patient.h"
#include "tests/simulation/cohort/settings.h"
#include "tests/simulation/cohort/site.h"
#include "tests/simulation/cohort/therapy.h"

namespace fedtrial::sim {

// A site with its patients, nothing written yet.
struct SimulatedSite {
  Site site;
  std::vector<Patient> patients;
  std::vector<Therapy> therapies;  // point into the parameters
};
// All patients of a cohort: the same for the same parameters and settings; another signal changes risks and courses,
// but no patient's baseline. The parameters must outlive it.
std::vector<SimulatedSite> SimulateCohort(const CohortParameters& parameters, const CohortSettings& settings);

struct CohortCounts {
  std::size_t patients = 0, deaths = 0, recurrences = 0, pseudo_progressions = 0, visits = 0;
  std::size_t prepared_visits = 0, raw_visits = 0;  // with images, four sequences each
};
CohortCounts CountsOf(const std::vector<SimulatedSite>& sites);

struct GenerateOptions {
  std::function<void(std::size_t done, std::size_t of)> progress = {};  // after each visit's images
  std::function<bool()> stopped = {};                                   // true: end now, nothing is left
};

// Writes <out>/<site>/ for every site, <out>/README.md and, for nobody at a site, <out>/sealed_truth.json with each
// patient's risk and true course. `out` must not be there, or be empty: all is written beside it under a temporary name
// and renamed at the end. `images` may be null where no site has MRI. kInvalidInput: settings that don't fit, or `out`
// isn't empty; kUnavailable: the disk, or stopped.
Status GenerateCohort(const CohortParameters& parameters, const CohortSettings& settings,
                      const std::vector<SimulatedSite>& sites, const std::filesystem::path& out, ImageWriter* images,
                      const GenerateOptions& options = {});

}  // namespace fedtrial::sim
