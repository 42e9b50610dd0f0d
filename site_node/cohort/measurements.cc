#include "site_node/cohort/measurements.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numbers>
#include <set>
#include <tuple>
#include <unordered_map>

#include "proto/plan/units.h"
#include "site_node/cohort/numbers.h"

namespace fedtrial::site {
namespace {

// Letters and digits alone, small: names that differ only in writing are one.
std::string Bare(std::string_view name) {
  std::string bare;
  for (const char c : name) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) bare += c;
    if (c >= 'A' && c <= 'Z') bare += static_cast<char>(c - 'A' + 'a');
  }
  return bare;
}

std::string_view FieldOr(const LongTable& in, const ColumnPlace& place, std::size_t row) {
  if (place.table == nullptr) return kMissing;
  const std::string_view field = in.table->field(row, place.column);
  return field.empty() ? kMissing : field;
}

// The features of one table by this hospital's name of their analyte.
class Analytes {
 public:
  Analytes(const Plan& plan, const Source& source, const std::string& table) {
    for (std::size_t i = 0; i < plan.features.size(); ++i) {
      const Feature& feature = plan.features[i];
      if (!feature.IsLong() || feature.Table() != table) continue;
      const std::string here = source.NameHere(feature.from);
      const std::size_t open = here.find('[');
      std::string name = open != std::string::npos && here.ends_with(']')
                             ? here.substr(open + 1, here.size() - open - 2)
                             : feature.analyte;
      bare_.emplace(Bare(name), name);
      features_[std::move(name)].push_back(i);
    }
  }

  const std::vector<std::size_t>* Find(std::string_view name) const {
    const auto found = features_.find(std::string(name));
    return found == features_.end() ? nullptr : &found->second;
  }
  // The name that this one was meant to be; empty if none is like it.
  std::string Alike(std::string_view name) const {
    const auto found = bare_.find(Bare(name));
    return found == bare_.end() ? "" : found->second;
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, features] : features_) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, std::vector<std::size_t>> features_;
  std::map<std::string, std::string> bare_;
};

struct UnknownAnalyte {
  std::size_t row = 0;  // the first
  std::size_t rows = 0;
};

}  // namespace

std::string LongTable::PlaceText(std::size_t row) const { return fmt::format("line {}", table->lines[row]); }

void MeasurementReader::Blame(const LongTable& in, const ColumnPlace& place, std::size_t row, std::string message,
                              std::string wanted, Severity severity) {
  findings_.Add({.severity = severity,
                 .file = in.table->file,
                 .line = in.table->lines[row],
                 .column = place.column + 1,
                 .name = std::string(in.table->header[place.column]),
                 .value = std::string(in.table->field(row, place.column)),
                 .message = std::move(message),
                 .wanted = std::move(wanted)});
}

std::vector<LongTable> MeasurementReader::Open() {
  std::vector<LongTable> tables;
  std::set<std::string> absent;
  for (const Feature& feature : plan_.features) {
    const std::string name = feature.Table();
    if (feature.IsLong()) source_.NoteAnalyte(feature.from);
    if (!feature.IsLong() || std::ranges::find(tables, name, &LongTable::name) != tables.end()) continue;
    if (!source_.HasTable(name + ".day")) {
      absent.insert(name);
      continue;
    }
    LongTable& in = tables.emplace_back();
    in.name = name;
    const auto find = [&](const char* column) { return source_.Find(name + column, RowsPerPatient::kMany); };
    in.day = find(".day");
    in.analyte = find(".analyte");
    in.value = find(".value");
    in.unit = find(".unit");
    in.table = in.day.table;
    for (const ColumnPlace* place : {&in.analyte, &in.value, &in.unit})
      if (place->table != nullptr && place->table != in.table)
        source_.Report(name, "its columns are mapped to more than one table");
    for (const auto& [place, column] : {std::pair{&in.qualifier, ".qualifier"},
                                        {&in.lod_low, ".lod_low"},
                                        {&in.specimen, ".specimen"},
                                        {&in.kit, ".kit"},
                                        {&in.plate, ".plate"}})
      *place = source_.ColumnOf(in.table, name + column);
  }
  for (const std::string& name : absent)
    findings_.Add({.severity = Severity::kWarning,
                   .file = fmt::format("phenotype/{}.tsv", name),
                   .line = 0,
                   .column = 0,
                   .name = "",
                   .value = "",
                   .message = "there is no such table: this site has none of its measurements",
                   .wanted = ""});
  return tables;
}

bool MeasurementReader::Settle(const LongTable& in, std::uint32_t row, const Feature& feature,
                               Measurement& measurement) {
  const Table& table = *in.table;
  const std::string_view unit = table.field(row, in.unit.column);
  const auto factor = ConversionFactor(unit, feature.unit);
  if (!factor) {
    Blame(in, in.unit, row, "this unit can't be converted to the plan's",
          fmt::format("{} for {}", fmt::join(KnownUnits(feature.unit), ", "), feature.analyte));
    return false;
  }
  const std::string_view qualifier = FieldOr(in, in.qualifier, row);
  if (qualifier != "<" && qualifier != ">" && qualifier != kMissing) {
    Blame(in, in.qualifier, row, "unknown qualifier", "<, > or n/a");
    return false;
  }
  const std::string_view text = table.field(row, in.value.column);
  const bool measured = !text.empty() && text != kMissing;
  const auto number = ParseNumber(text);
  if (measured && !number) {
    Blame(in, in.value, row, "not a number",
          text.front() == '<' || text.front() == '>' ? "a number; < and > stand in the column qualifier"
                                                     : "a number with a decimal point, or n/a");
    return false;
  }
  const std::string_view lod_text = FieldOr(in, in.lod_low, row);
  const auto lod = ParseNumber(lod_text);
  if (lod_text != kMissing && !(lod && *lod > 0.0)) {
    Blame(in, in.lod_low, row, "no detection limit", "a number above 0, or n/a");
    return false;
  }
  if (qualifier == "<" && !lod && !(number && *number > 0.0)) {
    Blame(in, in.value, row, "below an unknown detection limit", "the limit, here or in the column lod_low");
    return false;
  }
  measurement.below_detection = qualifier == "<";
  if (qualifier == kMissing && number && lod && *number < *lod) {
    Blame(in, in.value, row, "below the detection limit without the qualifier <: taken as such",
          fmt::format("the qualifier <, or a value of {} at least", lod_text), Severity::kWarning);
    measurement.below_detection = true;
  }
  const double limit = lod.value_or(number.value_or(0.0));
  measurement.value = *factor * (measurement.below_detection ? limit / std::numbers::sqrt2 : number.value_or(0.0));
  if (feature.transform == Transform::kLog1p && measurement.value <= -1.0) {
    Blame(in, in.value, row, "has no logarithm of 1 + value", "a number above -1, or n/a");
    return false;
  }
  return true;
}

void MeasurementReader::TakeRow(LongTable& into, std::uint32_t patient, std::uint32_t row, std::size_t index) {
  const Table& table = *into.table;
  const std::string_view value = table.field(row, into.value.column);
  const bool measured = !value.empty() && value != kMissing;
  if (!measured && FieldOr(into, into.qualifier, row) == kMissing) return;
  Measurement measurement{.patient = patient,
                          .feature = static_cast<std::uint32_t>(index),
                          .row = row,
                          .below_detection = false,
                          .day = 0.0,
                          .value = 0.0};
  const auto day = days_.DayOf(table.field(row, into.day.column), table.field(row, table.id_column));
  if (!day.day) Blame(into, into.day, row, day.why, days_.Wanted());
  if (!Settle(into, row, plan_.features[index], measurement) || !day.day) {
    into.spoiled[patient] = true;
    return;
  }
  measurement.day = *day.day;
  into.measurements.push_back(measurement);
}

void MeasurementReader::Read(const Table& participants, LongTable& into) {
  const Table& table = *into.table;
  into.spoiled.assign(participants.patient_rows.size(), false);
  std::unordered_map<std::string_view, std::uint32_t> patients;
  for (std::uint32_t i = 0; i < participants.patient_rows.size(); ++i)
    patients.emplace(participants.field(participants.patient_rows[i], participants.id_column), i);
  const Analytes analytes(plan_, source_, into.name);
  std::unordered_map<std::string_view, UnknownAnalyte> unknown;
  const auto rows = static_cast<std::uint32_t>(table.lines.size());
  into.measurements.reserve(rows);
  for (std::uint32_t row = 0; row < rows; ++row) {
    const auto patient = patients.find(table.field(row, table.id_column));
    if (patient == patients.end()) continue;  // a stranger: told once, of the whole table
    const std::string_view name = table.field(row, into.analyte.column);
    const std::vector<std::size_t>* features = analytes.Find(name);
    if (features == nullptr) {
      ++unknown.try_emplace(name, UnknownAnalyte{row, 0}).first->second.rows;
      continue;
    }
    for (const std::size_t feature : *features) TakeRow(into, patient->second, row, feature);
  }
  for (const auto& [key, patient] : patients)
    if (table.unusable.contains(key)) into.spoiled[patient] = true;
  const std::map<std::string_view, UnknownAnalyte> sorted(unknown.begin(), unknown.end());
  for (const auto& [name, seen] : sorted) {
    const std::string alike = analytes.Alike(name);
    Blame(into, into.analyte, seen.row,
          fmt::format("the plan doesn't name this analyte: {} of its rows aren't read", seen.rows),
          alike.empty() ? fmt::format("{}", fmt::join(analytes.Names(), ", "))
                        : fmt::format("{}, or [columns] of site.toml maps it", alike),
          alike.empty() ? Severity::kWarning : Severity::kError);
  }
  std::ranges::sort(into.measurements, {},
                    [](const Measurement& m) { return std::make_tuple(m.patient, m.feature, m.day, m.row); });
  FindTwice(into);
}

void MeasurementReader::FindTwice(LongTable& in) {
  for (std::size_t i = 1; i < in.measurements.size(); ++i) {
    const Measurement& one = in.measurements[i - 1];
    const Measurement& other = in.measurements[i];
    if (one.patient != other.patient || one.feature != other.feature || one.day != other.day) continue;
    in.spoiled[other.patient] = true;
    Blame(in, in.analyte, other.row, fmt::format("this analyte of this day stands in {} too", in.PlaceText(one.row)),
          "one row a patient, day and analyte");
  }
}

}  // namespace fedtrial::site
