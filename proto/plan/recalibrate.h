#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "proto/plan/layout.h"
#include "proto/plan/plan.h"

namespace fedtrial {

// A `recalibrate` step: one slope, and at each landmark an intercept, of how far a patient's logit of a hazard lies
// from the mean of its bin (model/survival/recalibration.h). The first round finds the means; each further one is a
// step of Newton's method, from intercepts 0 and slope 1. Only with cross-validation ([folds]), and after all training
// of the block. What is fitted and what it is judged on:
//
// - Every prediction that enters is of a patient whom its replica has not seen: "unseen" below.
// - A logit is taken from the mean of its own replica. Where the patients of a fold have many events, those that their
//   replica learnt from have few, and its baseline is too low: about a mean over all replicas that makes the slope
//   too small (Parker, Guenter & Bedo 2007, BMC Bioinformatics 8:326, of pooled cross-validation).
// - The constants of replica (r, fold f) come from the patients of the other folds of repeat r, those of the full model
//   from all training rows (mean over repeats). So no patient is judged by constants that his own outcome was fitted
//   in directly: leave one fold out. What is left of him in them: the replicas that predicted the other folds have
//   trained on him, and the means count in which bins he was at risk.
// - A network predicts at each landmark, for those at risk then; a linear block on day 0. Of an illness-death model the
//   constants are of overall survival alone.
//
// The vector of a round: float64 in 64-bit words, weight 1, sums over person-periods (a patient at risk in a bin), by
// landmark. Unseen predictions as they are; of a replica the training rows outside its fold, of the full one the mean
// over repeats.
//   <p>recalibration/centre [landmarks, 2, bins]  first round alone, of all training rows: patients at risk, and the
//                                                 sum of the replica's logits
//   <p>recalibration/sums [landmarks, 6]          events, score by intercept and slope, information (aa, ab, bb), at
//                                                 the replica's constants in the model before
//   recalibration/after [landmarks, 6]            the same at (0, 1) of each prediction as recalibrated by its own
//                                                 replica's constants: of all training rows, mean over repeats
inline constexpr std::uint64_t kEventSum = 0, kScoreSum = 1, kInformationSum = 3, kRecalibrationSums = 6;

// The slope is drawn to 1 as if it were known to a deviation of 0.25 beforehand: with eighty events a cross-validated
// slope has an error as large, and one that is too small does more harm than none. With many events it says little.
// Landmarks see the same patients again: the penalty counts once for each.
inline constexpr double kTowardsOne = 16.0;
// Fewer events after a landmark: nothing is fitted there, the replica's predictions at it stay as they are.
inline constexpr double kMinRecalibrationEvents = 10;

Result<RecalibrateStep> RecalibrationAt(const Plan& plan, const Task& task);
// The linear block or the head that predicts the endpoint; null if there is none.
const Block* PredictorOf(const Plan& plan, const Block& block, std::string_view endpoint);

// Days of the landmarks that a predictor's constants are of, rising: the endpoint's of a network, day 0 of a linear
// block.
std::vector<double> RecalibratedDays(const Plan& plan, const Block& predictor, std::string_view endpoint);
// The last of these landmarks up to a day; the first one before it.
std::size_t LandmarkUpTo(const std::vector<double>& landmarks, double day);

// "<p>constants/recalibration.<predictor>" [landmarks, 2 + bins]: intercept, slope and the centres, after the first
// round. 0 and 1: left as it was.
std::string RecalibrationName(const Replica& replica, std::string_view predictor);

}  // namespace fedtrial
