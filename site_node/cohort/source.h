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

  const Table* Participants() { return Open("participants"); }
  // "outcome.os_day", by this hospital's name for it.
  ColumnPlace Find(const std::string& plan_column);
  const std::map<std::string, std::unique_ptr<Table>>& tables() const { return tables_; }
  // SHA-256("fl/cohort/v1" || plan's hash || mapped names || per table by name: enc(file) || u64 size || bytes).
  Digest DigestWith(const Digest& plan_hash) const;

 private:
  const Table* Open(const std::string& name);

  std::filesystem::path folder_;
  const CohortOptions& options_;
  Problems& problems_;
  FindingList& findings_;
  std::map<std::string, std::unique_ptr<Table>> tables_;  // null: can't be used, and that has been said
};

}  // namespace fedtrial::site
