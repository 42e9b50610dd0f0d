#include "proto/plan/recalibrate.h"

#include <span>
#include <vector>

#include "model/survival/recalibration.h"
#include "site_node/tasks/scores.h"
#include "site_node/tasks/task_kinds.h"

namespace fedtrial::site {
namespace {

std::vector<double> ValuesOf(const RecalibrationSums& sums) {
  const auto& [aa, ab, bb] = sums.information;
  return {sums.events, sums.score[0], sums.score[1], aa, ab, bb};
}

class Recalibrating {
 public:
  Recalibrating(const TaskInput& input, TaskContext& context, const RecalibrateStep& step, const Block& block,
                Grid grid)
      : input_(input),
        context_(context),
        step_(step),
        block_(block),
        grid_(std::move(grid)),
        replicas_(Replicas(input.plan, block)),
        constants_(replicas_.size()),
        scores_(replicas_.size()) {}

  Result<Contribution> Run() {
    ContributionBuilder builder(input_.manifest);
    if (CountTrue(TrainsIn(Replica{}, input_.cohort)) == 0) return std::move(builder).Take(context_.cohort);
    RETURN_IF_ERROR(ReadConstants());
    RETURN_IF_ERROR(Score());
    const bool first = input_.task.position.round_in_step == 0;
    for (std::size_t r = 0; r < replicas_.size(); ++r) {
      const std::string block = replicas_[r].prefix + "recalibration";
      builder.FillBlock(block, 1);
      if (first)
        RETURN_IF_ERROR(builder.Set(block + "/centre", LogitsFor(r)));
      else
        RETURN_IF_ERROR(builder.Set(block + "/sums", ValuesOf(SumsFor(r))));
    }
    if (!first) RETURN_IF_ERROR(builder.Set("recalibration/after", ValuesOf(SumsAfter())));
    return std::move(builder).Take(context_.cohort);
  }

 private:
  Status ReadConstants() {
    if (input_.task.position.round_in_step == 0) return {};
    const Block* predictor = PredictorOf(input_.plan, block_, step_.endpoint);
    for (std::size_t r = 0; r < replicas_.size(); ++r) {
      ASSIGN_OR_RETURN(constants_[r], RecalibrationOf(input_.before, replicas_[r], predictor->name, grid_.bins()));
    }
    return {};
  }

  // Only the replicas of cross-validation: the full model has seen everybody.
  Status Score() {
    ScoredInput scored{input_.plan, input_.cohort, input_.before};
    scored.as_trained = true;
    for (std::size_t r = 1; r < replicas_.size(); ++r) {
      if (context_.cancelled()) return Error{ErrorCode::kUnavailable, "recalibrate: cancelled"};
      ASSIGN_OR_RETURN(scores_[r], ScoreBlock(scored, context_, replicas_[r], block_, step_.endpoint, grid_.bins()));
    }
    return {};
  }

  std::vector<double> LogitsFor(std::size_t target) const {
    LogitSums sums{std::vector<double>(grid_.bins()), std::vector<double>(grid_.bins())};
    ForOthers(target, [&](std::span<const double> logits, const GridPlace& place, double weight) {
      AddLogits(logits, place, weight, sums);
    });
    sums.at_risk.insert(sums.at_risk.end(), sums.logits.begin(), sums.logits.end());
    return sums.at_risk;
  }

  RecalibrationSums SumsFor(std::size_t target) const {
    RecalibrationSums sums;
    ForOthers(target, [&](std::span<const double> logits, const GridPlace& place, double weight) {
      AddPersonPeriods(logits, place, constants_[target], weight, sums);
    });
    return sums;
  }

  // The unseen predictions that a replica's constants come from: of the patients of the other folds of its repeat; of
  // the full one of everybody.
  template <typename Visit>
  void ForOthers(std::size_t target, Visit&& visit) const {
    const Replica& replica = replicas_[target];
    ForUnseen([&](const Sample& sample, std::size_t repeat, std::size_t row, std::size_t unseen, double weight) {
      if (replica.repeat != 0 && (replica.repeat != repeat + 1 || unseen == target)) return;
      visit(scores_[unseen].logits.row(row), PlaceOf(sample), replica.repeat == 0 ? weight : 1.0);
    });
  }

  RecalibrationSums SumsAfter() const {
    RecalibrationSums sums;
    std::vector<double> logits(grid_.bins());
    Recalibration none{0.0, 1.0, std::vector<double>(grid_.bins())};
    ForUnseen([&](const Sample& sample, std::size_t, std::size_t row, std::size_t unseen, double weight) {
      const Recalibration& own = constants_[unseen];
      for (std::size_t k = 0; k < logits.size(); ++k) {
        logits[k] = own.At(k, scores_[unseen].logits(row, k));
        none.centre[k] = own.At(k, own.CentreOf(k));
      }
      AddPersonPeriods(logits, PlaceOf(sample), none, weight, sums);
    });
    return sums;
  }

  // Each training row and repeat with the replica that hasn't seen him; the weights of a patient add up to 1.
  template <typename Visit>
  void ForUnseen(Visit&& visit) const {
    const unsigned repeats = RepeatsOf(input_.plan, block_);
    for (std::size_t row = 0; row < input_.cohort.samples.size(); ++row) {
      const Sample& sample = input_.cohort.samples[row];
      if (sample.holds_out) continue;
      for (std::size_t repeat = 0; repeat < repeats; ++repeat)
        visit(sample, repeat, row, UnseenReplica(input_.plan, block_, sample, repeat), 1.0 / repeats);
    }
  }

  GridPlace PlaceOf(const Sample& sample) const { return grid_.PlaceOf({sample.time_days, sample.event}); }

  const TaskInput& input_;
  TaskContext& context_;
  const RecalibrateStep step_;
  const Block& block_;
  const Grid grid_;
  const std::vector<Replica> replicas_;
  std::vector<Recalibration> constants_;  // as replicas_
  std::vector<Scores> scores_;            // as replicas_; the full one's stay empty
};

}  // namespace

Result<Contribution> AnswerRecalibrate(const TaskInput& input, TaskContext& context) {
  ASSIGN_OR_RETURN(const RecalibrateStep step, RecalibrationAt(input.plan, input.task));
  ASSIGN_OR_RETURN(Grid grid, GridOf(input.plan, step.endpoint, input.before));
  return Recalibrating(input, context, step, *input.plan.FindBlock(step.block), std::move(grid)).Run();
}

}  // namespace fedtrial::site
