#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/plan/plan.h"
#include "site_node/cohort/source.h"

namespace fedtrial::site {

// Turns what tables say of a time into days from the patient's day 0 (first fraction of radiotherapy). Dates end here.
class DayReader {
 public:
  DayReader() = default;  // tables have days alone
  // Reads each patient's date of day 0, where the plan names its column. A date that can't be read is found.
  static DayReader Read(const Plan& plan, Source& source, FindingList& findings);

  struct Reading {
    std::optional<double> day;
    std::string why;  // there is no day
  };
  Reading DayOf(std::string_view text, std::string_view patient) const;
  std::string Wanted() const;  // the form of a day, for findings

 private:
  bool dates_ = false;
  std::unordered_map<std::string_view, double> zero_;  // views into the table, which outlives this
};

}  // namespace fedtrial::site
