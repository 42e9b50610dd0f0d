#pragma once

#include <ATen/core/Tensor.h>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "model/nets/network.h"
#include "model/training/patient_input.h"

namespace fedtrial {

// What B patients teach one head; rows without a target are zero and their loss is exactly 0.
struct TargetBatch {
  at::Tensor labelled;  // [B], 1 or 0
  // kHazard, kEmbedding: [B, bins] each.
  at::Tensor at_risk, event;
  // kIllnessDeath, by step of the horizon: [B, steps] each. stay: survived in state 0 for certain; death: of state 0;
  // window: steps in which a recurrence may lie; after_risk, after_event: of the clock after a recurrence.
  at::Tensor stay, death, window, after_risk, after_event;
  at::Tensor recurs;        // [B], 1 where there is a window
  at::Tensor log_recurred;  // [B, 1]: log(1 + step of the recurrence)
  at::Tensor bin_of_step;   // [steps], int64
  // kMethylation, kBinary: [B] each.
  at::Tensor label, has_label, logit, has_logit;
};

// Targets of head `head`. The inputs come from InputOf with this map.
Result<TargetBatch> CollateTargets(const NetworkShape& shape, const InputMap& map, std::size_t head,
                                   std::span<const PatientInput> inputs, const at::TensorOptions& options);

// Weights inside a head: of what follows a recurrence beside the first transition, of the share methylated beside the
// call.
inline constexpr double kAfterWeight = 0.5;
inline constexpr double kShareWeight = 1.0;

// Loss of each patient, [B]: negative log-likelihood of the hazards (HazardLosses), of the illness-death course (LossOf
// of model/survival), cross-entropy of a label, Huber's loss (delta 1) of the logit of the share methylated.
at::Tensor HeadLosses(const HeadShape& head, const HeadOutput& output, const TargetBatch& targets);

}  // namespace fedtrial
