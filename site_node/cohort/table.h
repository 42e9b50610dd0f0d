#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/problems.h"
#include "site_node/cohort/finding_list.h"

namespace fedtrial::site {

// Whether a table has one row a patient, or many (a long table: a row per patient, visit and analyte).
enum class RowsPerPatient { kOne, kMany };

// One TSV file. Fields are views into its bytes, spaces at their ends aside.
struct Table {
  std::string file;  // as findings name it
  std::vector<char> bytes;
  std::vector<std::string_view> header;
  std::vector<std::string_view> fields;  // row-major, header.size() a row
  std::vector<std::size_t> lines;        // of each row, from 1
  std::size_t id_column = 0;
  std::vector<std::size_t> patient_rows;                     // rows that name a patient not named before
  std::unordered_map<std::string_view, std::size_t> row_of;  // patient -> the first row
  // Patients in a row of the wrong length, or twice in a table of one row each.
  std::unordered_set<std::string_view> unusable;
  RowsPerPatient rows_per_patient = RowsPerPatient::kOne;

  std::string_view field(std::size_t row, std::size_t column) const { return fields[row * header.size() + column]; }
  ByteView contents() const { return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}; }
};

struct TableRequest {
  std::filesystem::path path;
  std::string file;       // as findings name it
  std::string id_column;  // "participant_id", or what this hospital calls it
  std::uint64_t max_bytes = 0;
  RowsPerPatient rows_per_patient = RowsPerPatient::kOne;
};

// Reads and splits the file. Null if it can't be used at all: `problems` says why. A bad row is left out and found.
std::unique_ptr<Table> ReadTable(const TableRequest& request, Problems& problems, FindingList& findings);

}  // namespace fedtrial::site
