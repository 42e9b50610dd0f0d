#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "site_node/cohort/source.h"

namespace fedtrial::site {

// Fields of patients in tables of one row each, and findings with their place.
class PatientFields {
 public:
  explicit PatientFields(FindingList& findings) : findings_(findings) {}

  // n/a if the table doesn't have him, or the plan no such column. An empty field is counted and read as n/a.
  std::string_view Of(const ColumnPlace& place, std::string_view patient);
  void Blame(const ColumnPlace& place, std::string_view patient, std::string message, std::string wanted,
             Severity severity = Severity::kError);
  void TellOfEmptyFields();

 private:
  FindingList& findings_;
  std::map<std::pair<const Table*, std::size_t>, std::size_t> empty_;
};

}  // namespace fedtrial::site
