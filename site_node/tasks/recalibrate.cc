#include "proto/plan/recalibrate.h"

#include <vector>

#include "model/survival/recalibration.h"
#include "site_node/tasks/scores.h"
#include "site_node/tasks/task_kinds.h"

namespace fedtrial::site {
namespace {

std::vector<double> ValuesOf(const std::vector<LogitSums>& by_landmark) {
  std::vector<double> values;
  for (const LogitSums& sums : by_landmark) {
    values.insert(values.end(), sums.at_risk.begin(), sums.at_risk.end());
    values.insert(values.end(), sums.logits.begin(), sums.logits.end());
  }
  return values;
}

std::vector<double> ValuesOf(const std::vector<RecalibrationSums>& by_landmark) {
  std::vector<double> values;
  for (const RecalibrationSums& sums : by_landmark) {
    values.insert(values.end(), {sums.events, sums.score[0], sums.score[1]});
    values.insert(values.end(), sums.information.begin(), sums.information.end());
  }
  return values;
}

class Recalibrating {
 public:
  Recalibrating(const TaskInput& input, TaskContext& context, const RecalibrateStep& step, const Block& block,
                Grid grid)
      : input_(input),
        context_(context),
        step_(step),
        block_(block),
        predictor_(*PredictorOf(input.plan, block, step.endpoint)),
        landmarks_(RecalibratedDays(input.plan, predictor_, step.endpoint)),
        grid_(std::move(grid)),
        replicas_(Replicas(input.plan, block)),
        constants_(replicas_.size()),
        scores_(replicas_.size()) {}

  Result<Contribution> Run() {
    ContributionBuilder builder(input_.manifest);
    if (CountTrue(TrainsIn(Replica{}, input_.cohort)) == 0) return std::move(builder).Take(context_.cohort);
    const bool first = input_.task.position.round_in_step == 0;
    if (!first) RETURN_IF_ERROR(ReadConstants());
    // The full model has seen everybody: only its means are of use.
    for (std::size_t r = first ? 0 : 1; r < replicas_.size(); ++r) RETURN_IF_ERROR(Score(r));
    for (std::size_t r = 0; r < replicas_.size(); ++r) {
      const std::string block = replicas_[r].prefix + "recalibration";
      builder.FillBlock(block, 1);
      if (first)
        RETURN_IF_ERROR(builder.Set(block + "/centre", ValuesOf(LogitsOf(r))));
      else
        RETURN_IF_ERROR(builder.Set(block + "/sums", ValuesOf(SumsFor(r))));
    }
    if (!first) RETURN_IF_ERROR(builder.Set("recalibration/after", ValuesOf(SumsAfter())));
    return std::move(builder).Take(context_.cohort);
  }

 private:
  Status ReadConstants() {
    for (std::size_t r = 0; r < replicas_.size(); ++r) {
      ASSIGN_OR_RETURN(constants_[r],
                       RecalibrationsOf(input_.before, replicas_[r], predictor_.name, landmarks_.size(), grid_.bins()));
    }
    return {};
  }

  Status Score(std::size_t replica) {
    ScoredInput scored{input_.plan, input_.cohort, input_.before};
    scored.as_trained = true;
    for (const double landmark : landmarks_) {
      if (context_.cancelled()) return Error{ErrorCode::kUnavailable, "recalibrate: cancelled"};
      scored.landmark_days = landmark;
      ASSIGN_OR_RETURN(scores_[replica].emplace_back(),
                       ScoreBlock(scored, context_, replicas_[replica], block_, step_.endpoint, grid_.bins()));
    }
    return {};
  }

  std::vector<LogitSums> LogitsOf(std::size_t replica) const {
    const std::vector<double> none(grid_.bins());
    std::vector<LogitSums> sums(landmarks_.size(), LogitSums{none, none});
    for (std::size_t row = 0; row < input_.cohort.samples.size(); ++row)
      if (const Sample& sample = input_.cohort.samples[row]; !sample.holds_out)
        ForLandmarks(sample, [&](std::size_t l, const GridPlace& place) {
          AddLogits(scores_[replica][l].logits.row(row), place, 1.0, sums[l]);
        });
    return sums;
  }

  // At the replica's constants, of unseen predictions about the mean of whoever made them: of the patients of the other
  // folds of its repeat; of the full one of everybody.
  std::vector<RecalibrationSums> SumsFor(std::size_t target) const {
    const Replica& replica = replicas_[target];
    std::vector<RecalibrationSums> sums(landmarks_.size());
    ForUnseen([&](const Sample& sample, std::size_t repeat, std::size_t row, std::size_t unseen, double weight) {
      if (replica.repeat != 0 && (replica.repeat != repeat + 1 || unseen == target)) return;
      ForLandmarks(sample, [&](std::size_t l, const GridPlace& place) {
        const Recalibration& constants = constants_[target][l];
        AddPersonPeriods(scores_[unseen][l].logits.row(row), place,
                         {constants.intercept, constants.slope, constants_[unseen][l].centre},
                         replica.repeat == 0 ? weight : 1.0, sums[l]);
      });
    });
    return sums;
  }

  std::vector<RecalibrationSums> SumsAfter() const {
    std::vector<RecalibrationSums> sums(landmarks_.size());
    std::vector<double> logits(grid_.bins());
    Recalibration none{0.0, 1.0, std::vector<double>(grid_.bins())};
    ForUnseen([&](const Sample& sample, std::size_t, std::size_t row, std::size_t unseen, double weight) {
      ForLandmarks(sample, [&](std::size_t l, const GridPlace& place) {
        const Recalibration& own = constants_[unseen][l];
        for (std::size_t k = 0; k < logits.size(); ++k) {
          logits[k] = own.At(k, scores_[unseen][l].logits(row, k));
          none.centre[k] = own.At(k, own.CentreOf(k));
        }
        AddPersonPeriods(logits, place, none, weight, sums[l]);
      });
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

  // The landmarks at which a patient is at risk, and his outcome from there.
  template <typename Visit>
  void ForLandmarks(const Sample& sample, Visit&& visit) const {
    for (std::size_t l = 0; l < landmarks_.size(); ++l)
      if (landmarks_[l] == 0.0 || sample.time_days > landmarks_[l])
        visit(l, grid_.PlaceOf({sample.time_days - landmarks_[l], sample.event}));
  }

  const TaskInput& input_;
  TaskContext& context_;
  const RecalibrateStep step_;
  const Block& block_;
  const Block& predictor_;
  const std::vector<double> landmarks_;  // days
  const Grid grid_;
  const std::vector<Replica> replicas_;
  std::vector<std::vector<Recalibration>> constants_;  // as replicas_, by landmark
  std::vector<std::vector<Scores>> scores_;            // as replicas_, by landmark
};

}  // namespace

Result<Contribution> AnswerRecalibrate(const TaskInput& input, TaskContext& context) {
  ASSIGN_OR_RETURN(const RecalibrateStep step, RecalibrationAt(input.plan, input.task));
  ASSIGN_OR_RETURN(Grid grid, GridOf(input.plan, step.endpoint, input.before));
  return Recalibrating(input, context, step, *input.plan.FindBlock(step.block), std::move(grid)).Run();
}

}  // namespace fedtrial::site
