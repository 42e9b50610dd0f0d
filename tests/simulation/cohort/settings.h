#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fedtrial::sim {

// What the risk of a simulated patient comes from. Each but kNone has the same strength (see signal.h).
//   kLinear       clinical, genetic, PD-L1, MGMT and blood values at baseline, each on its own
//   kInteraction  two thirds of the variance: arm B helps the young with many CD8 cells and PD-L1, and harms the others
//   kMri          two thirds: how bright and mottled the lesion's rim is in the contrast T1
//   kSlope        two thirds: how fast IL-6 rises over the first 24 weeks
//   kNone         nothing
enum class Signal { kLinear, kInteraction, kMri, kSlope, kNone };
inline constexpr std::string_view kSignalNames[] = {"linear", "interaction", "mri", "slope", "none"};
std::string_view ToString(Signal signal);

struct CohortSettings {
  unsigned patients = 100;
  unsigned sites = 10;
  std::uint64_t seed = 1;
  Signal signal = Signal::kLinear;
  double missing = 0.0;                // share of the sites that lack a modality, of each modality
  unsigned volume = 32;                // edge of prepared volumes in voxels: 32, 64; 0: no images at all
  unsigned raw_visits = 0;             // of each raw site: its first visits as raw scans, the others prepared
  std::vector<std::string> raw_sites;  // empty: every site that has MRI
  std::string dicom_site;              // its raw visits are DICOM series; "": none
};

// "site_01".
std::string SiteName(unsigned number);
// kInvalidInput with what doesn't fit together.
Status CheckCohortSettings(const CohortSettings& settings);

}  // namespace fedtrial::sim
