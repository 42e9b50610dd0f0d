#include "site_node/cohort/source.h"

#include <algorithm>
#include <fmt/format.h>

#include "security/crypto/sha256.h"

namespace fedtrial::site {
namespace {

constexpr std::string_view kIdColumn = "participant_id";

// A file name without folders or dots: a mapped name can't leave the site's folder.
bool IsTableName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string FileOf(const std::string& table) {
  return table == "participants" ? "participants.tsv" : fmt::format("phenotype/{}.tsv", table);
}

}  // namespace

const Table* Source::Open(const std::string& name, RowsPerPatient rows) {
  if (const auto found = tables_.find(name); found != tables_.end()) {
    const Table* table = found->second.get();
    if (table == nullptr || table->rows_per_patient == rows) return table;
    problems_.Add({table->file, 0, 0, "", "the plan reads this table with one row a patient and with many"});
    return nullptr;
  }
  TableRequest request;
  request.file = FileOf(name);
  request.path = folder_ / request.file;
  request.max_bytes = options_.max_table_bytes;
  request.rows_per_patient = rows;
  request.id_column = kIdColumn;
  const auto mapped = options_.columns.find(fmt::format("{}.{}", name, kIdColumn));
  if (mapped != options_.columns.end()) request.id_column = mapped->second.substr(mapped->second.find('.') + 1);
  return (tables_[name] = ReadTable(request, problems_, findings_)).get();
}

std::string Source::NameHere(const std::string& plan_column) const {
  const auto mapped = options_.columns.find(plan_column);
  return mapped == options_.columns.end() ? plan_column : mapped->second;
}

ColumnPlace Source::Find(const std::string& plan_column, RowsPerPatient rows) {
  const std::string here = NameHere(plan_column);
  const std::size_t dot = here.find('.');
  const std::string table_name = here.substr(0, dot);
  if (dot == std::string::npos || !IsTableName(table_name)) {
    problems_.Add({"", 0, 0, plan_column, fmt::format("\"{}\" is no column, wanted \"table.column\"", here)});
    return {};
  }
  const Table* table = Open(table_name, rows);
  if (table == nullptr) return {};
  const auto found = std::ranges::find(table->header, here.substr(dot + 1));
  if (found == table->header.end()) {
    problems_.Add({table->file, 1, 0, here.substr(dot + 1),
                   fmt::format("the plan wants this column ({}), the header doesn't have it", plan_column)});
    return {};
  }
  found_[plan_column] = here;
  return {table, static_cast<std::size_t>(found - table->header.begin())};
}

bool Source::HasTable(const std::string& plan_column) const {
  const std::string here = NameHere(plan_column);
  const std::string table = here.substr(0, here.find('.'));
  std::error_code error;
  return IsTableName(table) && std::filesystem::exists(folder_ / FileOf(table), error);
}

ColumnPlace Source::FindIfThere(const std::string& plan_column, RowsPerPatient rows) {
  if (!HasTable(plan_column)) return {};
  const std::string here = NameHere(plan_column);
  return ColumnOf(Open(here.substr(0, here.find('.')), rows), plan_column);
}

ColumnPlace Source::ColumnOf(const Table* table, const std::string& plan_column) {
  if (table == nullptr) return {};
  const std::string here = NameHere(plan_column);
  const auto found = std::ranges::find(table->header, here.substr(here.find('.') + 1));
  if (found == table->header.end()) return {};
  found_[plan_column] = here;
  return {table, static_cast<std::size_t>(found - table->header.begin())};
}

Digest Source::DigestWith(const Digest& plan_hash) const {
  Sha256Stream hash;
  ByteWriter front;
  front.Label("fl/cohort/v1").Raw(plan_hash).U32(static_cast<std::uint32_t>(options_.columns.size()));
  for (const auto& [plan_column, here] : options_.columns) front.Enc(plan_column).Enc(here);
  hash.Update(front.bytes());
  for (const auto& [name, table] : tables_) {
    if (table == nullptr) continue;
    hash.Update(ByteWriter().Enc(table->file).U64(table->bytes.size()).bytes());
    hash.Update(table->contents());
  }
  return hash.Finish();
}

}  // namespace fedtrial::site
