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

}  // namespace

const Table* Source::Open(const std::string& name) {
  if (const auto found = tables_.find(name); found != tables_.end()) return found->second.get();
  TableRequest request;
  request.file = name == "participants" ? "participants.tsv" : fmt::format("phenotype/{}.tsv", name);
  request.path = folder_ / request.file;
  request.max_bytes = options_.max_table_bytes;
  request.id_column = kIdColumn;
  const auto mapped = options_.columns.find(fmt::format("{}.{}", name, kIdColumn));
  if (mapped != options_.columns.end()) request.id_column = mapped->second.substr(mapped->second.find('.') + 1);
  return (tables_[name] = ReadTable(request, problems_, findings_)).get();
}

ColumnPlace Source::Find(const std::string& plan_column) {
  const auto mapped = options_.columns.find(plan_column);
  const std::string& here = mapped == options_.columns.end() ? plan_column : mapped->second;
  const std::size_t dot = here.find('.');
  const std::string table_name = here.substr(0, dot);
  if (dot == std::string::npos || !IsTableName(table_name)) {
    problems_.Add({"", 0, 0, plan_column, fmt::format("\"{}\" is no column, wanted \"table.column\"", here)});
    return {};
  }
  const Table* table = Open(table_name);
  if (table == nullptr) return {};
  const auto found = std::ranges::find(table->header, here.substr(dot + 1));
  if (found == table->header.end()) {
    problems_.Add({table->file, 1, 0, here.substr(dot + 1),
                   fmt::format("the plan wants this column ({}), the header doesn't have it", plan_column)});
    return {};
  }
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
