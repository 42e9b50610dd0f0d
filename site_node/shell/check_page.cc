#include "site_node/shell/check_page.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "common/runtime/page_server.h"
#include "site_node/cohort/gate.h"
#include "site_node/shell/check_report.h"

namespace fedtrial::site {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Check of the data folder</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root { color-scheme: light dark; --error: #a00; --warning: #860; }
@media (prefers-color-scheme: dark) { :root { --error: #f88; --warning: #fc6; } }
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; overflow-wrap: anywhere; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin-top: 2em; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #8886; padding: .2em 1em .2em 0; text-align: left; vertical-align: top; }
td.n { text-align: right; } .error { color: var(--error); } .warning { color: var(--warning); }
</style></head><body>
)";

class Page {
 public:
  void Heading(std::string_view text) { html_ += fmt::format("<h2>{}</h2>\n", EscapeHtml(text)); }
  void Paragraph(std::string_view text, std::string_view style = "") {
    html_ += fmt::format("<p class=\"{}\">{}</p>\n", style, EscapeHtml(text));
  }
  void Begin(const std::vector<std::string>& titles) {
    html_ += "<table><tr>";
    for (const std::string& title : titles) html_ += fmt::format("<th>{}</th>", EscapeHtml(title));
    html_ += "</tr>\n";
  }
  void Row(const std::vector<std::string>& cells, std::string_view style = "") {
    html_ += fmt::format("<tr class=\"{}\">", style);
    for (const std::string& cell : cells) html_ += fmt::format("<td>{}</td>", EscapeHtml(cell));
    html_ += "</tr>\n";
  }
  void End() { html_ += "</table>\n"; }
  std::string Take(std::string_view title) && {
    return fmt::format("{}<h1>{}</h1>\n{}</body></html>\n", kHead, EscapeHtml(title), html_);
  }

 private:
  std::string html_;
};

std::string Number(std::size_t count) { return fmt::format("{}", count); }
std::string PlaceNumber(std::size_t place) { return place == 0 ? "" : Number(place); }

void AddFindings(const CohortReading& reading, Page& page) {
  page.Heading("Findings");
  std::vector<const Finding*> sorted;
  for (const Finding& finding : reading.findings) sorted.push_back(&finding);
  std::ranges::stable_sort(sorted, {}, &Finding::severity);
  if (sorted.empty()) return page.Paragraph("None.");
  page.Begin({"", "File", "Row", "Column", "Name", "Value", "What is wrong", "Wanted"});
  for (const Finding* finding : sorted)
    page.Row({std::string(ToString(finding->severity)), finding->file, PlaceNumber(finding->line),
              PlaceNumber(finding->column), finding->name, finding->value, finding->message, finding->wanted},
             ToString(finding->severity));
  page.End();
  if (reading.more_findings > 0) page.Paragraph(fmt::format("And {} more.", reading.more_findings));
}

void AddTasks(const Plan& plan, const Gate& gate, Page& page) {
  page.Heading("Patients who train, by task");
  page.Begin({"Task", "Kind", "Patients", "Left out for an error", "As a table of this site would show it"});
  for (const TaskCount& task : gate.tasks)
    page.Row({task.name, task.kind, Number(task.patients), Number(task.left_out),
              Suppressed(task.patients, plan.cohort.min_cell)});
  page.End();
  if (gate.modalities.empty()) return;
  page.Heading("Patients who train, by what is known of them");
  std::vector<std::string> titles = gate.modalities;
  titles.insert(titles.end(), {"Patients", "As a table of this site would show it"});
  page.Begin(titles);
  for (const ModalityPattern& pattern : gate.patterns) {
    std::vector<std::string> cells;
    for (const bool has : pattern.has) cells.emplace_back(has ? "yes" : "-");
    cells.push_back(Number(pattern.patients));
    cells.push_back(Suppressed(pattern.patients, plan.cohort.min_cell));
    page.Row(cells);
  }
  page.End();
}

void AddFeatures(const Plan& plan, const CohortReading& reading, Page& page) {
  page.Heading("Patients with a value, by feature");
  page.Begin({"Feature", "From", "Here", "Unit", "Patients", "Values clipped"});
  for (const Feature& feature : plan.features) {
    const auto here = reading.columns.find(feature.from);
    const auto clipped = reading.clipped.find(feature.name);
    page.Row({feature.name, feature.from, here == reading.columns.end() ? feature.from : here->second, feature.unit,
              Number(reading.summary.patients_per_block.at("feature_" + feature.name)),
              Number(clipped == reading.clipped.end() ? 0 : clipped->second)});
  }
  page.End();
}

}  // namespace

std::string CheckPage(const Plan& plan, std::string_view site, const CohortReading& reading) {
  Page page;
  page.Paragraph(CheckVerdict(plan, reading), HasErrors(reading) ? "warning" : "");
  page.Paragraph(
      fmt::format("{} rows of participants.tsv: {} patients in the cohort, {} left out, {} without an "
                  "outcome, {} outside the plan's filter. Plan {}.",
                  reading.rows, reading.cohort.samples.size(), reading.left_out, reading.no_outcome, reading.filtered,
                  ToHex(plan.hash)));
  page.Paragraph("This page has values of patients: it stays at this hospital.");
  AddFindings(reading, page);
  const Gate gate = GateOf(plan, reading);
  AddTasks(plan, gate, page);
  AddFeatures(plan, reading, page);
  return std::move(page).Take(fmt::format("Data folder of {} for trial {}", site, plan.trial_id));
}

}  // namespace fedtrial::site
