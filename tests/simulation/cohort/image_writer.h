#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "common/base/result.h"
#include "tests/simulation/cohort/patient.h"
#include "tests/simulation/cohort/site.h"

namespace fedtrial::sim {

// One visit of one patient to be drawn.
struct ImageRequest {
  std::uint64_t seed = 0;           // of the cohort
  std::uint64_t patient_index = 0;  // over all sites
  const Site* site = nullptr;
  const Patient* patient = nullptr;
  std::size_t visit = 0;         // index into the course's visits
  unsigned volume = 32;          // edge of a prepared volume in voxels
  bool raw = false;              // a scan of the whole head; otherwise a volume already prepared
  std::filesystem::path folder;  // the site's
};

// Draws the four sequences of a visit into a site's folder. One thread at a time; the same request, the same bytes.
class ImageWriter {
 public:
  virtual ~ImageWriter() = default;
  virtual Status Write(const ImageRequest& request) = 0;
};

// Reads the head template. kInvalidInput where this program was built without ITK or the template isn't installed.
Result<std::unique_ptr<ImageWriter>> OpenImageWriter();

}  // namespace fedtrial::sim
