#include "proto/plan/recalibrate.h"

#include <algorithm>
#include <cmath>

#include "coordinator/tasks/kinds.h"
#include "model/survival/recalibration.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

using Recalibrations = std::vector<Recalibration>;  // by landmark

Result<std::vector<RecalibrationSums>> SumsOf(const Sum& sum, const std::string& tensor) {
  ASSIGN_OR_RETURN(const auto values, Statistic(sum, tensor));
  std::vector<RecalibrationSums> by_landmark(values.size() / kRecalibrationSums);
  auto row = values.begin();
  for (RecalibrationSums& sums : by_landmark) {
    sums.events = row[kEventSum];
    std::copy_n(row + kScoreSum, sums.score.size(), sums.score.begin());
    std::copy_n(row + kInformationSum, sums.information.size(), sums.information.begin());
    row += kRecalibrationSums;
  }
  return by_landmark;
}

// As trained everywhere, about centres; zeros (about nothing) where too little tells.
Result<Recalibrations> Centred(const Sum& sum, const Replica& replica, std::size_t landmarks) {
  const std::string tensor = replica.prefix + "recalibration/centre";
  ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, tensor));
  ASSIGN_OR_RETURN(const auto values, Statistic(sum, tensor));
  const auto bins = static_cast<std::ptrdiff_t>(values.size() / landmarks / 2);
  Recalibrations recalibrations;
  for (auto row = values.begin(); row != values.end(); row += 2 * bins) {
    const auto middle = row + bins;
    Recalibration& one = recalibrations.emplace_back();
    if (contributors >= kMinContributors) one.centre = CentresOf({{row, middle}, {middle, middle + bins}});
    if (one.centre.empty() || !IsUsable(one)) one.centre.assign(static_cast<std::size_t>(bins), 0.0);
  }
  return recalibrations;
}

bool IsCentred(const Recalibration& at) {
  return std::ranges::any_of(at.centre, [](double centre) { return centre != 0.0; });
}

// A step from `at` with the landmarks that `tells` is true of; the others stay as trained, and so do all if nothing
// fits.
template <typename Tells>
Recalibrations Stepped(const std::vector<RecalibrationSums>& sums, const Recalibrations& at, double towards_one,
                       Tells&& tells) {
  Recalibrations next, used;
  std::vector<RecalibrationSums> sums_used;
  std::vector<std::size_t> places;
  for (std::size_t l = 0; l < at.size(); ++l) {
    next.push_back({0.0, 1.0, at[l].centre});
    if (sums[l].events < kMinRecalibrationEvents || !tells(l)) continue;
    places.push_back(l);
    sums_used.push_back(sums[l]);
    used.push_back(at[l]);
  }
  const auto step = NewtonStep(sums_used, used, towards_one * static_cast<double>(used.size()));
  if (step.ok())
    for (std::size_t i = 0; i < places.size(); ++i) next[places[i]] = (*step)[i];
  return next;
}

Result<Recalibrations> NextConstants(const Sum& sum, const Replica& replica, const Recalibrations& at) {
  const std::string tensor = replica.prefix + "recalibration/sums";
  ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, tensor));
  ASSIGN_OR_RETURN(const auto sums, SumsOf(sum, tensor));
  Recalibrations next = Stepped(sums, at, kTowardsOne,
                                [&](std::size_t l) { return contributors >= kMinContributors && IsCentred(at[l]); });
  if (!std::ranges::all_of(next, IsUsable))
    for (Recalibration& one : next) one = {0.0, 1.0, std::move(one.centre)};
  return next;
}

bool ChangeNothing(const Recalibrations& recalibrations) {
  return std::ranges::all_of(recalibrations, &Recalibration::ChangesNothing);
}

// Slope, and intercept by landmark; null at one that is left as trained, and everywhere if all are.
json FiguresOf(const Recalibrations& recalibrations) {
  json out = {{"slope", nullptr}, {"intercepts", json::array()}};
  for (const Recalibration& one : recalibrations) {
    out["intercepts"].push_back(one.ChangesNothing() ? json() : json(one.intercept));
    if (!one.ChangesNothing()) out["slope"] = one.slope;
  }
  return out;
}

// What is still wrong with predictions: one step of Newton's method from no recalibration, exact where nothing is.
json Remaining(const std::vector<RecalibrationSums>& sums) {
  return FiguresOf(Stepped(sums, Recalibrations(sums.size()), 0.0, [](std::size_t) { return true; }));
}

}  // namespace

Result<Outcome> FinishRecalibrate(const FinishedSum& finished, Model before) {
  const auto& [plan, task, sum, server, start_file] = finished;
  ASSIGN_OR_RETURN(const RecalibrateStep step, RecalibrationAt(plan, task));
  const Block& block = *plan.FindBlock(step.block);
  const Block& predictor = *PredictorOf(plan, block, step.endpoint);
  const std::size_t landmarks = RecalibratedDays(plan, predictor, step.endpoint).size();
  const unsigned round = task.position.round_in_step;
  json result = {{"block", step.block},   {"predictor", predictor.name}, {"round", round + 1},
                 {"rounds", step.rounds}, {"events", nullptr},           {"after", nullptr},
                 {"left", json::array()}};
  Outcome outcome;
  outcome.next = std::move(before);
  for (const Replica& replica : Replicas(plan, block)) {
    const std::string name = RecalibrationName(replica, predictor.name);
    Recalibrations next;
    if (round == 0) {
      ASSIGN_OR_RETURN(next, Centred(sum, replica, landmarks));
    } else {
      ASSIGN_OR_RETURN(const Tensor* at, outcome.next->Find(name));
      ASSIGN_OR_RETURN(next, NextConstants(sum, replica, RecalibrationsFrom(at->ToDoubles(), landmarks)));
      if (ChangeNothing(next)) result["left"].push_back(replica.prefix);
    }
    if (replica.repeat == 0) result.update(FiguresOf(next));
    const std::vector<double> values = ValuesOf(next);
    outcome.next->tensors[name] = Tensor::OfType(ScalarType::kFloat64, {landmarks, values.size() / landmarks}, values);
  }
  if (round > 0) {
    ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, "recalibration/after"));
    if (contributors >= kMinContributors) {
      ASSIGN_OR_RETURN(const auto after, SumsOf(sum, "recalibration/after"));
      // Of the first landmark; the mean over repeats of one number.
      result["events"] = Published(plan, std::floor(after.front().events + 0.5));
      result["after"] = Remaining(after);
    }
  }
  outcome.result_json = result.dump();
  return outcome;
}

}  // namespace fedtrial::coordinator
