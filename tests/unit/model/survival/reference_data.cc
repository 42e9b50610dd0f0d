#include "reference_data.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

namespace fedtrial {
namespace {

std::vector<std::string> Fields(std::string line) {
  if (line.ends_with('\r')) line.pop_back();
  std::vector<std::string> fields;
  std::stringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
  if (line.ends_with(',')) fields.emplace_back();
  return fields;
}

}  // namespace

Table Table::Read(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  Table table;
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> names = Fields(line);
  for (; std::getline(file, line); ++table.rows) {
    const std::vector<std::string> fields = Fields(line);
    EXPECT_EQ(fields.size(), names.size()) << path << " row " << table.rows;
    for (std::size_t j = 0; j < names.size() && j < fields.size(); ++j) table.columns[names[j]].push_back(fields[j]);
  }
  return table;
}

std::vector<double> Table::Numbers(const std::string& column) const {
  std::vector<double> out;
  for (const std::string& text : columns.at(column))
    out.push_back(text.empty() ? std::numeric_limits<double>::quiet_NaN() : std::stod(text));
  return out;
}

nlohmann::json ReadJson(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  return nlohmann::json::parse(file);
}

std::vector<Outcome> OutcomesOf(const Table& table) {
  const std::vector<double> time = table.Numbers("time");
  const std::vector<double> event = table.Numbers("event");
  std::vector<Outcome> out;
  for (std::size_t i = 0; i < time.size(); ++i) out.push_back({time[i], event[i] == 1.0});
  return out;
}

Matrix ColumnsOf(const Table& table, const std::vector<std::string>& names) {
  Matrix x(table.rows, names.size());
  for (std::size_t j = 0; j < names.size(); ++j) {
    const std::vector<double> column = table.Numbers(names[j]);
    for (std::size_t i = 0; i < table.rows; ++i) x(i, j) = column[i];
  }
  return x;
}

Matrix Pick(const Matrix& all, const std::vector<std::size_t>& rows) {
  Matrix out(rows.size(), all.cols);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < all.cols; ++j) out(i, j) = all(rows[i], j);
  return out;
}

::testing::AssertionResult Agrees(double got, const nlohmann::json& wanted, double tolerance) {
  if (wanted.is_null()) {
    if (!std::isfinite(got)) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "got " << got << ", the reference has no value";
  }
  const double want = wanted.get<double>();
  if (std::abs(got - want) <= tolerance * std::abs(want) + 1e-13) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "got " << nlohmann::json(got) << ", wanted " << wanted << ", relative "
                                       << std::abs(got - want) / std::abs(want);
}

::testing::AssertionResult Agrees(const std::vector<double>& got, const nlohmann::json& wanted, double tolerance) {
  if (got.size() != wanted.size())
    return ::testing::AssertionFailure() << "got " << got.size() << " values, wanted " << wanted.size();
  for (std::size_t i = 0; i < got.size(); ++i)
    if (const auto result = Agrees(got[i], wanted[i], tolerance); !result)
      return ::testing::AssertionFailure() << "value " << i << ": " << result.message();
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult Agrees(const Matrix& got, const nlohmann::json& wanted, double tolerance) {
  if (got.rows != wanted.size())
    return ::testing::AssertionFailure() << "got " << got.rows << " rows, wanted " << wanted.size();
  for (std::size_t i = 0; i < got.rows; ++i)
    if (const auto result = Agrees({got.row(i).begin(), got.row(i).end()}, wanted[i], tolerance); !result)
      return ::testing::AssertionFailure() << "row " << i << ": " << result.message();
  return ::testing::AssertionSuccess();
}

}  // namespace fedtrial
