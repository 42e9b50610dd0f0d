#include "tests/simulation/program/patients.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <set>
#include <tuple>

namespace fedtrial::sim {
namespace {

Error Bad(const std::filesystem::path& file, std::size_t line, const std::string& what) {
  return {ErrorCode::kInvalidInput, fmt::format("{}:{}: {}", file.string(), line, what)};
}

Result<std::size_t> FindColumn(const std::filesystem::path& file, const CsvRow& header, const std::string& name) {
  const auto found = std::find(header.fields.begin(), header.fields.end(), name);
  if (found == header.fields.end())
    return Bad(file, header.line, fmt::format("no column \"{}\"; there are {}", name, fmt::join(header.fields, ", ")));
  return static_cast<std::size_t>(found - header.fields.begin());
}

std::optional<double> Number(const std::string& text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Numbers before names, numbers by size: the order of sites.
bool SiteBefore(const std::string& a, const std::string& b) {
  const auto key = [](const std::string& name) {
    const auto number = Number(name);
    return std::tuple(number ? 0 : 1, number.value_or(0.0), name);
  };
  return key(a) < key(b);
}

using FoldsByPatient = std::map<std::string, std::vector<int>>;

Result<FoldsByPatient> ReadFolds(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const auto rows, ReadCsv(file));
  ASSIGN_OR_RETURN(const std::size_t patient, FindColumn(file, rows[0], "patient"));
  std::vector<std::size_t> repeats;
  for (std::size_t j = 0; j < rows[0].fields.size(); ++j)
    if (rows[0].fields[j].starts_with("repeat")) repeats.push_back(j);
  if (repeats.empty() || repeats.size() > 99)
    return Bad(file, rows[0].line, "wanted one to 99 columns repeat1, repeat2, ... with the fold of each patient");
  FoldsByPatient folds;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::vector<int>& mine = folds[rows[i].fields[patient]];
    if (!mine.empty()) return Bad(file, rows[i].line, fmt::format("patient {} twice", rows[i].fields[patient]));
    for (const std::size_t j : repeats) {
      const auto fold = Number(rows[i].fields[j]);
      if (!fold || *fold < 1 || *fold > 50 || *fold != std::floor(*fold))
        return Bad(file, rows[i].line,
                   fmt::format("{}: \"{}\", a fold from 1 to 50 is wanted", rows[0].fields[j], rows[i].fields[j]));
      mine.push_back(static_cast<int>(*fold));
    }
  }
  return folds;
}

// Where the columns of a table of patients are.
struct Places {
  std::size_t site = 0, patient = 0, time = 0, event = 0;
  std::vector<std::size_t> covariates;
};

Result<Places> FindPlaces(const std::filesystem::path& file, const CsvRow& header, const CsvColumns& columns) {
  Places places;
  ASSIGN_OR_RETURN(places.site, FindColumn(file, header, columns.site));
  ASSIGN_OR_RETURN(places.patient, FindColumn(file, header, columns.patient));
  ASSIGN_OR_RETURN(places.time, FindColumn(file, header, columns.time));
  ASSIGN_OR_RETURN(places.event, FindColumn(file, header, columns.event));
  for (const std::string& name : columns.covariates) {
    ASSIGN_OR_RETURN(const std::size_t place, FindColumn(file, header, name));
    places.covariates.push_back(place);
  }
  return places;
}

// Outcome and covariates of one row.
Status AddValues(const std::filesystem::path& file, const CsvRow& row, const Places& places, Patients& patients) {
  const auto time = Number(row.fields[places.time]);
  if (!time || *time < 0)
    return Bad(file, row.line, fmt::format("time: \"{}\", a number of days from 0 is wanted", row.fields[places.time]));
  const auto event = Number(row.fields[places.event]);
  if (!event || (*event != 0 && *event != 1))
    return Bad(file, row.line, fmt::format("event: \"{}\", 0 or 1 is wanted", row.fields[places.event]));
  patients.outcomes.push_back({*time, *event == 1});
  for (std::size_t j = 0; j < places.covariates.size(); ++j) {
    const std::string& text = row.fields[places.covariates[j]];
    const auto value = Number(text);
    if (!text.empty() && !value)
      return Bad(
          file, row.line,
          fmt::format("{}: \"{}\", a number is wanted, or nothing where it is missing", patients.covariates[j], text));
    patients.raw.values.push_back(value.value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  return {};
}

}  // namespace

std::vector<std::size_t> Patients::SitesInside() const {
  std::set<std::size_t> in;
  for (std::size_t i = 0; i < size(); ++i)
    if (inside[i]) in.insert(site[i]);
  return {in.begin(), in.end()};
}

std::vector<std::size_t> Patients::RowsOf(std::size_t wanted) const {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < size(); ++i)
    if (site[i] == wanted) rows.push_back(i);
  return rows;
}

Cohort Patients::CohortOf(std::size_t wanted) const {
  Cohort cohort{covariates, {}, {}};
  for (const std::size_t i : RowsOf(wanted)) {
    Sample sample;
    sample.key = ids[i];
    sample.features.assign(raw.row(i).begin(), raw.row(i).end());
    sample.time_days = outcomes[i].time;
    sample.event = outcomes[i].event;
    sample.folds = folds[i];
    sample.holds_out = test[i];
    cohort.samples.push_back(std::move(sample));
  }
  return cohort;
}

Patients FromCohorts(const std::vector<SiteCohort>& cohorts, std::size_t min_patients) {
  Patients patients;
  if (!cohorts.empty()) patients.covariates = cohorts.front().cohort.feature_names;
  for (const auto& [name, cohort, summary] : cohorts) {
    for (const Sample& sample : cohort.samples) {
      patients.ids.push_back(sample.key);
      patients.site.push_back(patients.sites.size());
      patients.outcomes.push_back({sample.time_days, sample.event});
      patients.folds.push_back(sample.folds);
      patients.test.push_back(sample.holds_out);
      patients.inside.push_back(summary.patients >= min_patients);
      patients.raw.values.insert(patients.raw.values.end(), sample.features.begin(), sample.features.end());
    }
    patients.sites.push_back(name);
  }
  patients.raw.rows = patients.size();
  patients.raw.cols = patients.covariates.size();
  return patients;
}

Result<Patients> ReadCsvPatients(const std::filesystem::path& file, const CsvColumns& columns) {
  ASSIGN_OR_RETURN(const auto rows, ReadCsv(file));
  ASSIGN_OR_RETURN(const Places places, FindPlaces(file, rows[0], columns));
  FoldsByPatient folds;
  if (!columns.folds.empty()) {
    ASSIGN_OR_RETURN(folds, ReadFolds(columns.folds));
  }

  Patients patients;
  patients.covariates = columns.covariates;
  std::map<std::string, std::size_t> count;
  for (std::size_t i = 1; i < rows.size(); ++i)
    if (!rows[i].fields[places.site].empty()) ++count[rows[i].fields[places.site]];
  for (const auto& [name, patients_of_site] : count) patients.sites.push_back(name);
  std::sort(patients.sites.begin(), patients.sites.end(), SiteBefore);

  std::set<std::string> seen;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const std::string& site = rows[i].fields[places.site];
    if (site.empty()) continue;
    const std::string& id = rows[i].fields[places.patient];
    if (!seen.insert(id).second) return Bad(file, rows[i].line, fmt::format("patient {} a second time", id));
    RETURN_IF_ERROR(AddValues(file, rows[i], places, patients));
    patients.ids.push_back(id);
    patients.site.push_back(static_cast<std::size_t>(std::find(patients.sites.begin(), patients.sites.end(), site) -
                                                     patients.sites.begin()));
    patients.inside.push_back(count[site] >= columns.min_patients);
    patients.test.push_back(false);
    const auto dealt = folds.find(id);
    patients.folds.push_back(dealt == folds.end() ? std::vector<int>{} : dealt->second);
    if (!folds.empty() && patients.inside.back() && patients.folds.back().empty())
      return Bad(file, rows[i].line, fmt::format("patient {} has no fold in {}", id, columns.folds.string()));
  }
  patients.raw.rows = patients.size();
  patients.raw.cols = columns.covariates.size();
  return patients;
}

}  // namespace fedtrial::sim
