#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "site_node/archive/archive.h"
#include "site_node/archive/patient_key.h"

namespace fedtrial::site {

// What became of a series, or of a patient or a study where nothing of it could be tried. Names no date, no number of
// the archive's patient and no UID.
struct SeriesReport {
  enum class Kind { kFetched, kToFetch, kAlready, kFailed };
  std::string subject, session, series;  // as the folders under sourcedata are called; "" where it didn't come so far
  Kind kind = Kind::kFailed;
  std::size_t images = 0;
  std::string reason;  // why it failed, or was left alone
};
std::string_view ToString(SeriesReport::Kind kind);  // "fetched", "to fetch", "already", "failed"

struct FetchSettings {
  std::filesystem::path data_folder;
  bool dry_run = false;  // only asks: writes nothing, and says kToFetch
  FetchBounds bounds = {};
  std::function<bool()> stopped;
  std::function<void(const SeriesReport&)> tell;
  std::function<void(const std::string& subject, std::size_t images)> progress;  // while a series comes
};

// Where a series lies until it is whole. A run that was killed leaves it; the next one empties it, under its lock.
std::filesystem::path IncomingFolder(const std::filesystem::path& data_folder);

// Brings every MR series of the patients that the data folder lacks to sourcedata/sub-X/ses-Y/series-Z/0001.dcm, ...
// A series is checked image after image, and gets its name when it is whole; a session that the patient's table doesn't
// have gets a row with its day first. One series or patient that can't be used is told with its reason, and holds up no
// other. kUnavailable: it was stopped, the archive is gone, or the disk is full; another run goes on.
Status FetchPatients(const std::vector<KeyRow>& patients, Archive& archive, const FetchSettings& settings);

}  // namespace fedtrial::site
