#include "proto/plan/evaluate.h"

#include <cmath>
#include <optional>

#include "model/survival/concordance.h"
#include "proto/plan/network.h"
#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"
#include "site_node/tasks/network.h"
#include "site_node/tasks/scores.h"
#include "site_node/tasks/task_kinds.h"

namespace fedtrial::site {
namespace {

constexpr double kLabelBin = 1.0;         // end of the bin of a label
constexpr std::size_t kCancelEvery = 64;  // rows of the bootstrap between two looks at `cancel`

// Counts of a patient in the resamples: Poisson(1), from the round's seed and the cohort's digest, which only the site
// knows. Row i holds all replicates of patient i.
Matrix DrawWeights(std::size_t patients, std::size_t replicates, std::uint64_t seed, const Digest& cohort) {
  const Digest stream = Sha256(ByteWriter().Label("fl/bootstrap/v1").U64(seed).Raw(cohort).bytes());
  SeededRandom random(stream);
  Bytes bytes(replicates * sizeof(std::uint64_t));
  Matrix weights(patients, replicates);
  for (std::size_t i = 0; i < patients; ++i) {
    random.Fill(bytes);
    ByteReader reader(bytes);
    for (double& weight : weights.row(i)) {
      const double u = static_cast<double>(reader.U64() >> 11) * 0x1p-53;
      double probability = std::exp(-1.0);
      double below = probability;
      unsigned count = 0;
      while (u >= below && count < 30) {
        ++count;
        probability /= count;
        below += probability;
      }
      weight = count;
    }
  }
  return weights;
}

// Everything an evaluation reads, of the rows it is about.
struct Rows {
  std::vector<std::size_t> samples;  // indices into the cohort
  std::vector<Outcome> outcomes;
  std::vector<std::vector<double>> risk;  // by repeat, then row
};

class Evaluation {
 public:
  Evaluation(const TaskInput& input, TaskContext& context, const EvaluateStep& step, const Block& block, Grid grid)
      : input_(input),
        context_(context),
        step_(step),
        block_(block),
        grid_(std::move(grid)),
        replicas_(Replicas(input.plan, block)) {}

  Result<Contribution> Run() {
    for (const Replica& replica : replicas_) {
      ASSIGN_OR_RETURN(Scores scores, ScoreBlock({input_.plan, input_.cohort, input_.before}, context_, replica, block_,
                                                 step_.endpoint, grid_.bins()));
      scores_.push_back(std::move(scores));
    }
    ContributionBuilder builder(input_.manifest);
    RETURN_IF_ERROR(FillTraining(builder));
    if (!input_.plan.split_column.empty()) RETURN_IF_ERROR(FillTest(builder));
    return std::move(builder).Take(context_.cohort);
  }

 private:
  // Nothing where a label that is predicted isn't known. With the label the event is in the only bin, without it the
  // patient outlives the bin: proto/plan/evaluate.h.
  std::optional<Outcome> OutcomeFor(const Sample& sample) const {
    if (!PredictsLabel(block_)) return Outcome{sample.time_days, sample.event};
    const auto label = LabelOf(block_, sample);
    if (!label) return std::nullopt;
    return Outcome{*label ? kLabelBin : 2.0 * kLabelBin, *label};
  }

  std::size_t Unseen(std::size_t sample, std::size_t repeat) const {
    return UnseenReplica(input_.plan, block_, input_.cohort.samples[sample], repeat);
  }

  Status FillTraining(ContributionBuilder& builder) {
    Rows rows;
    for (std::size_t i = 0; i < input_.cohort.samples.size(); ++i) {
      const Sample& sample = input_.cohort.samples[i];
      const auto outcome = OutcomeFor(sample);
      if (sample.holds_out || !outcome) continue;
      rows.samples.push_back(i);
      rows.outcomes.push_back(*outcome);
    }
    if (rows.samples.empty()) return {};
    for (std::size_t repeat = 0; repeat < EvaluatedRepeats(input_.plan, step_.block); ++repeat) {
      std::vector<double>& risk = rows.risk.emplace_back();
      for (const std::size_t sample : rows.samples) risk.push_back(scores_[Unseen(sample, repeat)].risk[sample]);
    }
    RETURN_IF_ERROR(FillCounts(rows, builder));
    RETURN_IF_ERROR(FillBootstrap(rows, builder));
    RETURN_IF_ERROR(FillLoss(rows, builder));
    return FillCalibration(rows, builder);
  }

  Status FillCounts(const Rows& rows, ContributionBuilder& builder) const {
    std::vector<double> counts;
    for (const auto& risk : rows.risk) {
      ASSIGN_OR_RETURN(const PairCounts pairs, CountPairs(rows.outcomes, risk));
      counts.insert(counts.end(), {pairs.concordant, pairs.tied_risk, pairs.comparable()});
    }
    builder.FillBlock("concordance", 1);
    return builder.Set("concordance/counts", counts);
  }

  // One patient with the event at a time against all who outlive him: no matrix of pairs is kept.
  Status FillBootstrap(const Rows& rows, ContributionBuilder& builder) {
    const std::size_t patients = rows.samples.size();
    const std::size_t replicates = step_.bootstrap;
    const Matrix weights = DrawWeights(patients, replicates, input_.task.seed, context_.cohort);
    std::vector<double> sums(2 * replicates, 0.0);
    std::vector<double> concordant(replicates), comparable(replicates);
    for (std::size_t i = 0; i < patients; ++i) {
      if (i % kCancelEvery == 0 && context_.cancelled()) return Error{ErrorCode::kUnavailable, "evaluate: cancelled"};
      const Outcome& first = rows.outcomes[i];
      if (!first.event) continue;
      std::ranges::fill(concordant, 0.0);
      std::ranges::fill(comparable, 0.0);
      for (std::size_t j = 0; j < patients; ++j) {
        const Outcome& later = rows.outcomes[j];
        if (!(first.time < later.time || (first.time == later.time && !later.event))) continue;
        const double share = ConcordantShare(rows, i, j);
        const auto weight = weights.row(j);
        for (std::size_t b = 0; b < replicates; ++b) {
          concordant[b] += share * weight[b];
          comparable[b] += weight[b];
        }
      }
      for (std::size_t b = 0; b < replicates; ++b) {
        sums[2 * b + kNumerator] += weights(i, b) * concordant[b];
        sums[2 * b + kDenominator] += weights(i, b) * comparable[b];
      }
    }
    return builder.Set("concordance/bootstrap", sums);
  }

  // Of the repeats in which i, who has the earlier event, has the higher risk; ties count half.
  static double ConcordantShare(const Rows& rows, std::size_t i, std::size_t j) {
    double sum = 0.0;
    for (const auto& risk : rows.risk) sum += risk[i] > risk[j] ? 1.0 : risk[i] == risk[j] ? 0.5 : 0.0;
    return sum / static_cast<double>(rows.risk.size());
  }

  Status FillLoss(const Rows& rows, ContributionBuilder& builder) const {
    const auto patients = static_cast<double>(rows.samples.size());
    const double loss = LossOf(scores_.front(), rows.samples, grid_.PlacesOf(rows.outcomes));
    builder.FillBlock("loss", 1);
    return builder.Set("loss/sum", {loss, patients, static_cast<double>(CountEvents(rows.outcomes))});
  }

  Status FillCalibration(const Rows& rows, ContributionBuilder& builder) const {
    std::vector<double> expected(grid_.bins(), 0.0);
    for (std::size_t i = 0; i < rows.samples.size(); ++i) {
      const Matrix& logits = scores_[Unseen(rows.samples[i], 0)].logits;
      const GridPlace place = grid_.PlaceOf(rows.outcomes[i]);
      for (std::size_t k = 0; k < place.at_risk; ++k)
        expected[k] += 1.0 / (1.0 + std::exp(-logits(rows.samples[i], k)));
    }
    builder.FillBlock("calibration", 1);
    RETURN_IF_ERROR(builder.Set("calibration/expected", expected));
    return builder.Set("calibration/observed", CountBins(grid_.PlacesOf(rows.outcomes), grid_.bins()).events);
  }

  Status FillTest(ContributionBuilder& builder) const {
    std::vector<Outcome> outcomes;
    std::vector<double> risk;
    for (std::size_t i = 0; i < input_.cohort.samples.size(); ++i) {
      const Sample& sample = input_.cohort.samples[i];
      const auto outcome = OutcomeFor(sample);
      if (!sample.holds_out || !outcome) continue;
      outcomes.push_back(*outcome);
      risk.push_back(scores_.front().risk[i]);
    }
    if (outcomes.empty()) return {};
    ASSIGN_OR_RETURN(const PairCounts pairs, CountPairs(outcomes, risk));
    builder.FillBlock("test", 1);
    return builder.Set("test/counts", {pairs.concordant, pairs.tied_risk, pairs.comparable(),
                                       static_cast<double>(CountEvents(outcomes))});
  }

  const TaskInput& input_;
  TaskContext& context_;
  const EvaluateStep step_;
  const Block& block_;
  const Grid grid_;
  const std::vector<Replica> replicas_;
  std::vector<Scores> scores_;  // as replicas_
};

}  // namespace

Result<Contribution> AnswerEvaluate(const TaskInput& input, TaskContext& context) {
  ASSIGN_OR_RETURN(const EvaluateStep step, EvaluationAt(input.plan, input.task));
  const Block* block = input.plan.FindBlock(step.block);
  if (block == nullptr) return Error{ErrorCode::kInternal, "evaluate: the plan has no such block"};
  ASSIGN_OR_RETURN(
      Grid grid, PredictsLabel(*block) ? Grid::FromCuts({kLabelBin}) : GridOf(input.plan, step.endpoint, input.before));
  return Evaluation(input, context, step, *block, std::move(grid)).Run();
}

}  // namespace fedtrial::site
