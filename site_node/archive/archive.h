#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "site_node/shell/config.h"

namespace fedtrial::site {

// What the archive says; checked by nobody yet.
struct ArchivedStudy {
  std::string uid, patient_id, date;  // "20240317"
};
struct ArchivedSeries {
  std::string uid, modality;
  std::size_t images = 0;  // 0: it doesn't say
};
struct ArchivedImage {
  std::string instance_uid, series_uid, study_uid, patient_id, modality;
  Bytes file;  // whole, as PS3.10 has it
};

// More than this is refused, and what asked for it fails.
struct FetchBounds {
  std::size_t answers = 10'000;                         // of a query
  std::size_t image_bytes = std::size_t{512} << 20;     // one image
  std::size_t series_images = 20'000;                   // images of a series
  std::uint64_t series_bytes = std::uint64_t{8} << 30;  // all of them
};

// The hospital's archive. kUnavailable: nothing more can be asked now; any other error is of this request alone.
class Archive {
 public:
  virtual ~Archive() = default;
  virtual Status Echo() = 0;  // kInvalidInput where the archive doesn't let us in
  // With MR, of days since 1970-01-01 in [from, to]; none: no bound.
  virtual Result<std::vector<ArchivedStudy>> FindStudies(const std::string& patient_id, std::optional<double> from,
                                                         std::optional<double> to) = 0;
  virtual Result<std::vector<ArchivedSeries>> FindSeries(const ArchivedStudy& study) = 0;
  // Gives every image to `keep`, whose error ends the retrieval.
  using Keep = std::function<Status(const ArchivedImage&)>;
  virtual Status Retrieve(const ArchivedStudy& study, const ArchivedSeries& series, const Keep& keep) = 0;
};

// By DICOM query and retrieve: C-FIND and C-GET of the study root. Connects at the first request and again after one
// that was cut short.
std::unique_ptr<Archive> MakeDicomArchive(const ArchiveConfig& config, std::function<bool()> stopped,
                                          const FetchBounds& bounds = {});

}  // namespace fedtrial::site
