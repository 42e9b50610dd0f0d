#include "model/training/network_losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/huber_loss.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/zeros.h>
#include <cmath>
#include <limits>

#include "model/training/network_inputs.h"

namespace fedtrial {
namespace {

int64_t Size(std::size_t size) { return static_cast<int64_t>(size); }

// Rows of one width, a row a patient.
class Rows {
 public:
  Rows(std::size_t patients, std::size_t width) : patients_(patients), width_(width), values_(patients * width) {}
  double& operator()(std::size_t i, std::size_t j) { return values_[i * width_ + j]; }
  void FillTo(std::size_t i, std::size_t from, std::size_t to) {
    for (std::size_t j = from; j < to; ++j) (*this)(i, j) = 1.0;
  }
  at::Tensor Take(const at::TensorOptions& options) const {
    return TensorOf(values_, {Size(patients_), Size(width_)}, options);
  }
  at::Tensor TakeColumn(const at::TensorOptions& options) const { return Take(options).squeeze(1); }

 private:
  std::size_t patients_, width_;
  std::vector<double> values_;
};

void CollatePlaces(std::span<const PatientInput> inputs, std::size_t head, std::size_t bins,
                   const at::TensorOptions& options, TargetBatch& targets) {
  Rows at_risk(inputs.size(), bins), event(inputs.size(), bins);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto* place = std::get_if<GridPlace>(&inputs[i].heads[head].target);
    if (place == nullptr) continue;
    at_risk.FillTo(i, 0, place->at_risk);
    if (place->event) event(i, place->at_risk - 1) = 1.0;
  }
  targets.at_risk = at_risk.Take(options);
  targets.event = event.Take(options);
}

void CollateCourses(std::span<const PatientInput> inputs, std::size_t head, const StepGrid& grid,
                    const at::TensorOptions& options, TargetBatch& targets) {
  const std::size_t patients = inputs.size(), steps = grid.steps();
  Rows stay(patients, steps), death(patients, steps), window(patients, steps), after_risk(patients, steps),
      after_event(patients, steps), recurs(patients, 1), recurred(patients, 1);
  for (std::size_t i = 0; i < patients; ++i) {
    const auto* place = std::get_if<CoursePlace>(&inputs[i].heads[head].target);
    if (place == nullptr) continue;
    stay.FillTo(i, 0, place->survived);
    if (place->first == CoursePlace::First::kDeath) death(i, place->at - 1) = 1.0;
    if (place->first == CoursePlace::First::kRecurrence) {
      window.FillTo(i, place->survived, place->at);
      recurs(i, 0) = 1.0;
    }
    after_risk.FillTo(i, place->from, place->after);
    if (place->died_after) {
      after_risk(i, place->after) = 1.0;
      after_event(i, place->after) = 1.0;
    }
    recurred(i, 0) = std::log1p(static_cast<double>(place->recurred));
  }
  targets.stay = stay.Take(options);
  targets.death = death.Take(options);
  targets.window = window.Take(options);
  targets.after_risk = after_risk.Take(options);
  targets.after_event = after_event.Take(options);
  targets.recurs = recurs.TakeColumn(options);
  targets.log_recurred = recurred.Take(options);
  const std::vector<int64_t> bins(grid.bin_of_step().begin(), grid.bin_of_step().end());
  targets.bin_of_step = IndicesOf(bins, {Size(bins.size())}, options);
}

void CollateLabels(std::span<const PatientInput> inputs, std::size_t head, const at::TensorOptions& options,
                   TargetBatch& targets) {
  Rows label(inputs.size(), 1), has_label(inputs.size(), 1), logit(inputs.size(), 1), has_logit(inputs.size(), 1);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto* target = std::get_if<BinaryTarget>(&inputs[i].heads[head].target);
    if (target == nullptr) continue;
    label(i, 0) = target->label.value_or(0.0);
    has_label(i, 0) = target->label ? 1.0 : 0.0;
    logit(i, 0) = target->logit.value_or(0.0);
    has_logit(i, 0) = target->logit ? 1.0 : 0.0;
  }
  targets.label = label.TakeColumn(options);
  targets.has_label = has_label.TakeColumn(options);
  targets.logit = logit.TakeColumn(options);
  targets.has_logit = has_logit.TakeColumn(options);
}

// log(1 + exp z) = -log sigmoid(-z): exact where softplus turns to z.
at::Tensor BernoulliLosses(const at::Tensor& logits, const at::Tensor& at_risk, const at::Tensor& event) {
  return at_risk * (-at::log_sigmoid(-logits) - event * logits);
}

at::Tensor CourseLosses(const HeadOutput& output, const TargetBatch& targets) {
  const at::Tensor logits = output.values.index_select(2, targets.bin_of_step);  // [B, 3, steps]
  const at::Tensor first = logits.narrow(1, 0, 2);
  const at::Tensor none = at::zeros({first.size(0), 1, first.size(2)}, first.options());
  const at::Tensor log_hazard = at::log_softmax(at::cat({first, none}, 1), 1);  // recurrence, death, stay
  const at::Tensor stay = log_hazard.select(1, 2);
  // log of S0(k-1) h01(k), given state 0 at the last scan without recurrence: the steps before the window are in
  // `stay`.
  const at::Tensor in_window = targets.window * stay;
  const at::Tensor before = at::cumsum(in_window, 1) - in_window;
  const at::Tensor term = before + log_hazard.select(1, 0);
  // A patient without a window takes step 1, so that the logarithm is finite; the factor `recurs` removes it.
  const at::Tensor somewhere = at::cat({1.0 - targets.recurs.unsqueeze(1) + targets.window.narrow(1, 0, 1),
                                        targets.window.narrow(1, 1, targets.window.size(1) - 1)},
                                       1);
  const at::Tensor recurrence =
      at::logsumexp(term.masked_fill(somewhere.lt(0.5), -std::numeric_limits<double>::infinity()), 1);
  const at::Tensor of_first =
      (targets.stay * stay).sum(1) + (targets.death * log_hazard.select(1, 1)).sum(1) + targets.recurs * recurrence;
  const at::Tensor after = logits.select(1, 2) + output.clock * targets.log_recurred;
  return kAfterWeight * BernoulliLosses(after, targets.after_risk, targets.after_event).sum(1) - of_first;
}

at::Tensor LabelLosses(const HeadShape& head, const HeadOutput& output, const TargetBatch& targets) {
  at::Tensor loss = BernoulliLosses(output.values.select(1, 0), targets.has_label, targets.label);
  if (head.kind != HeadKind::kMethylation) return loss;
  const at::Tensor share = at::huber_loss(output.values.select(1, 1), targets.logit, at::Reduction::None, 1.0);
  return loss + kShareWeight * targets.has_logit * share;
}

}  // namespace

Result<TargetBatch> CollateTargets(const NetworkShape& shape, const InputMap& map, std::size_t head,
                                   std::span<const PatientInput> inputs, const at::TensorOptions& options) {
  TargetBatch targets;
  Rows labelled(inputs.size(), 1);
  for (std::size_t i = 0; i < inputs.size(); ++i) labelled(i, 0) = inputs[i].heads[head].labelled() ? 1.0 : 0.0;
  targets.labelled = labelled.TakeColumn(options);
  switch (shape.heads[head].kind) {
    case HeadKind::kHazard:
    case HeadKind::kEmbedding:
      CollatePlaces(inputs, head, shape.heads[head].bins, options, targets);
      break;
    case HeadKind::kIllnessDeath: {
      ASSIGN_OR_RETURN(const StepGrid grid, StepGrid::FromCuts(map.heads[head].cuts_days));
      CollateCourses(inputs, head, grid, options, targets);
      break;
    }
    case HeadKind::kMethylation:
    case HeadKind::kBinary:
      CollateLabels(inputs, head, options, targets);
      break;
  }
  return targets;
}

at::Tensor HeadLosses(const HeadShape& head, const HeadOutput& output, const TargetBatch& targets) {
  switch (head.kind) {
    case HeadKind::kIllnessDeath:
      return CourseLosses(output, targets);
    case HeadKind::kMethylation:
    case HeadKind::kBinary:
      return LabelLosses(head, output, targets);
    case HeadKind::kHazard:
    case HeadKind::kEmbedding:
      break;
  }
  return BernoulliLosses(output.values, targets.at_risk, targets.event).sum(1);
}

}  // namespace fedtrial
