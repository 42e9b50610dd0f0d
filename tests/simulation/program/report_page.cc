#include "tests/simulation/program/report_page.h"

#include <string_view>

#include "tests/simulation/program/embedded.h"

namespace fedtrial::sim {
namespace {

void Put(std::string& page, std::string_view mark, const std::string& text) {
  if (const std::size_t place = page.find(mark); place != std::string::npos) page.replace(place, mark.size(), text);
}

// JSON inside a script element: no '<' can end it.
std::string ScriptSafe(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  }
  return safe;
}

}  // namespace

std::string ReportPage(const nlohmann::json& report) { return PageOf(kReportHtml, kReportJs, report); }

std::string PageOf(std::string_view html, std::string_view script, const nlohmann::json& report) {
  std::string page(html);
  Put(page, "/*PAGE_CSS*/", std::string(kPageCss));
  Put(page, "/*CHART_JS*/", std::string(kChartJs));
  Put(page, "/*REPORT_JS*/", std::string(script));
  Put(page, "/*REPORT_JSON*/",
      ScriptSafe(report.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace)));
  return page;
}

}  // namespace fedtrial::sim
