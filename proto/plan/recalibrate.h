#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"
#include "proto/plan/layout.h"
#include "proto/plan/plan.h"

namespace fedtrial {

// A `recalibrate` step: intercept and slope of how far a patient's logit of a hazard lies from the mean of its bin
// (model/survival/recalibration.h). The first round finds the means; each further one is a step of Newton's method,
// from (0, 1). Only with cross-validation ([folds]), and after all training of the block. What is fitted and what it is
// judged on:
//
// - Every prediction that enters is of a patient whom its replica has not seen: "unseen" below.
// - The constants of replica (r, fold f) come from the patients of the other folds of repeat r, those of the full model
//   from all training rows (mean over repeats). So no patient is judged by constants that his own outcome was fitted
//   in directly: leave one fold out. What is left of him in them: the replicas that predicted the other folds have
//   trained on him.
// - A network predicts at the plan's first landmark; the constants hold at all of them. Of an illness-death model they
//   are of overall survival alone.
//
// The vector of a round: float64 in 64-bit words, weight 1, sums over person-periods (a patient at risk in a bin).
// Unseen predictions as they are; of a replica the training rows outside its fold, of the full one the mean over
// repeats.
//   <p>recalibration/centre [2, bins]  first round alone: patients at risk, and the sum of their logits
//   <p>recalibration/sums [6]          events, score by intercept and slope, information (aa, ab, bb), at the replica's
//                                      constants in the model before
//   recalibration/after [6]            the same sums at (0, 1) of each prediction as recalibrated by its own replica's
//                                      constants: all training rows, mean over repeats
inline constexpr std::uint64_t kEventSum = 0, kScoreSum = 1, kInformationSum = 3, kRecalibrationSums = 6;

// The slope is drawn to 1 as if it were known to a deviation of 0.25 beforehand: with eighty events a cross-validated
// slope has an error as large, and one that is too small does more harm than none. With many events it says little.
inline constexpr double kTowardsOne = 16.0;
// Fewer events: two constants aren't fitted, the predictions of the replica stay as they are.
inline constexpr double kMinRecalibrationEvents = 10;

Result<RecalibrateStep> RecalibrationAt(const Plan& plan, const Task& task);
// The linear block or the head that predicts the endpoint; null if there is none.
const Block* PredictorOf(const Plan& plan, const Block& block, std::string_view endpoint);

// "<p>constants/recalibration.<predictor>" [2 + bins]: intercept, slope and the centres, after the first round. 0 and
// 1: left as it was.
std::string RecalibrationName(const Replica& replica, std::string_view predictor);

}  // namespace fedtrial
