#include "site_node/shell/check_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fedtrial::site {
namespace {

std::string Verdict(const Plan& plan, const CohortReading& reading) {
  if (reading.summary.patients < plan.cohort.min_patients)
    return fmt::format("This site has {} patients, the plan asks for at least {}: it declines every round.",
                       reading.summary.patients, plan.cohort.min_patients);
  return fmt::format("This site contributes with {} patients, {} of them with the event.", reading.summary.patients,
                     reading.summary.events);
}

}  // namespace

std::string CheckText(const Plan& plan, const CohortReading& reading) {
  std::string text = FindingsText(reading);
  if (!text.empty() && text.back() != '\n') text += '\n';
  text += "Patients with a value, by feature:\n";
  for (const Feature& feature : plan.features) {
    const auto found = reading.summary.patients_per_block.find("feature_" + feature.name);
    text += fmt::format("  {:28} {:6}\n", feature.name,
                        found == reading.summary.patients_per_block.end() ? 0 : found->second);
  }
  return text + Verdict(plan, reading);
}

std::string CheckJson(const Plan& plan, const CohortReading& reading) {
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
  }
  return out;
}

}  // namespace fedtrial::site
