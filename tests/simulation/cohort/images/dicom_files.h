#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "model/samples/volume.h"
#include "tests/simulation/cohort/images/nifti_files.h"
#include "tests/simulation/cohort/site.h"

namespace fedtrial::sim {

// Whose and which series it is. Its identifiers are made of these alone: the same series, the same bytes.
struct SeriesName {
  std::uint64_t seed = 0;
  std::string patient;
  std::string visit;  // "sub-SIM01001_ses-W08": a study
  MriSequence sequence = MriSequence::kT1;
  const Scanner* scanner = nullptr;
};

// One MR image a file, axial, from the feet up: <folder>/<sequence>_<slice>.dcm. Patient's name and number are the
// pseudonym, every date is 1 January 2000. Through GDCM; no exception of it gets out.
Status WriteDicomSeries(const std::filesystem::path& folder, const SeriesName& name, const Grid& grid,
                        const std::vector<std::int16_t>& scan);

}  // namespace fedtrial::sim
