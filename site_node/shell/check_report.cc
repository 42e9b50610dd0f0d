#include "site_node/shell/check_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "site_node/cohort/gate.h"

namespace fedtrial::site {
namespace {

std::string MappingText(const CohortReading& reading) {
  std::string text;
  for (const auto& [wanted, here] : reading.columns)
    if (wanted != here) text += fmt::format("  {:28} {}\n", wanted, here);
  return text.empty() ? text : "Read under this hospital's own names (site.toml, [columns]):\n" + text;
}

std::string TasksText(const Plan& plan, const CohortReading& reading, const Gate& gate) {
  std::string text =
      fmt::format("{:40} {:>8} {:>8} {:>10}\n", "Patients who train, by task:", "patients", "left out", "published");
  for (const TaskCount& task : gate.tasks)
    text += fmt::format("  {:38} {:8} {:8} {:>10}\n", fmt::format("{} ({})", task.name, task.kind), task.patients,
                        task.left_out, Suppressed(task.patients, plan.cohort.min_cell));
  if (gate.modalities.empty()) return text;
  text += fmt::format("Patients who train, by what is known of them ({}):\n", fmt::join(gate.modalities, ", "));
  for (const ModalityPattern& pattern : gate.patterns) {
    text += "  ";
    for (const bool has : pattern.has) text += has ? " x" : " -";
    text += fmt::format(" {:6} {:>10}\n", pattern.patients, Suppressed(pattern.patients, plan.cohort.min_cell));
  }
  return text + fmt::format("(published: as a table of this site alone would show it; of {} patients in the cohort)\n",
                            reading.summary.patients);
}

nlohmann::json TasksJson(const Gate& gate) {
  nlohmann::json tasks = nlohmann::json::array();
  for (const TaskCount& task : gate.tasks)
    tasks.push_back(
        {{"name", task.name}, {"kind", task.kind}, {"patients", task.patients}, {"left_out", task.left_out}});
  return tasks;
}

nlohmann::json PatternsJson(const Gate& gate) {
  nlohmann::json patterns = nlohmann::json::array();
  for (const ModalityPattern& pattern : gate.patterns)
    patterns.push_back({{"has", pattern.has}, {"patients", pattern.patients}});
  return patterns;
}

}  // namespace

std::string CheckVerdict(const Plan& plan, const CohortReading& reading) {
  if (reading.summary.patients < plan.cohort.min_patients)
    return fmt::format("This site has {} patients, the plan asks for at least {}: it declines every round.",
                       reading.summary.patients, plan.cohort.min_patients);
  return fmt::format("This site contributes with {} patients, {} of them with the event.", reading.summary.patients,
                     reading.summary.events);
}

std::string CheckText(const Plan& plan, const CohortReading& reading) {
  std::string text = FindingsText(reading);
  if (!text.empty() && text.back() != '\n') text += '\n';
  text += "Patients with a value, by feature:\n";
  for (const Feature& feature : plan.features) {
    const auto found = reading.summary.patients_per_block.find("feature_" + feature.name);
    text += fmt::format("  {:28} {:6}\n", feature.name,
                        found == reading.summary.patients_per_block.end() ? 0 : found->second);
  }
  text += TasksText(plan, reading, GateOf(plan, reading));
  text += MappingText(reading);
  return text + CheckVerdict(plan, reading);
}

std::string CheckJson(const Plan& plan, const CohortReading& reading) {
  const Gate gate = GateOf(plan, reading);
  nlohmann::json findings = nlohmann::json::array();
  for (const Finding& finding : reading.findings)
    findings.push_back({{"severity", ToString(finding.severity)},
                        {"file", finding.file},
                        {"line", finding.line},
                        {"column", finding.column},
                        {"name", finding.name},
                        {"value", finding.value},
                        {"message", finding.message},
                        {"wanted", finding.wanted}});
  return nlohmann::json({{"rows", reading.rows},
                         {"patients", reading.summary.patients},
                         {"events", reading.summary.events},
                         {"left_out", reading.left_out},
                         {"filtered", reading.filtered},
                         {"no_outcome", reading.no_outcome},
                         {"left_out_of", reading.left_out_of},
                         {"unprepared_volumes", reading.unprepared_volumes},
                         {"columns", reading.columns},
                         {"tasks", TasksJson(gate)},
                         {"modalities", gate.modalities},
                         {"modality_patterns", PatternsJson(gate)},
                         {"patients_per_block", reading.summary.patients_per_block},
                         {"clipped", reading.clipped},
                         {"findings", findings},
                         {"more_findings", reading.more_findings},
                         {"contributes", reading.summary.patients >= plan.cohort.min_patients}})
      .dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string PredictionText(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("patients") || !json.contains("times_days")) return text;
  std::string out =
      fmt::format("Predicted survival, model {}. Research decision support, no device.\n", json.value("model", ""));
  for (const auto& patient : json.at("patients")) {
    out += fmt::format("{}  risk {:+.3f}\n", patient.value("patient", ""), patient.value("risk", 0.0));
    const auto& survival = patient.at("survival");
    for (std::size_t i = 0; i < survival.size() && i < json.at("times_days").size(); ++i)
      out += fmt::format("  day {:6.0f}  {:.3f}\n", json.at("times_days")[i].get<double>(), survival[i].get<double>());
    const auto probabilities = patient.find("probabilities");
    if (probabilities == patient.end()) continue;
    for (const auto& [head, probability] : probabilities->items())
      out += probability.is_number() ? fmt::format("  {}  {:.3f}\n", head, probability.get<double>())
                                     : fmt::format("  {}  nothing to predict\n", head);
  }
  return out;
}

}  // namespace fedtrial::site
