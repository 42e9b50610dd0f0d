#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "model/samples/sample.h"
#include "proto/plan/plan.h"
#include "site_node/cohort/prepared_visits.h"

namespace fedtrial::site {

enum class Severity { kError, kWarning, kNote };
std::string_view ToString(Severity severity);

// One thing about a site's tables, for the data manager. Line and column (the field's place in the row) count from 1;
// 0: of the whole table. `value` and `patient` are a patient's: they stay at the hospital and in no log.
struct Finding {
  Severity severity = Severity::kError;
  std::string file;  // "participants.tsv", "phenotype/outcome.tsv"
  std::size_t line = 0;
  std::size_t column = 0;
  std::string name;     // of the column in that file; may be empty
  std::string value;    // as it stands there, shortened to 60 bytes
  std::string message;  // what is wrong, without the value
  std::string wanted;

  // "phenotype/outcome.tsv:17:2: os_day: not a number, got "1,5", wanted days >= 0 (error)"
  std::string ToString() const;
};

struct CohortOptions {
  // The plan's column -> this hospital's: "participants.kps" -> "participants.KPS". "<table>.participant_id" too.
  std::map<std::string, std::string> columns = {};
  // For `predict`: patients without an outcome stay (time 0, censored), folds are not read.
  bool without_outcome = false;
  // For `check`: looks also for what changes no sample: plates, jumps of the unit, tumour response, arms, doses,
  // adverse events.
  bool all_checks = false;
  // Which scans can be read as volumes, and under which keys; null: all that are named, each by its path.
  const PreparedVisits* prepared = nullptr;
  std::uint64_t max_table_bytes = std::uint64_t{256} << 20;
};

struct CohortReading {
  Cohort cohort;             // in the order of participants.tsv
  CohortSummary summary;     // patients and events of those who train; "test" in patients_per_block are not among them
  std::size_t rows = 0;      // of participants.tsv
  std::size_t left_out = 0;  // patients with something wrong: a bad value, twice in a table
  std::size_t no_outcome = 0;                  // patients without the endpoint
  std::size_t filtered = 0;                    // patients outside the plan's cohort filter
  std::map<std::string, std::size_t> clipped;  // feature -> values outside its range, moved to its ends
  // Block or "endpoint.<name>" -> patients of the cohort who are left out of it for what is wrong in their tables.
  std::map<std::string, std::size_t> left_out_of;
  std::size_t unprepared_volumes = 0;          // scans that aren't prepared: left out of the samples
  std::map<std::string, std::string> columns;  // the plan's name of what was read -> this hospital's
  std::vector<Finding> findings;               // at most kMaxFindings of each severity; the first ones
  std::size_t more_findings = 0;               // beyond those
  bool has_errors = false;
};
inline constexpr std::size_t kMaxFindings = 500;

// Reads a site's folder (UTF-8 tables, tab between fields, n/a for missing): participants.tsv and
// phenotype/<table>.tsv, one row a patient, or many of the tables whose analytes the plan names; names of volumes (see
// volume_files.h) where it has a block of images. Values are in the plan's unit
// (converted from the row's, or from that of the table's dictionary), transformed and clipped as the plan
// says, NaN where missing; of an analyte the feature is the last value up to day 0, and every visit stands in
// panel_visits. Time and event are those of the plan's first endpoint, the course that of its illness-death endpoint,
// the suspicion that of its head of pseudo-progression, with or without an outcome.
// summary.patients_per_block, of those who train: "feature_<name>" patients with a value; a linear block all patients
// (0 if none has a value of its features); static, panel and mri those with a value, visit or volume; fusion those with
// any of these; a head those whose target is known; "test" the rows of the published test split. summary.digest binds
// plan, tables and volumes. A bad patient is left out, a patient with bad rows of a long table, bad volumes or a course
// that contradicts itself of what that spoils; each is counted and has a finding. kInvalidInput with every problem if a
// table can't be used: missing, unreadable, not UTF-8, no header, a column missing or twice, too large.
Result<CohortReading> ReadCohort(const Plan& plan, const std::filesystem::path& folder,
                                 const CohortOptions& options = {});

// Whether a patient has what a block other than linear reads or, of a head, predicts.
bool Fills(const Plan& plan, const Block& block, const Sample& sample);

bool HasErrors(const CohortReading& reading);
// One finding a line, errors first, then how many patients were read, left out, filtered and clipped.
std::string FindingsText(const CohortReading& reading);

}  // namespace fedtrial::site
