#pragma once

#include <cstdint>

#include "common/base/result.h"
#include "proto/plan/layout.h"
#include "proto/plan/plan.h"

namespace fedtrial {

// The vector of an `evaluate` round: float64 in 64-bit words, every block of weight 1, the values below.
//
// Rows. "Training rows" are the patients of the cohort outside the published split's test rows (all, without a split).
// Risk of a patient in repeat r: x . beta of the replica (r, fold f) with f his fold in repeat r, x scaled with that
// replica's constants; without folds of the full replica (so repeats = 1 and the figure is in-sample). Pairs are those
// of model/survival/concordance.h (Harrell) between two patients of this site, whatever their folds.
//
//   concordance/counts [repeats or 1, 3]  per repeat over the training rows: concordant, tied in risk, comparable pairs
//                                         (comparable = concordant + discordant + tied)
//   concordance/bootstrap [B, 2]          per replicate b, with w_i ~ Poisson(1) for each training row, drawn at the
//   site
//                                         from the round's seed and a stream that only the site knows:
//                                           [0] mean over repeats of sum over pairs w_i w_j (concordant + tied / 2)
//                                           [1] mean over repeats of sum over pairs w_i w_j comparable
//   test/counts [4]                       only where the plan has a split; full replica, test rows: concordant, tied,
//                                         comparable pairs, patients with the event
//   loss/sum [3]                          training rows, full replica: sum of the negative log-likelihood
//                                         (discrete_hazard.h, without penalty), patients, patients with the event
//   calibration/expected [bins]           training rows, replica of repeat 1 that hasn't seen the patient (full replica
//                                         without folds): sum over patients at risk in the bin of the predicted hazard
//   calibration/observed [bins]           events in the bin, of the same rows
//
// A block is filled by every site with a training row (test: with a test row).
//
// Of a head that predicts a label (PredictsLabel) rows are the patients whose label is known. "Event" is the label 1,
// the pairs are those of one patient with it and one without, so that concordance is the area under the ROC curve
// within hospitals; there is one bin, whose hazard is the probability, at which every row is at risk.
inline constexpr std::uint64_t kConcordant = 0, kTied = 1, kComparable = 2;  // columns of counts
inline constexpr std::uint64_t kTestEvents = 3;
inline constexpr std::uint64_t kNumerator = 0, kDenominator = 1;  // columns of bootstrap
inline constexpr std::uint64_t kLossSum = 0, kLossPatients = 1, kLossEvents = 2;

inline constexpr unsigned kDefaultBootstrap = 200;

// Rows of concordance/counts.
std::uint64_t EvaluatedRepeats(const Plan& plan, std::string_view block);
// Settings of an evaluate task: the step's own, or block and endpoint of the train step it lies in.
Result<EvaluateStep> EvaluationAt(const Plan& plan, const Task& task);

}  // namespace fedtrial
