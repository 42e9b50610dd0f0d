#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/plan/plan.h"
#include "proto/plan/toml_reader.h"

namespace fedtrial {

// Readers of the plan's sections; of this room alone. Problems are reported at the table's key.

// 1 to `longest` of a-z, 0-9 and `more`.
bool IsName(std::string_view text, std::string_view more, std::size_t longest);
// "table.column": the table is a file of the site's folder, the column as its header has it.
bool IsColumn(std::string_view text);
std::string ReadColumn(TomlTable& table, std::string_view key, std::optional<std::string> fallback = {});

void ReadFeatures(TomlTable& root, Plan& plan);
void ReadBlocks(TomlTable& root, Plan& plan);   // features and endpoints are read already
void ReadNetwork(TomlTable table, Plan& plan);  // so are blocks
void ReadImaging(TomlTable table, Plan& plan);

}  // namespace fedtrial
