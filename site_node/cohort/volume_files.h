#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "site_node/cohort/cohort.h"
#include "site_node/cohort/days.h"
#include "site_node/cohort/prepared_visits.h"

namespace fedtrial::site {

// A volume of a patient as its name tells it; what is in the file is site_node/imaging's.
struct VolumeFile {
  VolumeId id;          // its key is VolumeKey(path)
  std::string session;  // "W08" of ses-W08
  std::string path;     // from the data folder, with slashes
  std::uint64_t bytes = 0;
  bool prepared = true;  // false: `prepare` hasn't been run, or couldn't use it
};

// SHA-256("fl/volume/v1" || enc(path)) in hexadecimal digits.
std::string VolumeKey(std::string_view path);

// The volumes of one patient, by day, then by sequence: sub-<patient>/ses-<session>/anat/..._{T1w,ce-gd_T1w,T2w,FLAIR}
// .nii or .nii.gz, and what is prepared already under derivatives/preproc in the same layout, which goes first. The day
// of a session stands in sub-<patient>_sessions.tsv or sessions.tsv of the patient's folder (columns session_id, and
// day or acq_time). A session without a day and a name that isn't of its folder are found, and left out. With
// `prepared` its volumes stand in the place of these files and of DICOM series, under its keys.
std::vector<VolumeFile> ListVolumes(const std::filesystem::path& folder, std::string_view patient,
                                    const DayReader& days, FindingList& findings,
                                    const PreparedVisits* prepared = nullptr);
// The days of one patient's sessions ("ses-W08") that have scans of any kind.
std::map<std::string, std::optional<double>> ListSessions(const std::filesystem::path& folder, std::string_view patient,
                                                          const DayReader& days, FindingList& findings);

// Puts the volumes into samples, where the plan has a block of images.
class VolumeFiller {
 public:
  VolumeFiller(const Plan& plan, std::filesystem::path folder, const DayReader& days, FindingList& findings,
               const PreparedVisits* prepared);

  void Fill(Sample& sample, CohortReading& reading);
  // `tables` bound to the names, sizes and days of all volumes; `tables` itself where the plan has no images.
  Digest DigestWith(const Digest& tables) const;

 private:
  std::filesystem::path folder_;
  const DayReader& days_;
  FindingList& findings_;
  const PreparedVisits* prepared_;  // may be null
  std::string block_;               // the mri block; empty: the plan has none
  Bytes listed_;
};

}  // namespace fedtrial::site
