#include "tests/simulation/cohort/table_text.h"

#include <cassert>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace fedtrial::sim {

TableText::TableText(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (std::size_t i = 0; i < columns_.size(); ++i) text_ += (i == 0 ? "" : "\t") + columns_[i].name;
  text_ += '\n';
}

void TableText::Row(const std::vector<std::string>& fields) {
  assert(fields.size() == columns_.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) text_ += '\t';
    text_ += fields[i].empty() ? kMissing : fields[i];
  }
  text_ += '\n';
  ++rows_;
}

Status TableText::Write(const std::filesystem::path& folder, const std::string& name) const {
  nlohmann::ordered_json dictionary;
  for (const Column& column : columns_) {
    nlohmann::ordered_json& entry = dictionary[column.name];
    entry["Description"] = column.about;
    if (!column.unit.empty()) entry["Units"] = column.unit;
    for (const auto& [value, meaning] : column.levels) entry["Levels"][value] = meaning;
  }
  RETURN_IF_ERROR(WriteFile(folder / (name + ".tsv"), text_));
  return WriteFile(folder / (name + ".json"), dictionary.dump(2) + "\n");
}

std::string Number(double value, int digits) { return fmt::format("{:.{}g}", value, digits); }
std::string Number(int value) { return fmt::format("{}", value); }
std::string Number(std::optional<int> value) { return value ? Number(*value) : kMissing; }
std::string YesNo(bool value) { return value ? "Y" : "N"; }

Status WriteFile(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (!out) return Error{ErrorCode::kUnavailable, fmt::format("{} can't be written", file.string())};
  return {};
}

Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return Error{ErrorCode::kUnavailable, fmt::format("{} can't be made: {}", folder.string(), error.message())};
  return {};
}

}  // namespace fedtrial::sim
