#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "site_node/cohort/source.h"

namespace fedtrial::site {

// The units that a table's dictionary gives its columns: BIDS, <table>.json beside the table, {"age_y": {"Units":
// "year"}}. A table may have none.
class Dictionaries {
 public:
  Dictionaries(std::filesystem::path folder, Problems& problems) : folder_(std::move(folder)), problems_(problems) {}

  // What a value of the column is multiplied by to be in the feature's unit: 1 where either names none. A problem for
  // units that can't be converted.
  double FactorTo(const Feature& feature, const ColumnPlace& place);
  // `tables` bound to the units that were converted; `tables` itself where none was.
  Digest DigestWith(const Digest& tables) const;

 private:
  const std::map<std::string, std::string>& UnitsOf(const Table& table);

  std::filesystem::path folder_;
  Problems& problems_;
  std::map<std::string, std::map<std::string, std::string>> units_;  // file -> column -> unit
  std::map<std::string, std::string> converted_;                     // the plan's column -> the dictionary's unit
};

}  // namespace fedtrial::site
