#include "tests/simulation/program/comparison.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial::sim {
namespace {

template <typename Predicate>
Rows Where(const Patients& patients, Predicate wanted) {
  Rows rows;
  for (std::size_t i = 0; i < patients.size(); ++i)
    if (wanted(i)) rows.push_back(i);
  return rows;
}

Result<Rows> ColumnsOf(const Patients& patients, const std::vector<std::string>& names) {
  Rows columns;
  for (const std::string& name : names) {
    const auto found = std::find(patients.covariates.begin(), patients.covariates.end(), name);
    if (found == patients.covariates.end())
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("no covariate \"{}\"; there are {}", name, fmt::join(patients.covariates, ", "))};
    columns.push_back(static_cast<std::size_t>(found - patients.covariates.begin()));
  }
  return columns;
}

// All models of one replica, by the names of Scores.
using Fits = std::map<std::string, Fit>;

Result<Fits> FitAll(const Plan& plan, const Model& federated, const Replica& replica, const TrainStep& step,
                    const Fitter& fitter, const Patients& patients, const ComparisonOptions& options) {
  const Rows train = TrainingRows(patients, replica);
  Fits fits;
  ASSIGN_OR_RETURN(fits["federated"], FederatedFit(plan, federated, replica, step, patients));
  ASSIGN_OR_RETURN(fits["pooled"], fitter.Pooled(train, fitter.columns()));
  ASSIGN_OR_RETURN(fits["cox"], fitter.Cox(train));
  for (const auto& names : options.reduced) {
    ASSIGN_OR_RETURN(const Rows columns, ColumnsOf(patients, names));
    ASSIGN_OR_RETURN(fits[fmt::format("reduced/{}", fmt::join(names, ","))], fitter.Pooled(train, columns));
  }
  for (const std::size_t site : patients.SitesInside()) {
    Rows mine;
    std::copy_if(train.begin(), train.end(), std::back_inserter(mine),
                 [&](std::size_t i) { return patients.site[i] == site; });
    if (mine.empty())
      return Error{ErrorCode::kInvalidInput, fmt::format("{} has no patient to train on in {}", patients.sites[site],
                                                         replica.prefix.empty() ? "the full model" : replica.prefix)};
    ASSIGN_OR_RETURN(fits["local/" + patients.sites[site]], fitter.Alone(mine, train.size(), plan.seed));
  }
  return fits;
}

Scores ScoresOf(Fits fits) {
  Scores scores;
  for (auto& [name, fit] : fits) scores[name] = std::move(fit.scores);
  return scores;
}

// Patients scored by the full models; none if no two of them can be compared.
Result<std::optional<Figures>> ScoreOnce(const Patients& patients, const Rows& members, const Fits& fits,
                                         const ComparisonOptions& options) {
  Scoreboard board(patients, options.bootstrap, options.seed);
  if (members.size() < 2 || !board.AddRepeat({{members, ScoresOf(fits)}}, 1.0).ok()) return std::optional<Figures>();
  ASSIGN_OR_RETURN(Figures figures, board.Finish());
  return std::optional<Figures>(std::move(figures));
}

}  // namespace

Rows TrainingRows(const Patients& patients, const Replica& replica) {
  return Where(patients, [&](std::size_t i) {
    return patients.inside[i] && replica.TrainsOn(patients.folds[i], patients.test[i]);
  });
}

Rows HeldBackRows(const Patients& patients, const Replica& replica) {
  return Where(patients, [&](std::size_t i) {
    return patients.inside[i] && !patients.test[i] && !replica.TrainsOn(patients.folds[i], false);
  });
}

Result<Comparison> Compare(const Plan& plan, const Model& federated, const Patients& patients,
                           const ComparisonOptions& options) {
  ASSIGN_OR_RETURN(const TrainStep* step, LastTrainStep(plan));
  ASSIGN_OR_RETURN(Grid grid, GridOf(federated, *step));
  const Block* block = plan.FindBlock(step->block);
  if (block == nullptr) return Error{ErrorCode::kInternal, "the plan's train step has no block"};
  const Fitter fitter(patients, *step, std::move(grid), block->features);

  Comparison comparison;
  const std::vector<Replica> replicas = Replicas(plan);
  Scoreboard board(patients, options.bootstrap, options.seed);
  std::vector<std::pair<Rows, Scores>> test_sets;
  for (std::size_t r = 0; r < replicas.size(); ++r) {
    const Replica& replica = replicas[r];
    auto fits = FitAll(plan, federated, replica, *step, fitter, patients, options);
    if (!fits.ok()) return fits.error().In(replica.prefix.empty() ? "full model" : replica.prefix);
    if (options.progress) options.progress(r + 1, replicas.size());
    if (replica.repeat == 0) {
      comparison.models = std::move(*fits);
      continue;
    }
    test_sets.emplace_back(HeldBackRows(patients, replica), ScoresOf(std::move(*fits)));
    if (replica.fold < plan.folds.folds) continue;
    RETURN_IF_ERROR(board.AddRepeat(test_sets, 1.0 / plan.folds.repeats));
    test_sets.clear();
  }
  if (plan.folds.repeats > 0) {
    ASSIGN_OR_RETURN(comparison.cross_validated, board.Finish());
  }
  const Rows outside = Where(patients, [&](std::size_t i) { return !patients.inside[i]; });
  ASSIGN_OR_RETURN(comparison.outside, ScoreOnce(patients, outside, comparison.models, options));
  const Rows test = Where(patients, [&](std::size_t i) { return patients.inside[i] && patients.test[i]; });
  ASSIGN_OR_RETURN(comparison.test, ScoreOnce(patients, test, comparison.models, options));
  return comparison;
}

}  // namespace fedtrial::sim
