#include "site_node/cohort/patient_reader.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>

#include "site_node/cohort/numbers.h"

namespace fedtrial::site {

Columns FindColumns(const Plan& plan, bool with_outcome, std::size_t patients, Source& source,
                    Dictionaries& dictionaries) {
  Columns columns;
  for (const auto& [column, kept] : plan.cohort.filter) columns.filter.emplace_back(source.Find(column), &kept);
  for (const Feature& feature : plan.features) {
    columns.features.push_back(feature.IsLong() ? ColumnPlace{} : source.Find(feature.from));
    columns.factors.push_back(dictionaries.FactorTo(feature, columns.features.back()));
  }
  columns.site = source.FindIfThere("participants.site");
  if (!with_outcome) return columns;
  columns.time = source.Find(plan.endpoints.front().time_column);
  columns.event = source.Find(plan.endpoints.front().event_column);
  if (!plan.split_column.empty()) columns.split = source.Find(plan.split_column);
  if (plan.folds.column.empty() || patients < plan.cohort.min_patients) return columns;
  for (unsigned repeat = 1; repeat <= plan.folds.repeats; ++repeat) {
    std::string column = plan.folds.column;
    if (const std::size_t at = column.find("{}"); at != std::string::npos)
      column.replace(at, 2, std::to_string(repeat));
    columns.folds.push_back(source.Find(column));
  }
  return columns;
}

CohortReading PatientReader::Read(const Table& participants) {
  CohortReading reading;
  for (const Feature& feature : plan_.features) reading.cohort.feature_names.push_back(feature.name);
  for (const Block* panel : plan_.Panels()) {
    reading.cohort.panels.push_back({panel->name, {}});
    for (const std::size_t index : panel->features)
      reading.cohort.panels.back().analytes.push_back(plan_.features[index].name);
  }
  FindSite(participants);
  for (std::size_t patient = 0; patient < participants.patient_rows.size(); ++patient) {
    Sample sample;
    sample.key = std::string(participants.field(participants.patient_rows[patient], participants.id_column));
    const Fate fate = ReadPatient(sample, reading);
    ++reading.rows;
    reading.left_out += fate == Fate::kLeftOut;
    reading.no_outcome += fate == Fate::kNoOutcome;
    reading.filtered += fate == Fate::kFiltered;
    if (fate != Fate::kKept) continue;
    Clip(sample, reading);
    parts_.panels.Fill(patient, sample, reading);
    parts_.volumes.Fill(sample, reading);
    reading.cohort.samples.push_back(std::move(sample));
  }
  FindStrangers(participants);
  parts_.fields.TellOfEmptyFields();
  return reading;
}

PatientReader::Fate PatientReader::ReadPatient(Sample& sample, CohortReading& reading) {
  for (const auto& [name, table] : source_.tables())
    if (table->rows_per_patient == RowsPerPatient::kOne && table->unusable.contains(sample.key))
      return Fate::kLeftOut;  // found when the table was read
  for (const auto& [place, kept] : parts_.columns.filter)
    if (std::ranges::find(*kept, parts_.fields.Of(place, sample.key)) == kept->end()) return Fate::kFiltered;
  if (!IsOfThisSite(sample.key)) return Fate::kLeftOut;
  if (!options_.without_outcome) {
    if (const Fate fate = ReadOutcome(sample); fate != Fate::kKept) return fate;
    if (!ReadSplit(sample) || !ReadFolds(sample)) return Fate::kLeftOut;
  }
  bool ok = true;
  for (std::size_t i = 0; i < plan_.features.size(); ++i) ok = ReadFeature(i, sample) && ok;
  if (!ok) return Fate::kLeftOut;
  if (!options_.without_outcome) parts_.course.Read(sample, reading);
  parts_.suspicion.Fill(sample, reading);
  return Fate::kKept;
}

PatientReader::Fate PatientReader::ReadOutcome(Sample& sample) {
  PatientFields& fields = parts_.fields;
  const Columns& columns = parts_.columns;
  const std::string_view time = fields.Of(columns.time, sample.key);
  const std::string_view event = fields.Of(columns.event, sample.key);
  if (time == kMissing || event == kMissing) {
    fields.Blame(time == kMissing ? columns.time : columns.event, sample.key, "this patient has no outcome",
                 "time and event of every patient", Severity::kWarning);
    return Fate::kNoOutcome;
  }
  const auto days = parts_.days.DayOf(time, sample.key);
  const auto happened = ParseNumber(event);
  const bool time_ok = days.day && *days.day >= 0.0;
  const bool event_ok = happened && (*happened == 0.0 || *happened == 1.0);
  if (!time_ok) fields.Blame(columns.time, sample.key, days.day ? "a time before day 0" : days.why, "days >= 0 or n/a");
  if (!event_ok) fields.Blame(columns.event, sample.key, "not an event indicator", "0 or 1");
  if (!time_ok || !event_ok) return Fate::kLeftOut;
  sample.time_days = *days.day;
  sample.event = *happened == 1.0;
  return Fate::kKept;
}

// Another hospital's patient would count twice in the trial.
bool PatientReader::IsOfThisSite(std::string_view patient) {
  if (site_.empty()) return true;
  const std::string_view site = parts_.fields.Of(parts_.columns.site, patient);
  if (site == site_ || site == kMissing) return true;
  parts_.fields.Blame(parts_.columns.site, patient, "a patient of another site",
                      fmt::format("{}, as most patients of this folder", site_));
  return false;
}

bool PatientReader::ReadSplit(Sample& sample) {
  const ColumnPlace& split = parts_.columns.split;
  if (split.table == nullptr) return true;
  const std::string_view part = parts_.fields.Of(split, sample.key);
  sample.holds_out = part == "test";
  if (part == "test" || part == "train") return true;
  parts_.fields.Blame(split, sample.key, "neither part of the split", "train or test");
  return false;
}

bool PatientReader::ReadFolds(Sample& sample) {
  if (sample.holds_out) return true;
  for (const ColumnPlace& place : parts_.columns.folds) {
    const auto fold = ParseNumber(parts_.fields.Of(place, sample.key));
    if (!fold || *fold != std::floor(*fold) || *fold < 1.0 || *fold > plan_.folds.folds) {
      parts_.fields.Blame(place, sample.key, "no fold of the plan",
                          fmt::format("a whole number from 1 to {}", plan_.folds.folds));
      return false;
    }
    sample.folds.push_back(static_cast<int>(*fold));
  }
  return true;
}

bool PatientReader::ReadFeature(std::size_t index, Sample& sample) {
  const Feature& feature = plan_.features[index];
  const ColumnPlace& place = parts_.columns.features[index];
  double value = std::numeric_limits<double>::quiet_NaN();
  if (const std::string_view field = parts_.fields.Of(place, sample.key); field != kMissing) {
    if (feature.levels.empty()) {
      const auto number = ParseNumber(field);
      if (!number) {
        parts_.fields.Blame(place, sample.key, "not a number", "a number with a decimal point, or n/a");
        return false;
      }
      value = *number * parts_.columns.factors[index];
    } else {
      const auto level = std::ranges::find(feature.levels, field);
      if (level == feature.levels.end()) {
        parts_.fields.Blame(place, sample.key, "unknown level",
                            fmt::format("{} or n/a", fmt::join(feature.levels, ", ")));
        return false;
      }
      value = static_cast<double>(level - feature.levels.begin());
    }
    if (feature.transform == Transform::kLog1p && value <= -1.0) {
      parts_.fields.Blame(place, sample.key, "has no logarithm of 1 + value", "a number above -1, or n/a");
      return false;
    }
  }
  sample.features.push_back(value);
  return true;
}

void PatientReader::Clip(Sample& sample, CohortReading& reading) const {
  for (std::size_t i = 0; i < plan_.features.size(); ++i)
    if (!std::isnan(sample.features[i]))
      sample.features[i] = TransformAndClip(plan_.features[i], sample.features[i], reading);
}

void PatientReader::FindSite(const Table& participants) {
  const ColumnPlace& place = parts_.columns.site;
  if (place.table == nullptr) return;
  std::map<std::string_view, std::size_t> patients;
  for (const std::size_t row : participants.patient_rows) {
    const auto there = place.table->row_of.find(participants.field(row, participants.id_column));
    if (there == place.table->row_of.end()) continue;
    const std::string_view site = place.table->field(there->second, place.column);
    if (!site.empty() && site != kMissing) ++patients[site];
  }
  const auto most = std::ranges::max_element(patients, {}, [](const auto& entry) { return entry.second; });
  if (most != patients.end()) site_ = std::string(most->first);
}

// Patients of the other tables whom participants.tsv doesn't know.
void PatientReader::FindStrangers(const Table& participants) {
  for (const auto& [name, table] : source_.tables()) {
    if (table.get() == &participants) continue;
    for (const std::size_t row : table->patient_rows) {
      const std::string_view key = table->field(row, table->id_column);
      if (participants.row_of.contains(key) || participants.unusable.contains(key)) continue;
      findings_.Add({.severity = Severity::kWarning,
                     .file = table->file,
                     .line = table->lines[row],
                     .column = table->id_column + 1,
                     .name = std::string(table->header[table->id_column]),
                     .value = std::string(key),
                     .message = "this patient is not in participants.tsv",
                     .wanted = "a patient of participants.tsv"});
    }
  }
}

}  // namespace fedtrial::site
