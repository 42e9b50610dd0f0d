#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "model/survival/matrix.h"
#include "model/survival/outcome.h"

namespace fedtrial {

// Where a follow-up lies on a grid: at risk in bins 0 .. at_risk - 1; the event, if any, in the last of them.
struct GridPlace {
  std::size_t at_risk = 0;
  bool event = false;
  bool operator==(const GridPlace&) const = default;
};

// Bins (0, c_0], (c_0, c_1], ... that end at the cuts, in days.
class Grid {
 public:
  // kInvalidInput unless there is a cut and they are finite, positive and ascending.
  static Result<Grid> FromCuts(std::vector<double> cuts_days);

  // An event counts in its bin; a censored patient in the bins completed; an event after the last cut survives all.
  GridPlace PlaceOf(const Outcome& outcome) const;
  std::vector<GridPlace> PlacesOf(std::span<const Outcome> outcomes) const;
  std::size_t bins() const { return cuts_.size(); }
  const std::vector<double>& cuts() const { return cuts_; }

 private:
  explicit Grid(std::vector<double> cuts) : cuts_(std::move(cuts)) {}
  std::vector<double> cuts_;
};

// Patients at risk and events in each bin. Sums over sites add term by term.
struct BinCounts {
  std::vector<double> at_risk;
  std::vector<double> events;
};
BinCounts CountBins(std::span<const GridPlace> places, std::size_t bins);

// logit((d_k + 0.5) / (n_k + 1)): the hazards of all patients alike, before the first step of training.
std::vector<double> StartIntercepts(const BinCounts& counts);

// Proportional odds of the hazards: h_ik = sigmoid(intercepts[k] + x_i beta).
struct HazardModel {
  std::vector<double> intercepts;  // one a bin
  std::vector<double> beta;        // one a covariate
};

// Patients of one site, or of all: x scaled, without NaN, one row a place.
struct HazardData {
  Matrix x;
  std::vector<GridPlace> places;
};
// kInvalidInput on unequal lengths, NaN or an infinite covariate, a place outside the bins, no patient.
Status CheckHazardData(const HazardData& data, const HazardModel& model);

// Mean negative log-likelihood per patient, without a penalty. The data have passed CheckHazardData, as below.
double HazardLoss(const HazardData& data, const HazardModel& model);

// Gradient of HazardLoss + (l2 / 2) |beta|^2; intercepts are not penalised.
HazardModel HazardGradient(const HazardData& data, const HazardModel& model, double l2);

// `steps` full-batch gradient steps: a site's local training in one round.
struct GradientOptions {
  double rate = 0.0;
  double l2 = 0.0;
  int steps = 1;
};
HazardModel GradientSteps(const HazardData& data, HazardModel model, const GradientOptions& options);

// The exact maximum of the pooled likelihood: Newton with step halving on the sum over patients of the negative
// log-likelihood + (theta / 2) |beta|^2 + 5e-7 |intercepts|^2. kInvalidInput as CheckHazardData; kInternal if it
// doesn't converge.
Result<HazardModel> FitHazards(const HazardData& data, HazardModel start, double theta);

// Survival of a patient at a day >= 0: whole bins up to it and the share of the bin it lies in, on the scale of log S.
// After the last cut it stays where it was.
double SurvivalAt(const Grid& grid, std::span<const double> intercepts, double linear_predictor, double day);

// Survival at the end of each bin.
std::vector<double> SurvivalAtCuts(std::span<const double> intercepts, double linear_predictor);

}  // namespace fedtrial
