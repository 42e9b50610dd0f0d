#include "site_node/cohort/check_rows.h"

#include "site_node/cohort/numbers.h"

namespace fedtrial::site {

CheckRows::CheckRows(const CheckInput& input, Source& source, std::string name, FindingList& findings)
    : input_(input), source_(source), name_(std::move(name)), findings_(findings) {
  table_ = Place("participant_id").table;
}

ColumnPlace CheckRows::Place(const std::string& column) {
  const auto [place, is_new] = places_.try_emplace(column);
  if (is_new) place->second = source_.FindIfThere(name_ + "." + column, RowsPerPatient::kMany);
  return place->second;
}

std::string_view CheckRows::Field(std::size_t row, const std::string& column) {
  const ColumnPlace place = Place(column);
  if (place.table != table_) return kMissing;
  const std::string_view field = table_->field(row, place.column);
  return field.empty() ? kMissing : field;
}

std::optional<double> CheckRows::Day(std::size_t row, const std::string& column) {
  const std::string_view text = Field(row, column);
  if (text == kMissing) return std::nullopt;
  const auto reading = input_.days.DayOf(text, Patient(row));
  if (!reading.day) Find(Severity::kError, row, column, reading.why, input_.days.Wanted() + ", or n/a");
  return reading.day;
}

std::optional<double> CheckRows::Number(std::size_t row, const std::string& column) {
  const std::string_view text = Field(row, column);
  if (text == kMissing) return std::nullopt;
  const auto number = ParseNumber(text);
  if (!number) Find(Severity::kError, row, column, "not a number", "a number with a decimal point, or n/a");
  return number;
}

void CheckRows::Find(Severity severity, std::size_t row, const std::string& column, std::string message,
                     std::string wanted) {
  const ColumnPlace place = Place(column);
  const bool there = place.table != nullptr;
  findings_.Add({.severity = severity,
                 .file = table_->file,
                 .line = table_->lines[row],
                 .column = there ? place.column + 1 : 0,
                 .name = there ? std::string(table_->header[place.column]) : column,
                 .value = there ? std::string(table_->field(row, place.column)) : "",
                 .message = std::move(message),
                 .wanted = std::move(wanted)});
}

}  // namespace fedtrial::site
