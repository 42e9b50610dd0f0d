#include "tests/simulation/program/experiment_summary.h"

#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <map>
#include <numeric>

#include "tests/simulation/program/embedded.h"
#include "tests/simulation/program/report_page.h"

namespace fedtrial::sim {
namespace {

using Json = nlohmann::json;

const std::vector<std::string> kModels = {"truth", "federated", "pooled", "local_mean", "linear"};

double MeanOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double DeviationOf(const std::vector<double>& values) {
  if (values.size() < 2) return 0.0;
  const double mean = MeanOf(values);
  double sum = 0.0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

Json Spread(const std::vector<double>& values) { return {{"mean", MeanOf(values)}, {"sd", DeviationOf(values)}}; }

Json WithInterval(const std::vector<double>& values) {
  const double mean = MeanOf(values);
  const double half = 1.96 * DeviationOf(values) / std::sqrt(static_cast<double>(values.size()));
  return {{"mean", mean}, {"low", mean - half}, {"high", mean + half}};
}

template <typename Pick>
std::vector<double> Each(const std::vector<const Json*>& records, Pick&& pick) {
  std::vector<double> values;
  for (const Json* record : records) values.push_back(pick(*record));
  return values;
}

Json OfSignal(const std::vector<const Json*>& records) {
  const auto c = [](const Json& record, const std::string& model) {
    return record.at("concordance").at(model).get<double>();
  };
  Json summary = {{"seeds", records.size()}, {"landmark_days", records.front()->at("landmark_days")}};
  for (const std::string& model : kModels)
    summary["concordance"][model] = Spread(Each(records, [&](const Json& r) { return c(r, model); }));
  for (const std::string other : {"pooled", "local_mean", "linear"})
    summary["federated_minus"][other] =
        WithInterval(Each(records, [&](const Json& r) { return c(r, "federated") - c(r, other); }));
  for (const auto& [modality, unused] : records.front()->at("concordance").at("without").items())
    summary["without"][modality] = MeanOf(Each(records, [&](const Json& r) {
      return c(r, "federated") - r.at("concordance").at("without").at(modality).get<double>();
    }));
  for (const std::string when : {"as_trained", "recalibrated"})
    summary["calibration_slope"][when] =
        Spread(Each(records, [&](const Json& r) { return r.at("calibration_slope").at(when).get<double>(); }));
  for (const std::string of : {"federated", "recalibrated", "kaplan_meier"})
    summary["brier"][of] = Spread(Each(records, [&](const Json& r) { return r.at("brier").at(of).get<double>(); }));
  for (const std::string of : {"federated", "recalibrated"})
    summary["brier_below_kaplan_meier"][of] = MeanOf(Each(records, [&](const Json& r) {
      return r.at("brier").at(of).get<double>() < r.at("brier").at("kaplan_meier").get<double>() ? 1.0 : 0.0;
    }));
  summary["seconds"] = MeanOf(Each(records, [](const Json& r) { return r.at("seconds").get<double>(); }));
  return summary;
}

void AddGoal(Json& goals, const std::string& goal, double figure, const std::string& wanted, bool met) {
  goals.push_back({{"goal", goal}, {"figure", figure}, {"wanted", wanted}, {"met", met}});
}

// design/MODEL.md, G4 to G8.
Json GoalsOf(const Json& signals) {
  Json goals = Json::array();
  for (const auto& [name, signal] : signals.items()) {
    const auto minus = [&signal](const char* other) { return signal["federated_minus"][other]["mean"].get<double>(); };
    const double c = signal["concordance"]["federated"]["mean"].get<double>();
    const double slope = signal["calibration_slope"]["recalibrated"]["mean"].get<double>();
    const double score = signal["brier"]["recalibrated"]["mean"].get<double>();
    const double curve = signal["brier"]["kaplan_meier"]["mean"].get<double>();
    if (name == "none") {
      AddGoal(goals, "none: concordance", c, "0.50 +- 0.02", std::abs(c - 0.5) <= 0.02);
      continue;
    }
    AddGoal(goals, name + ": federated minus pooled", minus("pooled"), ">= -0.02", minus("pooled") >= -0.02);
    AddGoal(goals, name + ": federated minus single sites", minus("local_mean"), ">= 0.05",
            minus("local_mean") >= 0.05);
    const double wanted = name == "linear" ? -0.01 : 0.03;
    AddGoal(goals, name + ": federated minus the linear model", minus("linear"), fmt::format(">= {}", wanted),
            minus("linear") >= wanted);
    AddGoal(goals, name + ": calibration slope, recalibrated", slope, "0.8 to 1.2", slope >= 0.8 && slope <= 1.2);
    AddGoal(goals, name + ": Brier score, recalibrated", score, fmt::format("< {:.3f} of Kaplan-Meier", curve),
            score < curve);
  }
  return goals;
}

}  // namespace

Result<Json> SummariseExperiments(const std::vector<Json>& records) {
  try {
    std::map<std::string, std::vector<const Json*>> of_signal;
    for (const Json& record : records) of_signal[record.at("signal").get<std::string>()].push_back(&record);
    Json summary = {{"simulated", true}, {"signals", Json::object()}};
    for (const auto& [signal, of] : of_signal) summary["signals"][signal] = OfSignal(of);
    summary["goals"] = GoalsOf(summary["signals"]);
    return summary;
  } catch (const Json::exception& failure) {
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("not the output of `fedtrial-sim experiment`: {}", failure.what())};
  }
}

std::string SummaryText(const Json& summary) {
  std::string text = fmt::format("{:<12} {:>5}", "SIMULATED", "seeds");
  for (const std::string& model : kModels) text += fmt::format(" {:>15}", model);
  text += '\n';
  for (const auto& [name, signal] : summary["signals"].items()) {
    text += fmt::format("{:<12} {:>5}", name, signal["seeds"].get<std::size_t>());
    for (const std::string& model : kModels) {
      const Json& figure = signal["concordance"][model];
      text += fmt::format(" {:>15}",
                          fmt::format("{:.3f} +- {:.3f}", figure["mean"].get<double>(), figure["sd"].get<double>()));
    }
    text += '\n';
  }
  text += fmt::format("\n{:<12} {:>20} {:>20} {:>15} {:>15} {:>15}\n", "calibration", "slope as trained",
                      "slope recalibrated", "Brier, trained", "recalibrated", "Kaplan-Meier");
  for (const auto& [name, signal] : summary["signals"].items()) {
    const Json &slope = signal["calibration_slope"], &brier = signal["brier"];
    const auto mean = [](const Json& figure) { return figure["mean"].get<double>(); };
    const auto spread = [](const Json& figure) {
      return fmt::format("{:.2f} +- {:.2f}", figure["mean"].get<double>(), figure["sd"].get<double>());
    };
    text += fmt::format("{:<12} {:>20} {:>20} {:>15.4f} {:>15.4f} {:>15.4f}\n", name, spread(slope["as_trained"]),
                        spread(slope["recalibrated"]), mean(brier["federated"]), mean(brier["recalibrated"]),
                        mean(brier["kaplan_meier"]));
  }
  text += '\n';
  for (const Json& goal : summary["goals"])
    text +=
        fmt::format("{:<4} {:<44} {:>7.3f}  wanted {}\n", goal["met"].get<bool>() ? "met" : "NOT",
                    goal["goal"].get<std::string>(), goal["figure"].get<double>(), goal["wanted"].get<std::string>());
  return text;
}

std::string SummaryPage(const Json& summary) { return PageOf(kExperimentHtml, kExperimentJs, summary); }

}  // namespace fedtrial::sim
