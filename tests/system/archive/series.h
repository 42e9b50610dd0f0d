#pragma once

#include <filesystem>
#include <string>

namespace fedtrial::system_test {

// An MR series as a scanner sends it to the archive.
struct ScannedSeries {
  std::string patient_id, study_uid, date;  // "20240302"
  std::string series_uid;
  std::string modality = "MR";
  std::string repetition_ms = "500", echo_ms = "10";  // T1; 4000 and 100: T2
  std::size_t first = 0, slices = 16;                 // of a head that has first + slices
};

// One file a slice, <folder>/IM0001 and on.
void WriteScanned(const std::filesystem::path& folder, const ScannedSeries& series);

}  // namespace fedtrial::system_test
