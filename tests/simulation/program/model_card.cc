#include "tests/simulation/program/model_card.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>

namespace fedtrial::sim {
namespace {

using Json = nlohmann::json;

constexpr char kToWrite[] = "_to be written_";

std::string FigureText(const Json& figure) {
  if (!figure.is_object() || !figure.value("value", Json()).is_number()) return "-";
  std::string text = fmt::format("{:.3f}", figure["value"].get<double>());
  if (figure.value("low", Json()).is_number() && figure.value("high", Json()).is_number())
    text += fmt::format(" [{:.3f}, {:.3f}]", figure["low"].get<double>(), figure["high"].get<double>());
  return text;
}

std::string Discrimination(const Json& figures, const std::string& model) {
  std::string text;
  for (const auto& [set, title] : {std::pair("cross_validated", "cross-validated"),
                                   {"outside", "hospitals outside"},
                                   {"test", "published test split"}}) {
    if (!figures.contains(set)) continue;
    const Json& of = figures[set];
    text += fmt::format("| {} | {} | {} | {} | {} |\n", model, title, FigureText(of.value("federated", Json())),
                        FigureText(of.value("pooled", Json())), FigureText(of.value("local_mean", Json())));
  }
  return text;
}

std::string Calibration(const Json& report) {
  std::string text;
  for (const Json& horizon : report.value("calibration", Json::array())) {
    double worst = 0.0;
    for (const Json& group : horizon["groups"])
      worst = std::max(worst, std::abs(group["predicted"].get<double>() - group["observed"].get<double>()));
    text += fmt::format(
        "- Survival at {} weeks, fifths of predicted risk: largest distance of predicted and observed {:.3f}.\n",
        horizon["week"].get<double>(), worst);
  }
  const Json slopes = report.value("calibration_slope", Json::object());
  for (const auto& [key, title] : {std::pair("as_trained", "as trained"), {"recalibrated", "recalibrated"}})
    if (const Json of = slopes.value(key, Json()); of.is_object())
      text += fmt::format(
          "- Predictions {}: calibration slope {:.3f}, integrated Brier score {:.4f} (Kaplan-Meier's "
          "{:.4f}).\n",
          title, of["slope"].get<double>(), of["brier"].get<double>(), of["kaplan_meier"].get<double>());
  return text.empty() ? "- No calibration in this report.\n" : text;
}

std::string Modalities(const Json& report) {
  if (!report.contains("modalities") || report["modalities"].empty()) return "";
  const Json& sites = report["modalities"];
  std::string head = "| Site | Patients |", rule = "| --- | --- |", text;
  for (const auto& [name, count] : sites.begin()->at("have").items()) {
    head += fmt::format(" {} |", name);
    rule += " --- |";
  }
  for (const auto& [site, of] : sites.items()) {
    text += fmt::format("| {} | {} |", site, of["patients"].get<std::uint64_t>());
    for (const auto& [name, count] : of["have"].items()) text += fmt::format(" {} |", count.get<std::uint64_t>());
    text += '\n';
  }
  return fmt::format("Patients who have each modality (only a demo may read this; a trial sees sums):\n\n{}\n{}\n{}\n",
                     head, rule, text);
}

}  // namespace

std::string ModelCard(const Json& report) {
  const Json concordance = report.value("concordance", Json::object()),
             network = report.value("network", Json::object());
  std::string text = fmt::format(
      "# Model card: {}\n\nTrial `{}`, plan SHA-256 `{}`, {} rounds. Written from report.json; lines \"{}\" want a "
      "person.\n\n"
      "## Intended use\nResearch: support of decisions in the trial, by its statisticians. No medical device, no "
      "clinical use.\n"
      "Population, setting, and who may use it: {}\n\n"
      "## Training\nFederated averaging under secure aggregation; no patient left a hospital. Patients scored here: "
      "{}{}.\n\n{}",
      report.value("title", ""), report.value("trial", ""), report.value("plan_sha256", ""),
      report.value("rounds", Json::array()).size(), kToWrite, kToWrite, report.value("patients", 0),
      report.value("in_sample", false) ? ", **by the model they trained**" : ", by models that hadn't seen them",
      Modalities(report));
  text +=
      "## Discrimination (Harrell's C, 95 % interval)\n| Model | Patients | federated | pooled | mean of single "
      "hospitals |\n"
      "| --- | --- | --- | --- | --- |\n" +
      Discrimination(concordance, "linear") + Discrimination(network, "network") + "\n";
  text += "## Calibration\n" + Calibration(report) + "\n## What the figures allow to say\n";
  for (const Json& remark : report.value("remarks", Json::array()))
    text += fmt::format("- {}\n", remark.get<std::string>());
  text += fmt::format(
      "\n## Known limits\n- No differential privacy: the budget spent is not bounded.\n- Subgroups, drift and "
      "fairness: {}\n"
      "- Failures seen in use: {}\n- Who answers for it, and how to report a fault: {}\n",
      kToWrite, kToWrite, kToWrite);
  return text;
}

}  // namespace fedtrial::sim
