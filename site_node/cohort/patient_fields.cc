#include "site_node/cohort/patient_fields.h"

#include <fmt/format.h>

#include "site_node/cohort/numbers.h"

namespace fedtrial::site {

std::string_view PatientFields::Of(const ColumnPlace& place, std::string_view patient) {
  if (place.table == nullptr) return kMissing;
  const auto row = place.table->row_of.find(patient);
  if (row == place.table->row_of.end()) return kMissing;
  const std::string_view field = place.table->field(row->second, place.column);
  if (!field.empty()) return field;
  ++empty_[{place.table, place.column}];
  return kMissing;
}

void PatientFields::Blame(const ColumnPlace& place, std::string_view patient, std::string message, std::string wanted,
                          Severity severity) {
  const Table& table = *place.table;
  const auto row = table.row_of.find(patient);
  const bool there = row != table.row_of.end();
  findings_.Add({.severity = severity,
                 .file = table.file,
                 .line = there ? table.lines[row->second] : 0,
                 .column = there ? place.column + 1 : 0,
                 .name = std::string(table.header[place.column]),
                 .value = std::string(there ? table.field(row->second, place.column) : patient),
                 .message = std::move(message),
                 .wanted = std::move(wanted)});
}

void PatientFields::TellOfEmptyFields() {
  for (const auto& [place, fields] : empty_)
    findings_.Add({.severity = Severity::kWarning,
                   .file = place.first->file,
                   .line = 0,
                   .column = place.second + 1,
                   .name = std::string(place.first->header[place.second]),
                   .value = "",
                   .message = fmt::format("{} empty fields are read as missing", fields),
                   .wanted = "n/a"});
}

}  // namespace fedtrial::site
