#include "site_node/cohort/days.h"

#include "site_node/cohort/numbers.h"

namespace fedtrial::site {

DayReader DayReader::Read(const Plan& plan, Source& source, FindingList& findings) {
  DayReader reader;
  if (plan.cohort.day_zero_column.empty()) return reader;
  reader.dates_ = true;
  const ColumnPlace place = source.Find(plan.cohort.day_zero_column);
  if (place.table == nullptr) return reader;
  for (const std::size_t row : place.table->patient_rows) {
    const std::string_view field = place.table->field(row, place.column);
    if (const auto date = ParseDate(field)) {
      reader.zero_.emplace(place.table->field(row, place.table->id_column), *date);
    } else if (!field.empty() && field != kMissing) {
      findings.Add({.file = place.table->file,
                    .line = place.table->lines[row],
                    .column = place.column + 1,
                    .name = std::string(place.table->header[place.column]),
                    .value = std::string(field),
                    .message = "not a date",
                    .wanted = "a date such as 2024-03-17, or n/a"});
    }
  }
  return reader;
}

DayReader::Reading DayReader::DayOf(std::string_view text, std::string_view patient) const {
  if (const auto number = ParseNumber(text)) return {number, ""};
  const auto date = ParseDate(text);
  if (!date) return {std::nullopt, dates_ ? "neither a number of days nor a date" : "not a number"};
  if (!dates_) return {std::nullopt, "a date, but the plan names no column with the date of day 0"};
  const auto zero = zero_.find(patient);
  if (zero == zero_.end()) return {std::nullopt, "a date of a patient whose date of day 0 isn't known"};
  return {*date - zero->second, ""};
}

std::string DayReader::Wanted() const { return dates_ ? "days from day 0, or a date such as 2024-03-17" : "days"; }

}  // namespace fedtrial::site
