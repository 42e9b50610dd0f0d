#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fedtrial::site {

// One line of the hospital's own key: which patient of the archive is which patient of the trial. Only ever sent to the
// archive; no message, log or page has a patient_id or a date of it.
struct KeyRow {
  std::size_t line = 0;            // in the file, from 1
  std::string subject;             // "sub-p001"
  std::string patient_id;          // DICOM (0010,0020): up to 64 printable ASCII characters, no wildcard
  double day_zero = 0;             // all dates in days since 1970-01-01
  std::optional<double> from, to;  // studies of these days and between alone; none: no bound
};

// Columns participant_id, patient_id, day_zero (a date), and optional from and to (dates, or n/a: no bound). Every
// problem at once, by line and column, never with a value. The file is a secret: its mode must be 0600 or tighter.
Result<std::vector<KeyRow>> ReadPatientKey(const std::filesystem::path& file);
Result<std::vector<KeyRow>> ParsePatientKey(std::string_view text, const std::string& file);

// The rows of these patients by their participant_id; all where none is named. kInvalidInput for one without a row.
Result<std::vector<KeyRow>> RowsOf(std::vector<KeyRow> rows, const std::vector<std::string>& patients);

}  // namespace fedtrial::site
