#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace fedtrial::sim {

// One HTML file with report.json and Chart.js inside: it loads nothing, from nowhere.
std::string ReportPage(const nlohmann::json& report);
// The same of another page and its script, with the marks /*CHART_JS*/, /*REPORT_JS*/ and /*REPORT_JSON*/.
std::string PageOf(std::string_view html, std::string_view script, const nlohmann::json& report);

}  // namespace fedtrial::sim
