#include "tests/simulation/program/calibration_figures.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "model/survival/brier.h"
#include "model/survival/calibration.h"
#include "model/survival/kaplan_meier.h"
#include "proto/plan/layout.h"
#include "proto/plan/recalibrate.h"

namespace fedtrial::sim {
namespace {

bool IsOfRecalibration(std::string_view tensor) {
  return WithoutReplica(tensor).starts_with(RecalibrationName(Replica{}, ""));
}

}  // namespace

Result<CalibrationFigures> CalibrationOf(std::span<const Outcome> outcomes, const site::Scores& scores,
                                         std::span<const double> days, std::span<const Outcome> trained) {
  constexpr double kSmallest = 1e-9;
  const std::size_t middle = std::min(days.size(), days.size() / 2 + 1);
  std::vector<double> predictor;
  std::vector<std::vector<double>> survival(middle);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const std::vector<double> curve = scores.SurvivalOf(i);
    for (std::size_t k = 0; k < middle; ++k) survival[k].push_back(curve[k]);
    predictor.push_back(std::log(-std::log(std::clamp(curve[middle - 1], kSmallest, 1.0 - kSmallest))));
  }
  ASSIGN_OR_RETURN(const CalibrationSlope slope, SlopeOf(outcomes, predictor));
  ASSIGN_OR_RETURN(const KaplanMeier curve, KaplanMeier::Of(trained));
  ASSIGN_OR_RETURN(const StepFunction censoring, CensoringSurvival(outcomes));
  std::vector<double> times, of_model, of_curve;
  for (std::size_t k = 0; k < middle; ++k) {
    const std::vector<double> same(outcomes.size(), curve.curve().At(days[k]));
    ASSIGN_OR_RETURN(const double model, BrierScore(outcomes, survival[k], days[k], censoring));
    ASSIGN_OR_RETURN(const double baseline, BrierScore(outcomes, same, days[k], censoring));
    times.push_back(days[k]);
    of_model.push_back(model);
    of_curve.push_back(baseline);
  }
  CalibrationFigures figures{slope.slope};
  ASSIGN_OR_RETURN(figures.brier, IntegratedTrapezoid(times, of_model));
  ASSIGN_OR_RETURN(figures.kaplan_meier, IntegratedTrapezoid(times, of_curve));
  return figures;
}

Model WithoutRecalibration(Model model) {
  std::erase_if(model.tensors, [](const auto& tensor) { return IsOfRecalibration(tensor.first); });
  return model;
}

bool IsRecalibrated(const Model& model) {
  return std::ranges::any_of(model.tensors, [](const auto& tensor) { return IsOfRecalibration(tensor.first); });
}

}  // namespace fedtrial::sim
