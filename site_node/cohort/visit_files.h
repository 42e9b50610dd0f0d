#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "model/samples/volume.h"
#include "site_node/cohort/cohort.h"

namespace fedtrial::site {

// The scans of one visit as they lie in the data folder.
struct VisitFiles {
  std::map<MriSequence, std::filesystem::path> raw;       // sub-X/ses-Y/anat, the first of each sequence by name
  std::map<MriSequence, std::filesystem::path> prepared;  // derivatives/preproc/sub-X/ses-Y/anat
  std::optional<std::filesystem::path> raw_lesion;        // on the contrast T1: derivatives/seg, or beside it
  std::optional<std::filesystem::path> prepared_lesion;   // beside the prepared volumes
  std::optional<std::filesystem::path> dicom;             // sourcedata/sub-X/ses-Y with anything in it
  std::string stamp;  // digest over names, sizes and times of all of them: other files, another stamp
};
VisitFiles FindVisitFiles(const std::filesystem::path& folder, const std::string& subject, const std::string& session);

// A visit with scans of any kind.
struct VisitDay {
  std::string subject;        // "sub-p001"
  std::string session;        // "ses-BL"
  std::optional<double> day;  // none: no table says it
};
// Every visit of the folder, or of these patients: by subject, then by day, those without one last. kInvalidInput if
// the folder's tables can't be read as the plan wants, or one of `patients` has no scans.
Result<std::vector<VisitDay>> ListVisits(const Plan& plan, const std::filesystem::path& folder,
                                         const CohortOptions& options, const std::vector<std::string>& patients);

}  // namespace fedtrial::site
