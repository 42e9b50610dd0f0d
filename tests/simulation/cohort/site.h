#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/simulation/cohort/patient.h"
#include "tests/simulation/cohort/settings.h"

namespace fedtrial::sim {

// What a site's kit makes of a value: log(measured / median) = shift + scale * log(true / median).
struct Kit {
  std::string name;
  std::array<std::vector<double>, kPanelKinds> shifts;  // of each analyte
  double scale = 1.0;
};

struct Scanner {
  std::string name;
  double tesla = 1.5;
  double gamma = 1.0;                               // intensity = 255 * (true / 255)^gamma
  double gain = 1.0;                                // of raw scans
  double noise = 0.1;                               // standard deviation of a voxel of 3 mm, in those of the brain
  std::array<double, 3> spacing_mm{1.0, 1.0, 1.0};  // of raw scans: right-left, front-back, up-down
};

struct Site {
  unsigned number = 1;
  std::string name;
  unsigned patients = 0;
  Modalities has{};
  Kit kit;
  Scanner scanner;
  unsigned raw_visits = 0;
  bool dicom = false;
};

// The sites of a cohort: sizes by shares drawn log-normal, at least the smallest where there are patients enough; each
// modality is lacked by the nearest whole number of sites to `missing`, drawn anew for each. Sites of which raw scans
// are wanted have MRI.
std::vector<Site> DrawSites(const CohortParameters& parameters, const CohortSettings& settings);

}  // namespace fedtrial::sim
