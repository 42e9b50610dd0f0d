#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace fedtrial::sim {

// One HTML file with report.json and Chart.js inside: it loads nothing, from nowhere.
std::string ReportPage(const nlohmann::json& report);

}  // namespace fedtrial::sim
