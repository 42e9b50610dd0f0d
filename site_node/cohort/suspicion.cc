#include "site_node/cohort/suspicion.h"

#include <algorithm>
#include <fmt/format.h>

#include "site_node/cohort/numbers.h"

namespace fedtrial::site {

SuspicionReader::SuspicionReader(const Block* head, Source& source, const DayReader& days, FindingList& findings)
    : head_(head), days_(days), findings_(findings) {
  if (head_ == nullptr) return;
  const RatedScans& scans = head_->scans;
  if (!source.HasTable(scans.rating_column)) {
    const std::string here = source.NameHere(scans.rating_column);
    source.Report(fmt::format("phenotype/{}.tsv", here.substr(0, here.find('.'))),
                  fmt::format("isn't there: head \"{}\" of the plan predicts from its ratings whether a progression is "
                              "one; a site without ratings has the header alone",
                              head_->name));
    return;
  }
  rating_ = source.Find(scans.rating_column, RowsPerPatient::kMany);
  day_ = source.Find(scans.day_column, RowsPerPatient::kMany);
  confirm_ = source.Find(scans.confirm_column, RowsPerPatient::kMany);
  for (const ColumnPlace* place : {&day_, &confirm_})
    if (place->table != nullptr && rating_.table != nullptr && place->table != rating_.table)
      source.Report(scans.rating_column.substr(0, scans.rating_column.find('.')),
                    "its columns are mapped to more than one table");
}

std::string_view SuspicionReader::Field(const ColumnPlace& place, std::size_t row) const {
  const std::string_view field = place.table->field(row, place.column);
  return field.empty() ? kMissing : field;
}

void SuspicionReader::Refuse(const ColumnPlace& place, std::size_t row, std::string message, std::string wanted) {
  const Table& table = *place.table;
  spoiled_.insert(table.field(row, table.id_column));
  findings_.Add({.severity = Severity::kError,
                 .file = table.file,
                 .line = table.lines[row],
                 .column = place.column + 1,
                 .name = std::string(table.header[place.column]),
                 .value = std::string(table.field(row, place.column)),
                 .message = std::move(message),
                 .wanted = std::move(wanted)});
}

std::optional<double> SuspicionReader::Day(const ColumnPlace& place, std::size_t row) {
  const std::string_view text = Field(place, row);
  if (text == kMissing) return std::nullopt;
  const auto reading = days_.DayOf(text, place.table->field(row, place.table->id_column));
  if (!reading.day) Refuse(place, row, reading.why, days_.Wanted() + ", or n/a");
  return reading.day;
}

void SuspicionReader::TakeRow(std::size_t row) {
  const std::string_view rating = Field(rating_, row);
  if (rating == kMissing) return;
  if (std::ranges::find(kRatings, rating) == std::end(kRatings))
    return Refuse(rating_, row, "unknown rating", fmt::format("{} or n/a", fmt::join(kRatings, ", ")));
  const auto day = Day(day_, row), confirmed = Day(confirm_, row);
  if (!day) {
    if (Field(day_, row) == kMissing) Refuse(day_, row, "a rated scan without its day", days_.Wanted());
    return;
  }
  if (confirmed && *confirmed < *day) return Refuse(confirm_, row, "confirmed before the scan", "a later day, or n/a");
  scans_[rating_.table->field(row, rating_.table->id_column)].push_back({row, *day, rating, confirmed.has_value()});
}

void SuspicionReader::Read() {
  if (head_ == nullptr || rating_.table == nullptr) return;
  for (std::size_t row = 0; row < rating_.table->lines.size(); ++row) TakeRow(row);
  for (auto& [patient, scans] : scans_) {
    std::ranges::stable_sort(scans, {}, &Scan::day);
    for (std::size_t i = 1; i < scans.size(); ++i)
      if (scans[i].day == scans[i - 1].day)
        Refuse(day_, scans[i].row, "this patient has another row of this day", "one row a patient and scan");
  }
  for (const std::string_view patient : rating_.table->unusable) spoiled_.insert(patient);
}

std::optional<Suspicion> SuspicionReader::SuspicionIn(const std::vector<Scan>& scans) const {
  const auto first = std::ranges::find_if(
      scans, [](const Scan& scan) { return scan.day > 0.0 && (scan.rating == "PD" || scan.rating == "PsP"); });
  if (first == scans.end() || first->day > head_->scans.within_days) return std::nullopt;
  Suspicion suspicion{first->day, std::nullopt};
  if (first->rating == "PsP") {
    if (first->confirmed) suspicion.pseudo = true;
    return suspicion;
  }
  const bool goes_on = std::any_of(first, scans.end(), [&](const Scan& later) {
    return later.day - first->day >= kConfirmDays && later.rating == "PD";
  });
  if (first->confirmed || goes_on || first->day >= kEarlyDays) suspicion.pseudo = false;
  return suspicion;
}

void SuspicionReader::Fill(Sample& sample, CohortReading& reading) const {
  if (head_ == nullptr) return;
  if (spoiled_.contains(sample.key)) {
    ++reading.left_out_of[head_->name];
    return;
  }
  if (const auto scans = scans_.find(sample.key); scans != scans_.end()) sample.suspicion = SuspicionIn(scans->second);
}

}  // namespace fedtrial::site
