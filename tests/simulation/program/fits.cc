#include "tests/simulation/program/fits.h"

#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numeric>
#include <optional>

#include "model/survival/cox.h"
#include "model/training/batch_order.h"
#include "proto/plan/layout.h"

namespace fedtrial::sim {
namespace {

Matrix Select(const Matrix& from, const Rows& rows, const Rows& columns) {
  Matrix out(rows.size(), columns.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < columns.size(); ++j) out(i, j) = from(rows[i], columns[j]);
  return out;
}

Rows FirstNumbers(std::size_t count) {
  Rows rows(count);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

HazardData Part(const HazardData& data, std::span<const std::size_t> rows) {
  HazardData part{Select(data.x, {rows.begin(), rows.end()}, FirstNumbers(data.x.cols)), {}};
  for (const std::size_t i : rows) part.places.push_back(data.places[i]);
  return part;
}

double RateOf(const LocalSettings& local, unsigned round) {
  return local.rate_half > 0 ? local.rate / (1 + round / local.rate_half) : local.rate;
}

}  // namespace

struct Fitter::Prepared {
  Scaling scaling;
  Matrix x;         // all patients, scaled
  HazardData data;  // the training rows
  HazardModel start;
};

Fitter::Fitter(const Patients& patients, const TrainStep& step, Grid grid, Rows columns)
    : patients_(patients),
      step_(step),
      grid_(std::move(grid)),
      places_(grid_.PlacesOf(patients.outcomes)),
      columns_(std::move(columns)) {}

Result<Fitter::Prepared> Fitter::Prepare(const Rows& train, const Rows& columns) const {
  const Matrix raw = Select(patients_.raw, FirstNumbers(patients_.size()), columns);
  Prepared prepared;
  ASSIGN_OR_RETURN(prepared.scaling, FitScaling(raw, train));
  ASSIGN_OR_RETURN(prepared.x, Scaled(raw, prepared.scaling));
  prepared.data.x = Select(prepared.x, train, FirstNumbers(columns.size()));
  for (const std::size_t i : train) prepared.data.places.push_back(places_[i]);
  prepared.start = {StartIntercepts(CountBins(prepared.data.places, grid_.bins())),
                    std::vector<double>(columns.size())};
  RETURN_IF_ERROR(CheckHazardData(prepared.data, prepared.start));
  return prepared;
}

Result<Fit> Fitter::Pooled(const Rows& train, const Rows& columns) const {
  ASSIGN_OR_RETURN(Prepared prepared, Prepare(train, columns));
  ASSIGN_OR_RETURN(HazardModel model, FitHazards(prepared.data, prepared.start, step_.local.ridge));
  std::vector<double> scores = LinearPredictor(prepared.x, model.beta);
  return Fit{std::move(prepared.scaling), std::move(model), std::move(scores)};
}

Result<Fit> Fitter::Alone(const Rows& train, std::size_t patients_of_all, std::uint64_t seed) const {
  ASSIGN_OR_RETURN(Prepared prepared, Prepare(train, columns_));
  const LocalSettings& local = step_.local;
  const double l2 = local.ridge / static_cast<double>(patients_of_all);
  HazardModel model = prepared.start;
  std::optional<BatchOrder> order;
  for (unsigned round = 0; round < step_.rounds; ++round) {
    const double rate = RateOf(local, round);
    if (local.batch == 0 || local.batch >= train.size()) {
      model = GradientSteps(prepared.data, std::move(model), {rate, l2, static_cast<int>(local.steps)});
      continue;
    }
    if (!order) order.emplace(FirstNumbers(train.size()), local.batch, BatchSeed(seed, Digest{}, 0));
    for (unsigned step = 0; step < local.steps; ++step)
      model = GradientSteps(Part(prepared.data, order->Next()), std::move(model), {rate, l2, 1});
  }
  std::vector<double> scores = LinearPredictor(prepared.x, model.beta);
  return Fit{std::move(prepared.scaling), std::move(model), std::move(scores)};
}

Result<Fit> Fitter::Cox(const Rows& train) const {
  ASSIGN_OR_RETURN(Prepared prepared, Prepare(train, columns_));
  std::map<std::size_t, Rows> of_site;
  for (std::size_t i = 0; i < train.size(); ++i) of_site[patients_.site[train[i]]].push_back(i);
  std::vector<CoxStratum> strata;
  for (const auto& [site, rows] : of_site) {
    CoxStratum stratum{Select(prepared.data.x, rows, FirstNumbers(columns_.size())), {}};
    for (const std::size_t i : rows) stratum.outcomes.push_back(patients_.outcomes[train[i]]);
    strata.push_back(std::move(stratum));
  }
  CoxOptions options;
  options.ridge = step_.local.ridge;
  ASSIGN_OR_RETURN(CoxFit fit, FitCox(strata, options));
  std::vector<double> scores = LinearPredictor(prepared.x, fit.beta);
  return Fit{std::move(prepared.scaling), {{}, std::move(fit.beta)}, std::move(scores)};
}

Result<Fit> FederatedFit(const Plan& plan, const Model& model, const Replica& replica, const TrainStep& step,
                         const Patients& patients) {
  const Block* block = plan.FindBlock(step.block);
  if (block == nullptr) return Error{ErrorCode::kInvalidInput, fmt::format("the plan has no block \"{}\"", step.block)};
  ASSIGN_OR_RETURN(const Tensor* beta, model.Find(BetaName(replica, step.block)));
  ASSIGN_OR_RETURN(const Tensor* intercept, model.Find(InterceptName(replica, step.block)));
  ASSIGN_OR_RETURN(const Tensor* mean, model.Find(MeanName(replica)));
  ASSIGN_OR_RETURN(const Tensor* deviation, model.Find(DeviationName(replica)));
  if (beta->size() != block->features.size() || mean->size() != plan.features.size() ||
      deviation->size() != plan.features.size())
    return Error{ErrorCode::kInvalidInput, "the model isn't of this plan: it has other features"};
  Fit fit;
  fit.model = {intercept->ToDoubles(), beta->ToDoubles()};
  for (const std::size_t feature : block->features) {
    fit.scaling.mean.push_back(mean->at(feature));
    fit.scaling.deviation.push_back(deviation->at(feature));
  }
  ASSIGN_OR_RETURN(const Matrix x,
                   Scaled(Select(patients.raw, FirstNumbers(patients.size()), block->features), fit.scaling));
  fit.scores = LinearPredictor(x, fit.model.beta);
  return fit;
}

Result<const TrainStep*> LastTrainStep(const Plan& plan) {
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step)
    if (const auto* train = std::get_if<TrainStep>(&step->settings)) return train;
  return Error{ErrorCode::kInvalidInput, "the plan has no step \"train\": there is nothing to compare"};
}

Result<Grid> GridOf(const Model& model, const TrainStep& step) {
  ASSIGN_OR_RETURN(const Tensor* cuts, model.Find(CutsName(step.endpoint)));
  return Grid::FromCuts(cuts->ToDoubles());
}

}  // namespace fedtrial::sim
