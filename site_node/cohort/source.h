#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "site_node/cohort/table.h"

namespace fedtrial::site {

// Where a column of the plan lies. `table` is null if it can't be had; then `problems` says why.
struct ColumnPlace {
  const Table* table = nullptr;
  std::size_t column = 0;
};

// The tables of one folder, each read once, when a column of it is first asked for.
class Source {
 public:
  Source(std::filesystem::path folder, const CohortOptions& options, Problems& problems, FindingList& findings)
      : folder_(std::move(folder)), options_(options), problems_(problems), findings_(findings) {}

  const Table* Participants() { return Open("participants", RowsPerPatient::kOne); }
  // "outcome.os_day", by this hospital's name for it.
  ColumnPlace Find(const std::string& plan_column, RowsPerPatient rows = RowsPerPatient::kOne);
  // The same of a column that may be absent, with its table or without: then `table` is null and nothing is wrong.
  ColumnPlace FindIfThere(const std::string& plan_column, RowsPerPatient rows = RowsPerPatient::kOne);
  // Whether the file of this column's table is there at all.
  bool HasTable(const std::string& plan_column) const;
  // A column of a table that is open, which may lack it: then `table` is null.
  ColumnPlace ColumnOf(const Table* table, const std::string& plan_column);
  // A problem with a table of the plan.
  void Report(const std::string& table, std::string message) { problems_.Add({table, 0, 0, "", std::move(message)}); }
  // This hospital's name of a column "table.column" or an analyte "table[analyte]" of the plan.
  std::string NameHere(const std::string& plan_column) const;
  void NoteAnalyte(const std::string& plan_name) { found_[plan_name] = NameHere(plan_name); }
  // Every column and analyte that was asked for and is there: the plan's name and this hospital's.
  const std::map<std::string, std::string>& found() const { return found_; }
  const std::map<std::string, std::unique_ptr<Table>>& tables() const { return tables_; }
  // SHA-256("fl/cohort/v1" || plan's hash || mapped names || per table by name: enc(file) || u64 size || bytes).
  Digest DigestWith(const Digest& plan_hash) const;

 private:
  const Table* Open(const std::string& name, RowsPerPatient rows);

  std::filesystem::path folder_;
  const CohortOptions& options_;
  Problems& problems_;
  FindingList& findings_;
  std::map<std::string, std::unique_ptr<Table>> tables_;  // null: can't be used, and that has been said
  std::map<std::string, std::string> found_;
};

}  // namespace fedtrial::site
