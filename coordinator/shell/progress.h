#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace fedtrial::coordinator {

// Words for people, made of StatusJson's fields.
std::string ProgressLine(const nlohmann::json& status);  // where it stands now
std::string AttemptLine(const nlohmann::json& attempt);  // one of "recent"
std::string StatusText(const nlohmann::json& status);    // `status`
std::string ReportText(const nlohmann::json& report);    // `report`, of ReportJson
std::string FormatBytes(std::uint64_t bytes);            // "12.3 MB", decimal
std::string FormatSeconds(double seconds);               // "42 s", "3 min", "2 h 5 min"

}  // namespace fedtrial::coordinator
