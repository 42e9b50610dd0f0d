#include "model/survival/discrete_hazard.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace fedtrial {
namespace {

constexpr double kInterceptRidge = 1e-6;  // a bin at risk without an event has no finite maximum without it
constexpr double kConverged = 1e-8;       // largest change of a coefficient
constexpr double kSmallestShare = 1e-6;
constexpr int kMaxIterations = 100;

double Sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }

// log(1 + e^z), exact for large and small z.
double Softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

double Dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double SumOfLosses(const HazardData& data, const HazardModel& model) {
  double sum = 0.0;
  for (std::size_t i = 0; i < data.places.size(); ++i) {
    const double lp = Dot(data.x.row(i), model.beta);
    const GridPlace place = data.places[i];
    for (std::size_t k = 0; k < place.at_risk; ++k) sum += Softplus(model.intercepts[k] + lp);
    if (place.event) sum -= model.intercepts[place.at_risk - 1] + lp;
  }
  return sum;
}

double Objective(const HazardData& data, const HazardModel& model, double theta) {
  return SumOfLosses(data, model) + theta / 2.0 * Dot(model.beta, model.beta) +
         kInterceptRidge / 2.0 * Dot(model.intercepts, model.intercepts);
}

// Gradient and second derivatives of Objective; intercepts first, then the coefficients.
struct Derivatives {
  explicit Derivatives(std::size_t size) : gradient(size), hessian(size, size) {}
  std::vector<double> gradient;
  Matrix hessian;  // lower triangle
};

void AddPatient(std::span<const double> x, GridPlace place, const HazardModel& model, Derivatives& sums) {
  const std::size_t bins = model.intercepts.size();
  const double lp = Dot(x, model.beta);
  double residual = 0.0;
  double curvature = 0.0;
  for (std::size_t k = 0; k < place.at_risk; ++k) {
    const double h = Sigmoid(model.intercepts[k] + lp);
    const double r = h - (place.event && k + 1 == place.at_risk ? 1.0 : 0.0);
    const double v = h * (1.0 - h);
    residual += r;
    curvature += v;
    sums.gradient[k] += r;
    sums.hessian(k, k) += v;
    for (std::size_t j = 0; j < x.size(); ++j) sums.hessian(bins + j, k) += v * x[j];
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    sums.gradient[bins + i] += residual * x[i];
    for (std::size_t j = 0; j <= i; ++j) sums.hessian(bins + i, bins + j) += curvature * x[i] * x[j];
  }
}

Derivatives DerivativesAt(const HazardData& data, const HazardModel& model, double theta) {
  const std::size_t bins = model.intercepts.size();
  Derivatives sums(bins + model.beta.size());
  for (std::size_t i = 0; i < data.places.size(); ++i) AddPatient(data.x.row(i), data.places[i], model, sums);
  for (std::size_t k = 0; k < sums.gradient.size(); ++k) {
    const double ridge = k < bins ? kInterceptRidge : theta;
    sums.gradient[k] += ridge * (k < bins ? model.intercepts[k] : model.beta[k - bins]);
    sums.hessian(k, k) += ridge;
  }
  return sums;
}

HazardModel Moved(const HazardModel& model, std::span<const double> step, double share) {
  HazardModel next = model;
  const std::size_t bins = model.intercepts.size();
  for (std::size_t k = 0; k < bins; ++k) next.intercepts[k] -= share * step[k];
  for (std::size_t j = 0; j < model.beta.size(); ++j) next.beta[j] -= share * step[bins + j];
  return next;
}

}  // namespace

Result<Grid> Grid::FromCuts(std::vector<double> cuts_days) {
  if (cuts_days.empty()) return Error{ErrorCode::kInvalidInput, "grid: there is no cut, at least one is needed"};
  double before = 0.0;
  for (std::size_t k = 0; k < cuts_days.size(); ++k) {
    if (!std::isfinite(cuts_days[k]) || cuts_days[k] <= before)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("grid: cut {} is {} days, wanted a finite value above {}", k, cuts_days[k], before)};
    before = cuts_days[k];
  }
  return Grid(std::move(cuts_days));
}

GridPlace Grid::PlaceOf(const Outcome& outcome) const {
  const auto begin = cuts_.begin();
  if (!outcome.event) return {static_cast<std::size_t>(std::ranges::upper_bound(cuts_, outcome.time) - begin), false};
  const auto bin = static_cast<std::size_t>(std::ranges::lower_bound(cuts_, outcome.time) - begin);
  return {std::min(bin + 1, bins()), bin < bins()};
}

std::vector<GridPlace> Grid::PlacesOf(std::span<const Outcome> outcomes) const {
  std::vector<GridPlace> places(outcomes.size());
  std::ranges::transform(outcomes, places.begin(), [this](const Outcome& outcome) { return PlaceOf(outcome); });
  return places;
}

BinCounts CountBins(std::span<const GridPlace> places, std::size_t bins) {
  BinCounts counts{std::vector<double>(bins), std::vector<double>(bins)};
  for (const GridPlace& place : places) {
    for (std::size_t k = 0; k < std::min(place.at_risk, bins); ++k) counts.at_risk[k] += 1.0;
    if (place.event && place.at_risk >= 1 && place.at_risk <= bins) counts.events[place.at_risk - 1] += 1.0;
  }
  return counts;
}

std::vector<double> StartIntercepts(const BinCounts& counts) {
  std::vector<double> out(counts.events.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    const double hazard = (counts.events[k] + 0.5) / (counts.at_risk[k] + 1.0);
    out[k] = std::log(hazard / (1.0 - hazard));
  }
  return out;
}

Status CheckHazardData(const HazardData& data, const HazardModel& model) {
  if (data.places.empty()) return Error{ErrorCode::kInvalidInput, "hazards: there is no patient"};
  if (data.x.rows != data.places.size())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("hazards: {} rows for {} outcomes", data.x.rows, data.places.size())};
  if (data.x.cols != model.beta.size())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("hazards: {} covariates, {} coefficients", data.x.cols, model.beta.size())};
  for (std::size_t i = 0; i < data.places.size(); ++i) {
    const GridPlace place = data.places[i];
    if (place.at_risk > model.intercepts.size() || (place.event && place.at_risk == 0))
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("hazards: outcome {} does not lie on the {} bins", i, model.intercepts.size())};
  }
  return CheckValues("hazards: covariates", data.x.values, data.x.rows * data.x.cols);
}

double HazardLoss(const HazardData& data, const HazardModel& model) {
  return SumOfLosses(data, model) / static_cast<double>(data.places.size());
}

HazardModel HazardGradient(const HazardData& data, const HazardModel& model, double l2) {
  HazardModel gradient{std::vector<double>(model.intercepts.size()), std::vector<double>(model.beta.size())};
  for (std::size_t i = 0; i < data.places.size(); ++i) {
    const auto x = data.x.row(i);
    const GridPlace place = data.places[i];
    const double lp = Dot(x, model.beta);
    double residual = 0.0;
    for (std::size_t k = 0; k < place.at_risk; ++k) {
      const double event = place.event && k + 1 == place.at_risk ? 1.0 : 0.0;
      const double r = Sigmoid(model.intercepts[k] + lp) - event;
      gradient.intercepts[k] += r;
      residual += r;
    }
    for (std::size_t j = 0; j < x.size(); ++j) gradient.beta[j] += residual * x[j];
  }
  const auto patients = static_cast<double>(data.places.size());
  for (double& value : gradient.intercepts) value /= patients;
  for (std::size_t j = 0; j < gradient.beta.size(); ++j)
    gradient.beta[j] = gradient.beta[j] / patients + l2 * model.beta[j];
  return gradient;
}

HazardModel GradientSteps(const HazardData& data, HazardModel model, const GradientOptions& options) {
  for (int step = 0; step < options.steps; ++step) {
    const HazardModel gradient = HazardGradient(data, model, options.l2);
    for (std::size_t k = 0; k < model.intercepts.size(); ++k)
      model.intercepts[k] -= options.rate * gradient.intercepts[k];
    for (std::size_t j = 0; j < model.beta.size(); ++j) model.beta[j] -= options.rate * gradient.beta[j];
  }
  return model;
}

Result<HazardModel> FitHazards(const HazardData& data, HazardModel start, double theta) {
  RETURN_IF_ERROR(CheckHazardData(data, start));
  if (!(theta >= 0.0) || !std::isfinite(theta))
    return Error{ErrorCode::kInvalidInput, fmt::format("hazards: the ridge is {}, wanted >= 0", theta)};
  HazardModel model = std::move(start);
  double value = Objective(data, model, theta);
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    const Derivatives at = DerivativesAt(data, model, theta);
    const Result<Cholesky> factor = Cholesky::Of(at.hessian);
    if (!factor.ok()) return factor.error().In("hazards: a covariate is constant or a copy of others");
    const std::vector<double> step = factor->Solve(at.gradient);
    double share = 1.0;
    while (share > kSmallestShare &&
           !(Objective(data, Moved(model, step, share), theta) <= value + 1e-12 * std::max(1.0, value)))
      share /= 2.0;
    model = Moved(model, step, share);
    value = Objective(data, model, theta);
    if (!std::isfinite(value)) break;
    const double largest = std::ranges::max(step, {}, [](double change) { return std::abs(change); });
    if (share * std::abs(largest) < kConverged) return model;
  }
  return Error{ErrorCode::kInternal, fmt::format("hazards: no convergence in {} Newton steps", kMaxIterations)};
}

double SurvivalAt(const Grid& grid, std::span<const double> intercepts, double linear_predictor, double day) {
  double log_survival = 0.0;
  double before = 0.0;
  for (std::size_t k = 0; k < grid.bins(); ++k) {
    const double cut = grid.cuts()[k];
    const double share = std::clamp((day - before) / (cut - before), 0.0, 1.0);
    log_survival -= share * Softplus(intercepts[k] + linear_predictor);
    before = cut;
  }
  return std::exp(log_survival);
}

std::vector<double> SurvivalAtCuts(std::span<const double> intercepts, double linear_predictor) {
  std::vector<double> survival(intercepts.size());
  double log_survival = 0.0;
  for (std::size_t k = 0; k < intercepts.size(); ++k) {
    log_survival -= Softplus(intercepts[k] + linear_predictor);
    survival[k] = std::exp(log_survival);
  }
  return survival;
}

}  // namespace fedtrial
