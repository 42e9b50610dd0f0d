#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace fedtrial::sim {

struct Column {
  std::string name;
  std::string about;
  std::string unit = {};                                         // "" where there is none
  std::vector<std::pair<std::string, std::string>> levels = {};  // of text: value, what it means
};

// A BIDS table: UTF-8, tabs, n/a for missing, with a JSON dictionary of its columns.
class TableText {
 public:
  explicit TableText(std::vector<Column> columns);
  void Row(const std::vector<std::string>& fields);  // as many as columns; "" is written as n/a
  std::size_t rows() const { return rows_; }
  // <folder>/<name>.tsv and .json.
  Status Write(const std::filesystem::path& folder, const std::string& name) const;

 private:
  std::vector<Column> columns_;
  std::string text_;
  std::size_t rows_ = 0;
};

inline constexpr char kMissing[] = "n/a";
std::string Number(double value, int digits = 4);  // significant digits, as short as they allow
std::string Number(int value);
std::string Number(std::optional<int> value);  // n/a where there is none
std::string YesNo(bool value);                 // "Y", "N"

Status WriteFile(const std::filesystem::path& file, const std::string& text);
Status MakeFolder(const std::filesystem::path& folder);

}  // namespace fedtrial::sim
