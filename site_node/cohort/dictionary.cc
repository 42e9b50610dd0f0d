#include "site_node/cohort/dictionary.h"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "proto/plan/units.h"
#include "security/crypto/sha256.h"

namespace fedtrial::site {
namespace {

constexpr std::uintmax_t kMaxBytes = std::uintmax_t{16} << 20;

std::string DictionaryOf(const std::string& table_file) {
  return table_file.substr(0, table_file.rfind('.')) + ".json";
}

}  // namespace

const std::map<std::string, std::string>& Dictionaries::UnitsOf(const Table& table) {
  const std::string file = DictionaryOf(table.file);
  const auto [units, is_new] = units_.try_emplace(file);
  std::error_code error;
  if (!is_new || !std::filesystem::exists(folder_ / file, error)) return units->second;
  std::ifstream in(folder_ / file, std::ios::binary);
  const auto json = std::filesystem::file_size(folder_ / file, error) > kMaxBytes || error
                        ? nlohmann::json()
                        : nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    problems_.Add({file, 0, 0, "", "isn't a dictionary: wanted a JSON object of the table's columns"});
    return units->second;
  }
  for (const auto& [column, entry] : json.items())
    if (entry.is_object() && entry.contains("Units") && entry.at("Units").is_string())
      units->second[column] = entry.at("Units").get<std::string>();
  return units->second;
}

double Dictionaries::FactorTo(const Feature& feature, const ColumnPlace& place) {
  if (place.table == nullptr || feature.unit.empty() || !feature.levels.empty()) return 1.0;
  const std::string column(place.table->header[place.column]);
  const auto& units = UnitsOf(*place.table);
  const auto unit = units.find(column);
  if (unit == units.end() || unit->second.empty() || unit->second == feature.unit) return 1.0;
  const auto factor = ConversionFactor(unit->second, feature.unit);
  if (!factor)
    problems_.Add(
        {DictionaryOf(place.table->file), 0, 0, column,
         fmt::format("its unit \"{}\" can't be converted to the plan's, \"{}\"", unit->second, feature.unit)});
  else if (*factor != 1.0)
    converted_[feature.from] = unit->second;
  return factor.value_or(1.0);
}

Digest Dictionaries::DigestWith(const Digest& tables) const {
  if (converted_.empty()) return tables;
  ByteWriter writer;
  writer.Label("fl/cohort/units/v1").Raw(tables);
  for (const auto& [column, unit] : converted_) writer.Enc(column).Enc(unit);
  return Sha256(writer.bytes());
}

}  // namespace fedtrial::site
