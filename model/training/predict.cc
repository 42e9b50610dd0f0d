#include "model/training/predict.h"

#include <cmath>
#include <numeric>

namespace fedtrial {

Result<std::vector<SurvivalCurve>> PredictCurves(const Matrix& raw, const Scaling& scaling, const HazardModel& model) {
  RETURN_IF_ERROR(CheckValues("predict: coefficients", model.beta, raw.cols));
  RETURN_IF_ERROR(CheckValues("predict: intercepts", model.intercepts, model.intercepts.size()));
  ASSIGN_OR_RETURN(const Matrix x, Scaled(raw, scaling));
  RETURN_IF_ERROR(CheckValues("predict: scaled features", x.values, x.values.size()));
  std::vector<SurvivalCurve> curves;
  for (const double risk : LinearPredictor(x, model.beta)) {
    SurvivalCurve curve{.risk = risk, .hazard = {}, .survival = SurvivalAtCuts(model.intercepts, risk)};
    for (const double intercept : model.intercepts) curve.hazard.push_back(1.0 / (1.0 + std::exp(-intercept - risk)));
    curves.push_back(std::move(curve));
  }
  return curves;
}

}  // namespace fedtrial
