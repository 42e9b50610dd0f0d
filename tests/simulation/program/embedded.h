#pragma once

#include <string_view>

namespace fedtrial::sim {

// Files that CMake has put into the program.
extern const std::string_view kChartJs;                        // Chart.js 3 (MIT), from Debian's libjs-chart.js
extern const std::string_view kPageCss;                        // page.css
extern const std::string_view kReportHtml;                     // report.html of this folder
extern const std::string_view kReportJs;                       // report.js
extern const std::string_view kExperimentHtml, kExperimentJs;  // experiment.html, experiment.js

}  // namespace fedtrial::sim
