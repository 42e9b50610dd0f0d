#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "model/survival/matrix.h"
#include "model/survival/outcome.h"
#include "tests/support/data_folders.h"

namespace fedtrial {

// A CSV file without quotation marks: columns of text by name.
struct Table {
  static Table Read(const std::filesystem::path& path);
  std::vector<double> Numbers(const std::string& column) const;  // empty: NaN
  const std::vector<std::string>& Text(const std::string& column) const { return columns.at(column); }
  std::map<std::string, std::vector<std::string>> columns;
  std::size_t rows = 0;
};

nlohmann::json ReadJson(const std::filesystem::path& path);
std::vector<Outcome> OutcomesOf(const Table& table);
Matrix ColumnsOf(const Table& table, const std::vector<std::string>& names);

// `rows` of a table of patients, in that order.
template <typename T>
std::vector<T> Pick(const std::vector<T>& all, const std::vector<std::size_t>& rows) {
  std::vector<T> out;
  for (const std::size_t row : rows) out.push_back(all[row]);
  return out;
}
Matrix Pick(const Matrix& all, const std::vector<std::size_t>& rows);

// Equal to a relative 1e-9; null is anything that isn't finite. 1e-13 of absolute slack for zeros.
::testing::AssertionResult Agrees(double got, const nlohmann::json& wanted, double tolerance = 1e-9);
::testing::AssertionResult Agrees(const std::vector<double>& got, const nlohmann::json& wanted,
                                  double tolerance = 1e-9);
::testing::AssertionResult Agrees(const Matrix& got, const nlohmann::json& wanted, double tolerance = 1e-9);

}  // namespace fedtrial
