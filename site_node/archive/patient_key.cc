#include "site_node/archive/patient_key.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "common/base/problems.h"
#include "common/runtime/files.h"
#include "site_node/cohort/numbers.h"
#include "site_node/cohort/scan_names.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxKeyBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxPatientId = 64;  // VR LO
constexpr std::size_t kDateLength = 10;
constexpr std::string_view kNotInAnId = "*?\\";  // wildcards, and what parts values

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

std::string SubjectOf(std::string_view patient) {
  return patient.starts_with("sub-") ? std::string(patient) : fmt::format("sub-{}", patient);
}

bool IsPatientId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPatientId && text.find_first_of(kNotInAnId) == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// Reads line after line; what is wrong with one is a problem and the line is left out.
class KeyReader {
 public:
  KeyReader(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  bool Header(std::string_view line) {
    for (const std::string_view name : Split(line, '\t')) {
      const std::size_t column = columns_.size() + skipped_;
      const bool known = std::ranges::find(kNames, Trimmed(name)) != std::end(kNames);
      if (!known) {
        Report(1, column + 1, std::string(Trimmed(name)), "not a column of this file");
        ++skipped_;
      } else if (!columns_.emplace(Trimmed(name), column).second) {
        Report(1, column + 1, std::string(Trimmed(name)), "this column is there twice");
        ++skipped_;
      }
    }
    for (const char* name : {"participant_id", "patient_id", "day_zero"})
      if (!columns_.contains(name)) Report(1, 0, name, "this column is wanted");
    return problems_.empty();
  }

  void Row(std::string_view text, std::size_t line) {
    const std::vector<std::string_view> fields = Split(text, '\t');
    if (fields.size() != columns_.size())
      return Report(line, 0, "", fmt::format("got {} fields, wanted {}", fields.size(), columns_.size()));
    KeyRow row;
    row.line = line;
    const std::string_view participant = Field(fields, "participant_id");
    if (!IsLabel(participant) || participant.find('_') != std::string_view::npos)
      return Report(line, "participant_id", "a pseudonym has letters, digits, '-' and '.'");
    row.subject = SubjectOf(participant);
    row.patient_id = Field(fields, "patient_id");
    if (!IsPatientId(row.patient_id))
      return Report(line, "patient_id", "wanted 1 to 64 characters of ASCII without *, ? and \\");
    std::optional<double> day_zero;
    const bool read = Date(fields, "day_zero", line, /*required=*/true, day_zero) &
                      Date(fields, "from", line, /*required=*/false, row.from) &
                      Date(fields, "to", line, /*required=*/false, row.to);
    if (!read) return;
    if (row.from && row.to && *row.from > *row.to)
      return Report(line, "from", "this date is after the one in the column to");
    row.day_zero = *day_zero;
    Add(std::move(row));
  }

  std::vector<KeyRow> Take() { return std::move(rows_); }

 private:
  static constexpr std::string_view kNames[] = {"participant_id", "patient_id", "day_zero", "from", "to"};

  void Report(std::size_t line, std::size_t column, const std::string& key, const std::string& message) {
    problems_.Add({.file = file_, .line = line, .column = column, .key = key, .message = message});
  }
  void Report(std::size_t line, const std::string& key, const std::string& message) {
    Report(line, columns_.at(key) + 1, key, message);
  }

  std::string_view Field(const std::vector<std::string_view>& fields, std::string_view name) const {
    const auto column = columns_.find(name);
    return column == columns_.end() ? kMissing : Trimmed(fields[column->second]);
  }

  // False, and a problem, for what is no date.
  bool Date(const std::vector<std::string_view>& fields, const std::string& name, std::size_t line, bool required,
            std::optional<double>& date) {
    const std::string_view text = Field(fields, name);
    if (!required && (text.empty() || text == kMissing)) return true;
    if (text.size() == kDateLength) date = ParseDate(text);
    if (!date) Report(line, name, fmt::format("wanted a date such as 2024-03-17{}", required ? "" : ", or n/a"));
    return date.has_value();
  }

  void Add(KeyRow row) {
    if (const auto [other, fresh] = line_of_.emplace(row.subject, row.line); !fresh)
      return Report(row.line, "participant_id", fmt::format("this patient stands in line {} too", other->second));
    if (const auto [other, fresh] = line_of_id_.emplace(row.patient_id, row.line); !fresh)
      return Report(row.line, "patient_id", fmt::format("this number stands in line {} too", other->second));
    rows_.push_back(std::move(row));
  }

  const std::string& file_;
  Problems& problems_;
  std::map<std::string, std::size_t, std::less<>> columns_;
  std::size_t skipped_ = 0;  // columns that are none of ours
  std::map<std::string, std::size_t> line_of_, line_of_id_;
  std::vector<KeyRow> rows_;
};

}  // namespace

Result<std::vector<KeyRow>> ParsePatientKey(std::string_view text, const std::string& file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Problems problems;
  KeyReader reader(file, problems);
  std::size_t number = 0;
  for (const std::string_view line : Split(text, '\n')) {
    if (++number == 1 && !reader.Header(line)) break;
    if (number > 1 && !Trimmed(line).empty()) reader.Row(line, number);
  }
  RETURN_IF_ERROR(problems.ToStatus());
  std::vector<KeyRow> rows = reader.Take();
  if (rows.empty()) return Error{ErrorCode::kInvalidInput, fmt::format("{}: names no patient", file)};
  return rows;
}

Result<std::vector<KeyRow>> ReadPatientKey(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const SecretBuffer bytes, ReadKeyFile(file, kMaxKeyBytes));
  return ParsePatientKey(AsText(bytes.view()), file.string());
}

Result<std::vector<KeyRow>> RowsOf(std::vector<KeyRow> rows, const std::vector<std::string>& patients) {
  if (patients.empty()) return rows;
  std::set<std::string> wanted;
  for (const std::string& patient : patients) wanted.insert(SubjectOf(patient));
  std::erase_if(rows, [&](const KeyRow& row) { return !wanted.contains(row.subject); });
  for (const KeyRow& row : rows) wanted.erase(row.subject);
  if (!wanted.empty())
    return Error{ErrorCode::kInvalidInput, fmt::format("no row of the patients' key is of {}", *wanted.begin())};
  return rows;
}

}  // namespace fedtrial::site
