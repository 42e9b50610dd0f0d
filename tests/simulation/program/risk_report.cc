#include "tests/simulation/program/risk_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "model/survival/calibration.h"
#include "model/survival/risk_groups.h"
#include "tests/simulation/program/calibration_figures.h"
#include "tests/simulation/program/comparison.h"
#include "tests/simulation/program/patient_scores.h"

namespace fedtrial::sim {
namespace {

using Json = nlohmann::json;

constexpr double kDaysPerWeek = 7.0;
constexpr std::array kHorizonWeeks{26.0, 52.0, 78.0};
constexpr std::array kGroupNames{"low risk", "middle risk", "high risk"};
constexpr std::size_t kCalibrationGroups = 5;
constexpr std::size_t kAtRiskColumns = 7;

// Patients with predictions of a model that hasn't seen them.
struct Predicted {
  std::vector<Outcome> outcomes;
  std::vector<double> risk;
  std::vector<std::vector<double>> survival;  // by horizon
  Matrix logits;                              // of the hazards
  Matrix as_trained;                          // the same without a recalibration
  bool in_sample = false;
};

class Predictor {
 public:
  Predictor(const Plan& plan, const Model& model, const std::vector<SiteCohort>& cohorts, const Patients& patients,
            const TrainStep& step, Grid grid)
      : plan_(plan),
        model_(model),
        cohorts_(cohorts),
        patients_(patients),
        step_(step),
        block_(*plan.FindBlock(step.block)),
        grid_(std::move(grid)),
        scorer_(plan) {
    for (const double week : kHorizonWeeks)
      if (week * kDaysPerWeek <= grid_.cuts().back()) weeks_.push_back(week);
    predicted_.survival.resize(weeks_.size());
  }

  Status Run() {
    const std::vector<Replica> replicas = Replicas(plan_, block_);
    for (const Replica& replica : replicas)
      if (replica.repeat == 1) RETURN_IF_ERROR(Add(replica, HeldBackRows(patients_, replica)));
    if (!predicted_.risk.empty()) return {};
    Rows test;
    for (std::size_t i = 0; i < patients_.size(); ++i)
      if (patients_.inside[i] && patients_.test[i]) test.push_back(i);
    if (!test.empty()) return Add(replicas[0], test);
    predicted_.in_sample = true;
    return Add(replicas[0], TrainingRows(patients_, replicas[0]));
  }
  const Predicted& predicted() const { return predicted_; }
  const std::vector<double>& weeks() const { return weeks_; }

 private:
  Status Add(const Replica& replica, const Rows& rows) {
    ASSIGN_OR_RETURN(const site::Scores scores, scorer_.Score(model_, cohorts_, replica, block_, step_.endpoint));
    Append(scores.logits, rows, predicted_.logits);
    if (IsRecalibrated(model_)) {
      ASSIGN_OR_RETURN(const site::Scores as_trained,
                       scorer_.Score(WithoutRecalibration(model_), cohorts_, replica, block_, step_.endpoint));
      Append(as_trained.logits, rows, predicted_.as_trained);
    }
    for (const std::size_t i : rows) {
      predicted_.outcomes.push_back(patients_.outcomes[i]);
      predicted_.risk.push_back(scores.risk[i]);
      for (std::size_t h = 0; h < weeks_.size(); ++h)
        predicted_.survival[h].push_back(SurvivalAt(grid_, scores.logits.row(i), 0.0, weeks_[h] * kDaysPerWeek));
    }
    return {};
  }

  static void Append(const Matrix& logits, const Rows& rows, Matrix& into) {
    into.cols = logits.cols;
    into.rows += rows.size();
    for (const std::size_t i : rows) std::ranges::copy(logits.row(i), std::back_inserter(into.values));
  }

  const Plan& plan_;
  const Model& model_;
  const std::vector<SiteCohort>& cohorts_;
  const Patients& patients_;
  const TrainStep& step_;
  const Block& block_;
  const Grid grid_;
  PatientScorer scorer_;
  std::vector<double> weeks_;
  Predicted predicted_;
};

// Round weeks from 0 to the last time of the grid or of the follow-up.
std::vector<double> AtRiskWeeks(const Grid& grid, const std::vector<Outcome>& outcomes) {
  double last = 0.0;
  for (const Outcome& outcome : outcomes) last = std::max(last, outcome.time);
  last = std::min(last, grid.cuts().back()) / kDaysPerWeek;
  const double step = std::max(1.0, std::ceil(last / (kAtRiskColumns - 1) / 13.0)) * 13.0;  // quarters of a year
  std::vector<double> weeks;
  for (double week = 0.0; week <= last; week += step) weeks.push_back(week);
  return weeks;
}

Json CurveJson(const RiskGroup& group, const char* name) {
  Json weeks = {0.0}, survival = {1.0};
  for (const KaplanMeierStep& step : group.curve.steps()) {
    weeks.push_back(step.counts.time / kDaysPerWeek);
    survival.push_back(step.survival);
  }
  return {{"name", name},   {"patients", group.patients}, {"events", group.events},
          {"weeks", weeks}, {"survival", survival},       {"at_risk", group.at_risk}};
}

Result<Json> CalibrationJson(const Predicted& predicted, const std::vector<double>& weeks) {
  Json json = Json::array();
  for (std::size_t h = 0; h < weeks.size(); ++h) {
    ASSIGN_OR_RETURN(const auto groups, CalibrateByGroups(predicted.outcomes, predicted.survival[h],
                                                          weeks[h] * kDaysPerWeek, kCalibrationGroups));
    Json list = Json::array();
    for (const CalibrationGroup& group : groups)
      list.push_back({{"patients", group.patients},
                      {"events", group.events},
                      {"predicted", group.mean_predicted},
                      {"observed", group.observed},
                      {"low", group.limits.lower},
                      {"high", group.limits.upper}});
    json.push_back({{"week", weeks[h]}, {"groups", std::move(list)}});
  }
  return json;
}

// Null where the patients don't allow a figure (no event, everybody censored before the middle of the grid).
Json SlopeJson(const Predicted& predicted, const Grid& grid) {
  const auto of = [&](const Matrix& logits) -> Json {
    if (logits.rows == 0) return nullptr;
    const auto figures = CalibrationOf(predicted.outcomes, {predicted.risk, logits}, grid.cuts(), predicted.outcomes);
    if (!figures.ok()) return nullptr;
    return {{"slope", figures->slope}, {"brier", figures->brier}, {"kaplan_meier", figures->kaplan_meier}};
  };
  const bool recalibrated = predicted.as_trained.rows > 0;
  return {{"as_trained", of(recalibrated ? predicted.as_trained : predicted.logits)},
          {"recalibrated", recalibrated ? of(predicted.logits) : Json()}};
}

}  // namespace

Result<Json> RiskReport(const Plan& plan, const Model& model, const std::vector<SiteCohort>& cohorts,
                        const Patients& patients) {
  ASSIGN_OR_RETURN(const TrainStep* step, LastTrainStep(plan));
  ASSIGN_OR_RETURN(const Grid grid, GridOf(model, *step));
  Predictor predictor(plan, model, cohorts, patients, *step, grid);
  RETURN_IF_ERROR(predictor.Run());
  const Predicted& predicted = predictor.predicted();

  const std::vector<double> weeks = AtRiskWeeks(grid, predicted.outcomes);
  std::vector<double> days = weeks;
  for (double& day : days) day *= kDaysPerWeek;
  ASSIGN_OR_RETURN(const auto groups, CurvesByRisk(predicted.outcomes, predicted.risk, kGroupNames.size(), days));
  Json curves = Json::array();
  for (std::size_t g = 0; g < groups.size(); ++g) curves.push_back(CurveJson(groups[g], kGroupNames[g]));
  ASSIGN_OR_RETURN(Json calibration, CalibrationJson(predicted, predictor.weeks()));
  return Json{{"patients", predicted.risk.size()},     {"in_sample", predicted.in_sample},
              {"risk_groups", std::move(curves)},      {"at_risk_weeks", weeks},
              {"calibration", std::move(calibration)}, {"calibration_slope", SlopeJson(predicted, grid)}};
}

}  // namespace fedtrial::sim
