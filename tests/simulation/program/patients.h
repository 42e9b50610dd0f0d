#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "model/samples/sample.h"
#include "model/survival/matrix.h"
#include "model/survival/outcome.h"

namespace fedtrial::sim {

// Patients of all hospitals in one table: what nobody in a real trial has. Only a demo or a researcher with public data
// makes one.
struct Patients {
  std::vector<std::string> covariates;
  std::vector<std::string> sites;  // names, in the order of the trial
  std::vector<std::string> ids;    // of each patient, as are all below
  std::vector<std::size_t> site;
  Matrix raw;  // one row a patient; NaN is missing
  std::vector<Outcome> outcomes;
  std::vector<std::vector<int>> folds;  // the fold of each repeat; empty: none
  std::vector<bool> test;               // in the published test split
  std::vector<bool> inside;             // of a site with enough patients to contribute

  std::size_t size() const { return outcomes.size(); }
  std::vector<std::size_t> SitesInside() const;
  // The patients of one site as a site reads them; his number among them is that of his row in this table.
  Cohort CohortOf(std::size_t site) const;
  std::vector<std::size_t> RowsOf(std::size_t site) const;
};

struct SiteCohort {
  std::string name;
  Cohort cohort;
  CohortSummary summary;
};
Patients FromCohorts(const std::vector<SiteCohort>& cohorts, std::size_t min_patients);

// One CSV split by a column (RFC 4180, header first, missing = empty); rows without a site are left out. Sites in the
// order of their number, or of their name.
struct CsvColumns {
  std::string site, patient, time, event;
  std::vector<std::string> covariates;
  std::filesystem::path folds;  // CSV: patient, site, repeat1, repeat2, ...; may be empty
  std::size_t min_patients = 0;
};
// kInvalidInput naming file, line and what is wrong.
Result<Patients> ReadCsvPatients(const std::filesystem::path& file, const CsvColumns& columns);

// The header first; each row has as many fields.
struct CsvRow {
  std::size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};
Result<std::vector<CsvRow>> ReadCsv(const std::filesystem::path& file);

}  // namespace fedtrial::sim
