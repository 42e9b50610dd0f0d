#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "site_node/cohort/checks.h"

namespace fedtrial::site {

// A table that is only checked, with any number of rows a patient; each of its columns may be absent.
class CheckRows {
 public:
  CheckRows(const CheckInput& input, Source& source, std::string name, FindingList& findings);

  std::size_t size() const { return table_ == nullptr ? 0 : table_->lines.size(); }
  bool Has(const std::string& column) { return Place(column).table != nullptr; }
  std::string_view Patient(std::size_t row) const { return table_->field(row, table_->id_column); }
  // n/a where the column isn't there or the field is empty.
  std::string_view Field(std::size_t row, const std::string& column);
  // A day or number that the field holds; a bad one is found as an error.
  std::optional<double> Day(std::size_t row, const std::string& column);
  std::optional<double> Number(std::size_t row, const std::string& column);
  void Find(Severity severity, std::size_t row, const std::string& column, std::string message, std::string wanted);

 private:
  ColumnPlace Place(const std::string& column);

  const CheckInput& input_;
  Source& source_;
  std::string name_;
  FindingList& findings_;
  const Table* table_ = nullptr;
  std::map<std::string, ColumnPlace> places_;
};

}  // namespace fedtrial::site
