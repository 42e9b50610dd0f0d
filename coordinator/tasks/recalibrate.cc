#include "proto/plan/recalibrate.h"

#include <algorithm>
#include <cmath>

#include "coordinator/tasks/kinds.h"
#include "model/survival/recalibration.h"

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

Result<RecalibrationSums> SumsOf(const Sum& sum, const std::string& tensor) {
  ASSIGN_OR_RETURN(const auto values, Statistic(sum, tensor));
  RecalibrationSums sums;
  sums.events = values[kEventSum];
  std::copy_n(values.begin() + kScoreSum, sums.score.size(), sums.score.begin());
  std::copy_n(values.begin() + kInformationSum, sums.information.size(), sums.information.begin());
  return sums;
}

Result<Recalibration> Centred(const Sum& sum, const Replica& replica, std::size_t bins) {
  const std::string tensor = replica.prefix + "recalibration/centre";
  ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, tensor));
  ASSIGN_OR_RETURN(const auto values, Statistic(sum, tensor));
  Recalibration recalibration;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(bins);
  if (contributors >= kMinContributors)
    recalibration.centre = CentresOf({{values.begin(), middle}, {middle, values.end()}});
  recalibration.centre.resize(bins);  // zeros: around nothing
  return IsUsable(recalibration) ? recalibration : Recalibration{0.0, 1.0, std::vector<double>(bins)};
}

// The next constants of a replica; those that leave predictions as they are where too little tells.
Result<Recalibration> NextConstants(const Sum& sum, const Replica& replica, const Recalibration& at) {
  const std::string tensor = replica.prefix + "recalibration/sums";
  const Recalibration none{0.0, 1.0, at.centre};
  ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, tensor));
  ASSIGN_OR_RETURN(const RecalibrationSums sums, SumsOf(sum, tensor));
  const bool centred = std::ranges::any_of(at.centre, [](double centre) { return centre != 0.0; });
  if (!centred || contributors < kMinContributors || sums.events < kMinRecalibrationEvents) return none;
  const auto next = NewtonStep(sums, at, kTowardsOne);
  return next.ok() && IsUsable(*next) ? *next : none;
}

// What is still wrong with predictions: one step of Newton's method from no recalibration, exact where nothing is.
json Remaining(const RecalibrationSums& sums) {
  json out = {{"slope", nullptr}, {"intercept", nullptr}};
  const auto step = NewtonStep(sums, Recalibration{});
  if (!step.ok()) return out;
  out["slope"] = step->slope;
  out["intercept"] = step->intercept;
  return out;
}

}  // namespace

Result<Outcome> FinishRecalibrate(const FinishedSum& finished, Model before) {
  const auto& [plan, task, sum, server, start_file] = finished;
  ASSIGN_OR_RETURN(const RecalibrateStep step, RecalibrationAt(plan, task));
  const Block& block = *plan.FindBlock(step.block);
  const std::string predictor = PredictorOf(plan, block, step.endpoint)->name;
  const unsigned round = task.position.round_in_step;
  ASSIGN_OR_RETURN(const std::size_t first, sum.Find(round == 0 ? "recalibration/centre" : "recalibration/sums"));
  const std::size_t bins = round == 0 ? sum.values(first).size() / 2 : 0;
  json result = {{"block", step.block},   {"predictor", predictor}, {"round", round + 1},
                 {"rounds", step.rounds}, {"slope", nullptr},       {"intercept", nullptr},
                 {"events", nullptr},     {"after", nullptr},       {"left", json::array()}};
  Outcome outcome;
  outcome.next = std::move(before);
  for (const Replica& replica : Replicas(plan, block)) {
    const std::string name = RecalibrationName(replica, predictor);
    Recalibration next;
    if (round == 0) {
      ASSIGN_OR_RETURN(next, Centred(sum, replica, bins));
    } else {
      ASSIGN_OR_RETURN(const Tensor* constants, outcome.next->Find(name));
      const std::vector<double> values = constants->ToDoubles();
      ASSIGN_OR_RETURN(next, NextConstants(sum, replica, {values[0], values[1], {values.begin() + 2, values.end()}}));
      if (next.ChangesNothing()) result["left"].push_back(replica.prefix);
    }
    std::vector<double> values = {next.intercept, next.slope};
    values.insert(values.end(), next.centre.begin(), next.centre.end());
    outcome.next->tensors[name] = Tensor::Of(values);
    if (replica.repeat == 0 && !next.ChangesNothing()) {
      result["slope"] = next.slope;
      result["intercept"] = next.intercept;
    }
  }
  if (round == 0) {
    outcome.result_json = result.dump();
    return outcome;
  }
  ASSIGN_OR_RETURN(const std::uint64_t contributors, Contributors(sum, "recalibration/after"));
  if (contributors >= kMinContributors) {
    ASSIGN_OR_RETURN(const RecalibrationSums after, SumsOf(sum, "recalibration/after"));
    result["events"] = Published(plan, std::floor(after.events + 0.5));  // the mean over repeats of one number
    result["after"] = Remaining(after);
  }
  outcome.result_json = result.dump();
  return outcome;
}

}  // namespace fedtrial::coordinator
