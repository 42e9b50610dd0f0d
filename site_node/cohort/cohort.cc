#include "site_node/cohort/cohort.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <utility>

#include "site_node/cohort/folds.h"
#include "site_node/cohort/source.h"

namespace fedtrial::site {
namespace {

constexpr std::string_view kMissing = "n/a";

// The columns that the plan asks for, in its order.
struct Columns {
  ColumnPlace time, event, split;
  std::vector<ColumnPlace> features;
  std::vector<std::pair<ColumnPlace, const std::vector<std::string>*>> filter;
  std::vector<ColumnPlace> folds;  // of each repeat; empty: dealt here
};

// A site below the plan's minimum contributes nothing, so it needs no folds.
Columns FindColumns(const Plan& plan, bool with_outcome, std::size_t patients, Source& source) {
  Columns columns;
  for (const auto& [column, kept] : plan.cohort.filter) columns.filter.emplace_back(source.Find(column), &kept);
  for (const Feature& feature : plan.features) columns.features.push_back(source.Find(feature.from));
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

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// What became of a patient.
enum class Fate { kKept, kLeftOut, kNoOutcome, kFiltered };

class Reader {
 public:
  Reader(const Plan& plan, Source& source, FindingList& findings, const CohortOptions& options, const Columns& columns)
      : plan_(plan), source_(source), findings_(findings), options_(options), columns_(columns) {}

  CohortReading Read(const Table& participants) {
    CohortReading reading;
    for (const Feature& feature : plan_.features) reading.cohort.feature_names.push_back(feature.name);
    for (const std::size_t row : participants.patient_rows) {
      Sample sample;
      sample.key = std::string(participants.field(row, participants.id_column));
      const Fate fate = ReadPatient(sample);
      ++reading.rows;
      reading.left_out += fate == Fate::kLeftOut;
      reading.no_outcome += fate == Fate::kNoOutcome;
      reading.filtered += fate == Fate::kFiltered;
      if (fate != Fate::kKept) continue;
      Clip(sample, reading.clipped);
      reading.cohort.samples.push_back(std::move(sample));
    }
    FindStrangers(participants);
    for (const auto& [place, fields] : empty_fields_)
      findings_.Add({.severity = Severity::kWarning,
                     .file = place.first->file,
                     .line = 0,
                     .column = place.second + 1,
                     .name = std::string(place.first->header[place.second]),
                     .value = "",
                     .message = fmt::format("{} empty fields are read as missing", fields),
                     .wanted = "n/a"});
    return reading;
  }

 private:
  // A field of the patient's row; n/a if the table doesn't have him. An empty one is counted and read as n/a.
  std::string_view FieldOf(const ColumnPlace& place, std::string_view key) {
    const auto row = place.table->row_of.find(key);
    if (row == place.table->row_of.end()) return kMissing;
    const std::string_view field = place.table->field(row->second, place.column);
    if (!field.empty()) return field;
    ++empty_fields_[{place.table, place.column}];
    return kMissing;
  }

  void Blame(const ColumnPlace& place, std::string_view key, std::string message, std::string wanted,
             Severity severity = Severity::kError) {
    const Table& table = *place.table;
    const auto row = table.row_of.find(key);
    const bool there = row != table.row_of.end();
    findings_.Add({.severity = severity,
                   .file = table.file,
                   .line = there ? table.lines[row->second] : 0,
                   .column = there ? place.column + 1 : 0,
                   .name = std::string(table.header[place.column]),
                   .value = std::string(there ? table.field(row->second, place.column) : key),
                   .message = std::move(message),
                   .wanted = std::move(wanted)});
  }

  Fate ReadPatient(Sample& sample) {
    for (const auto& [name, table] : source_.tables())
      if (table->unusable.contains(sample.key)) return Fate::kLeftOut;  // found when the table was read
    for (const auto& [place, kept] : columns_.filter)
      if (std::ranges::find(*kept, FieldOf(place, sample.key)) == kept->end()) return Fate::kFiltered;
    if (!options_.without_outcome) {
      if (const Fate fate = ReadOutcome(sample); fate != Fate::kKept) return fate;
      if (!ReadSplit(sample) || !ReadFolds(sample)) return Fate::kLeftOut;
    }
    bool ok = true;
    for (std::size_t i = 0; i < plan_.features.size(); ++i) ok = ReadFeature(i, sample) && ok;
    return ok ? Fate::kKept : Fate::kLeftOut;
  }

  Fate ReadOutcome(Sample& sample) {
    const std::string_view time = FieldOf(columns_.time, sample.key);
    const std::string_view event = FieldOf(columns_.event, sample.key);
    if (time == kMissing || event == kMissing) {
      Blame(time == kMissing ? columns_.time : columns_.event, sample.key, "this patient has no outcome",
            "time and event of every patient", Severity::kWarning);
      return Fate::kNoOutcome;
    }
    const auto days = ParseNumber(time);
    const auto happened = ParseNumber(event);
    const bool time_ok = days && *days >= 0.0;
    const bool event_ok = happened && (*happened == 0.0 || *happened == 1.0);
    if (!time_ok) Blame(columns_.time, sample.key, days ? "a time before day 0" : "not a number", "days >= 0 or n/a");
    if (!event_ok) Blame(columns_.event, sample.key, "not an event indicator", "0 or 1");
    if (!time_ok || !event_ok) return Fate::kLeftOut;
    sample.time_days = *days;
    sample.event = *happened == 1.0;
    return Fate::kKept;
  }

  bool ReadSplit(Sample& sample) {
    if (columns_.split.table == nullptr) return true;
    const std::string_view part = FieldOf(columns_.split, sample.key);
    sample.holds_out = part == "test";
    if (part == "test" || part == "train") return true;
    Blame(columns_.split, sample.key, "neither part of the split", "train or test");
    return false;
  }

  bool ReadFolds(Sample& sample) {
    if (sample.holds_out) return true;
    for (const ColumnPlace& place : columns_.folds) {
      const auto fold = ParseNumber(FieldOf(place, sample.key));
      if (!fold || *fold != std::floor(*fold) || *fold < 1.0 || *fold > plan_.folds.folds) {
        Blame(place, sample.key, "no fold of the plan", fmt::format("a whole number from 1 to {}", plan_.folds.folds));
        return false;
      }
      sample.folds.push_back(static_cast<int>(*fold));
    }
    return true;
  }

  bool ReadFeature(std::size_t index, Sample& sample) {
    const Feature& feature = plan_.features[index];
    const ColumnPlace& place = columns_.features[index];
    double value = std::numeric_limits<double>::quiet_NaN();
    if (const std::string_view field = FieldOf(place, sample.key); field != kMissing) {
      if (feature.levels.empty()) {
        const auto number = ParseNumber(field);
        if (!number) {
          Blame(place, sample.key, "not a number", "a number with a decimal point, or n/a");
          return false;
        }
        value = *number;
      } else {
        const auto level = std::ranges::find(feature.levels, field);
        if (level == feature.levels.end()) {
          Blame(place, sample.key, "unknown level", fmt::format("{} or n/a", fmt::join(feature.levels, ", ")));
          return false;
        }
        value = static_cast<double>(level - feature.levels.begin());
      }
      if (feature.transform == Transform::kLog1p && value <= -1.0) {
        Blame(place, sample.key, "has no logarithm of 1 + value", "a number above -1, or n/a");
        return false;
      }
      if (feature.transform == Transform::kLog1p) value = std::log1p(value);
    }
    sample.features.push_back(value);
    return true;
  }

  void Clip(Sample& sample, std::map<std::string, std::size_t>& clipped) const {
    for (std::size_t i = 0; i < plan_.features.size(); ++i) {
      const Feature& feature = plan_.features[i];
      double& value = sample.features[i];
      if (std::isnan(value) || (value >= feature.low && value <= feature.high)) continue;
      value = std::clamp(value, feature.low, feature.high);
      ++clipped[feature.name];
    }
  }

  // Patients of the other tables whom participants.tsv doesn't know.
  void FindStrangers(const Table& participants) {
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

  const Plan& plan_;
  const Source& source_;
  FindingList& findings_;
  const CohortOptions& options_;
  const Columns& columns_;
  std::map<std::pair<const Table*, std::size_t>, std::size_t> empty_fields_;
};

CohortSummary Summarise(const Plan& plan, const Cohort& cohort) {
  CohortSummary summary;
  std::size_t test = 0;
  std::vector<std::size_t> with_value(plan.features.size(), 0);
  for (const Sample& sample : cohort.samples) {
    test += sample.holds_out;
    if (sample.holds_out) continue;
    ++summary.patients;
    summary.events += sample.event;
    for (std::size_t i = 0; i < with_value.size(); ++i) with_value[i] += !std::isnan(sample.features[i]);
  }
  for (std::size_t i = 0; i < with_value.size(); ++i)
    summary.patients_per_block["feature_" + plan.features[i].name] = with_value[i];
  for (const Block& block : plan.blocks) {
    const bool filled = std::ranges::any_of(block.features, [&](std::size_t j) { return with_value[j] > 0; });
    summary.patients_per_block[block.name] = filled ? summary.patients : 0;
  }
  if (!plan.split_column.empty()) summary.patients_per_block["test"] = test;
  return summary;
}

void FindOnTheWhole(const Plan& plan, const CohortReading& reading, FindingList& findings) {
  for (const Feature& feature : plan.features) {
    if (const auto clipped = reading.clipped.find(feature.name); clipped != reading.clipped.end())
      findings.Add(
          {.severity = Severity::kWarning,
           .file = "",
           .line = 0,
           .column = 0,
           .name = feature.name,
           .value = "",
           .message = fmt::format("{} values lie outside the plan's range and are moved to its ends", clipped->second),
           .wanted = fmt::format("{} to {} {}", feature.low, feature.high, feature.unit)});
    if (reading.summary.patients > 0 && reading.summary.patients_per_block.at("feature_" + feature.name) == 0)
      findings.Add({.severity = Severity::kNote,
                    .file = "",
                    .line = 0,
                    .column = 0,
                    .name = feature.name,
                    .value = "",
                    .message = "no patient has a value: this site contributes nothing to it",
                    .wanted = ""});
  }
  if (reading.summary.patients == 0)
    findings.Add({.severity = Severity::kWarning,
                  .file = "participants.tsv",
                  .line = 0,
                  .column = 0,
                  .name = "",
                  .value = "",
                  .message = "no patient is in the cohort: this site contributes nothing",
                  .wanted = ""});
  else if (reading.summary.events == 0)
    findings.Add({.severity = Severity::kWarning,
                  .file = "",
                  .line = 0,
                  .column = 0,
                  .name = "",
                  .value = "",
                  .message = fmt::format("none of the {} patients has the event", reading.summary.patients),
                  .wanted = ""});
}

Result<CohortReading> ReadTables(const Plan& plan, const std::filesystem::path& folder, const CohortOptions& options) {
  if (plan.endpoints.empty()) return Error{ErrorCode::kInvalidInput, "cohort: the plan has no endpoint"};
  Problems problems;
  FindingList findings;
  Source source(folder, options, problems, findings);
  const Table* participants = source.Participants();
  const std::size_t patients = participants == nullptr ? 0 : participants->patient_rows.size();
  const Columns columns = FindColumns(plan, !options.without_outcome, patients, source);
  if (!problems.empty()) return problems.ToStatus().error().In(fmt::format("data folder {}", folder.string()));

  CohortReading reading = Reader(plan, source, findings, options, columns).Read(*participants);
  if (columns.folds.empty() && !options.without_outcome) DealFolds(plan.folds, plan.seed, reading.cohort);
  reading.summary = Summarise(plan, reading.cohort);
  reading.summary.digest = source.DigestWith(plan.hash);
  if (!options.without_outcome) FindOnTheWhole(plan, reading, findings);
  std::move(findings).MoveTo(reading);
  return reading;
}

}  // namespace

Result<CohortReading> ReadCohort(const Plan& plan, const std::filesystem::path& folder, const CohortOptions& options) {
  try {
    return ReadTables(plan, folder, options);
  } catch (const std::exception& failure) {  // no memory, a path that can't be said
    return Error{ErrorCode::kInternal, fmt::format("data folder {}: {}", folder.string(), failure.what())};
  }
}

}  // namespace fedtrial::site
