#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <rapidcheck/gtest.h>

#include "model/survival/bootstrap.h"
#include "model/survival/concordance.h"
#include "model/survival/cox.h"
#include "model/survival/discrete_hazard.h"
#include "model/survival/kaplan_meier.h"
#include "model/survival/log_rank.h"
#include "model/survival/scaling.h"

namespace fedtrial {
namespace {

// Few distinct times and values, so that ties are common.
std::vector<Outcome> SomeOutcomes(int least = 1) {
  const auto size = *rc::gen::inRange(least, 40);
  std::vector<Outcome> out;
  for (int i = 0; i < size; ++i)
    out.push_back({static_cast<double>(*rc::gen::inRange(0, 30)), *rc::gen::arbitrary<bool>()});
  return out;
}

std::vector<double> SomeValues(std::size_t size) {
  std::vector<double> out;
  for (std::size_t i = 0; i < size; ++i) out.push_back(*rc::gen::inRange(-8, 8) / 4.0);
  return out;
}

Matrix SomeMatrix(std::size_t rows, std::size_t cols) {
  Matrix x(rows, cols);
  x.values = SomeValues(rows * cols);
  return x;
}

RC_GTEST_PROP(Concordance, OfTheOppositeRiskIsOneMinusIt, ()) {
  const auto outcomes = SomeOutcomes();
  auto risk = SomeValues(outcomes.size());
  const PairCounts counts = *CountPairs(outcomes, risk);
  for (double& value : risk) value = -value;
  const PairCounts opposite = *CountPairs(outcomes, risk);
  RC_ASSERT(opposite.concordant == counts.discordant);
  RC_ASSERT(opposite.discordant == counts.concordant);
  RC_ASSERT(opposite.tied_risk == counts.tied_risk);
  if (counts.comparable() == 0.0) return;
  RC_ASSERT(std::abs(ConcordanceOf(counts)->c + ConcordanceOf(opposite)->c - 1.0) < 1e-12);
  RC_ASSERT(std::abs(ConcordanceOf(counts)->std_error - ConcordanceOf(opposite)->std_error) < 1e-7);
}

RC_GTEST_PROP(Concordance, EveryPairIsCountedOnceAsThePlainDefinitionSays, ()) {
  const auto outcomes = SomeOutcomes();
  const auto risk = SomeValues(outcomes.size());
  PairCounts plain;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    for (std::size_t j = 0; j < outcomes.size(); ++j) {
      const bool first = outcomes[i].event && (outcomes[i].time < outcomes[j].time ||
                                               (outcomes[i].time == outcomes[j].time && !outcomes[j].event));
      if (!first) continue;
      (risk[i] > risk[j] ? plain.concordant : risk[i] < risk[j] ? plain.discordant : plain.tied_risk) += 1.0;
    }
  const PairCounts counts = *CountPairs(outcomes, risk);
  RC_ASSERT(counts.concordant == plain.concordant);
  RC_ASSERT(counts.discordant == plain.discordant);
  RC_ASSERT(counts.tied_risk == plain.tied_risk);
}

RC_GTEST_PROP(Concordance, WeightsCountAPatientAsOftenAsHeIsThere, ()) {
  const auto outcomes = SomeOutcomes();
  const auto risk = SomeValues(outcomes.size());
  std::vector<double> weights;
  std::vector<Outcome> repeated;
  std::vector<double> repeated_risk;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    weights.push_back(i == 0 ? 1 : *rc::gen::inRange(0, 4));
    for (double copy = 0; copy < weights[i]; ++copy) repeated.push_back(outcomes[i]), repeated_risk.push_back(risk[i]);
  }
  const PairCounts weighted = *CountPairs(outcomes, risk, {.weights = weights});
  const PairCounts counted = *CountPairs(repeated, repeated_risk);
  RC_ASSERT(weighted.concordant == counted.concordant);
  RC_ASSERT(weighted.discordant == counted.discordant);
  RC_ASSERT(weighted.tied_risk == counted.tied_risk);
}

RC_GTEST_PROP(Bootstrap, TheQuadraticFormIsTheWeightedConcordance, ()) {
  const auto outcomes = SomeOutcomes();
  const auto risk = SomeValues(outcomes.size());
  std::vector<std::size_t> members(outcomes.size());
  std::iota(members.begin(), members.end(), std::size_t{0});
  std::vector<std::size_t> stratum;
  for (std::size_t i = 0; i < outcomes.size(); ++i) stratum.push_back(i % 3);
  PairMatrix concordant(outcomes.size());
  PairMatrix comparable(outcomes.size());
  RC_ASSERT(concordant.AddConcordant(members, outcomes, risk, 1.0).ok());
  RC_ASSERT(comparable.AddComparable(members, outcomes, 1.0).ok());
  const Resamples resamples = Resamples::Draw(stratum, 11, *rc::gen::arbitrary<std::uint64_t>());
  const auto numerators = resamples.QuadraticForm(concordant);
  const auto denominators = resamples.QuadraticForm(comparable);
  RC_ASSERT(numerators.size() == 11u);
  for (std::size_t b = 0; b < resamples.count(); ++b) {
    std::vector<double> weights;
    std::vector<double> drawn(3);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      weights.push_back(resamples.weight(b, i));
      drawn[stratum[i]] += weights[i];
    }
    for (std::size_t s = 0; s < 3; ++s) RC_ASSERT(drawn[s] == static_cast<double>(std::ranges::count(stratum, s)));
    const PairCounts counts = *CountPairs(outcomes, risk, {.weights = weights});
    RC_ASSERT(std::abs(numerators[b] - counts.concordant - counts.tied_risk / 2.0) < 1e-9);
    RC_ASSERT(std::abs(denominators[b] - counts.comparable()) < 1e-9);
  }
}

RC_GTEST_PROP(KaplanMeier, NeverRisesAndStaysBetweenZeroAndOne, ()) {
  const auto km = KaplanMeier::Of(SomeOutcomes());
  double before = 1.0;
  for (const KaplanMeierStep& step : km->steps()) {
    RC_ASSERT(step.survival <= before && step.survival >= 0.0);
    RC_ASSERT(km->curve().At(step.counts.time) == step.survival);
    RC_ASSERT(km->curve().Before(step.counts.time) == before);
    before = step.survival;
  }
}

RC_GTEST_PROP(KaplanMeier, WithoutCensoringIsTheShareStillAlive, ()) {
  auto outcomes = SomeOutcomes();
  for (Outcome& outcome : outcomes) outcome.event = true;
  const auto km = KaplanMeier::Of(outcomes);
  for (const KaplanMeierStep& step : km->steps()) {
    const auto alive = std::ranges::count_if(outcomes, [&](const Outcome& o) { return o.time > step.counts.time; });
    RC_ASSERT(std::abs(step.survival - static_cast<double>(alive) / static_cast<double>(outcomes.size())) < 1e-12);
  }
}

RC_GTEST_PROP(LogRank, ObservedAndExpectedHaveTheSameSum, ()) {
  const auto outcomes = SomeOutcomes();
  std::vector<std::size_t> group;
  for (std::size_t i = 0; i < outcomes.size(); ++i) group.push_back(*rc::gen::inRange<std::size_t>(0, 3));
  const auto sums = LogRankOfStratum(outcomes, group, 3);
  RC_ASSERT(sums.ok());
  const auto total = [](const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); };
  RC_ASSERT(std::abs(total(sums->observed) - total(sums->expected)) < 1e-9);
  RC_ASSERT(std::abs(total(sums->variance.values)) < 1e-9);
}

RC_GTEST_PROP(Cox, ScoreAndInformationAreTheDerivativesOfTheLikelihood, ()) {
  const auto outcomes = SomeOutcomes(2);
  const CoxStratum stratum{SomeMatrix(outcomes.size(), 2), outcomes};
  const auto beta = SomeValues(2);
  const Ties ties = *rc::gen::element(Ties::kEfron, Ties::kBreslow);
  const auto at = CoxSumsAt(stratum, beta, ties);
  RC_ASSERT(at.ok());
  constexpr double kStep = 1e-5;
  for (std::size_t j = 0; j < 2; ++j) {
    auto above = beta;
    auto below = beta;
    above[j] += kStep;
    below[j] -= kStep;
    const auto up = CoxSumsAt(stratum, above, ties);
    const auto down = CoxSumsAt(stratum, below, ties);
    RC_ASSERT(std::abs((up->log_likelihood - down->log_likelihood) / (2 * kStep) - at->score[j]) < 1e-5);
    for (std::size_t i = 0; i < 2; ++i)
      RC_ASSERT(std::abs((down->score[i] - up->score[i]) / (2 * kStep) - at->information(i, j)) < 1e-5);
  }
}

RC_GTEST_PROP(Hazards, TheGradientIsTheDerivativeOfTheLoss, ()) {
  const Grid grid = *Grid::FromCuts({5, 10, 20});
  const auto outcomes = SomeOutcomes();
  const HazardData data{SomeMatrix(outcomes.size(), 2), grid.PlacesOf(outcomes)};
  HazardModel model{SomeValues(3), SomeValues(2)};
  const HazardModel gradient = HazardGradient(data, model, 0.0);
  constexpr double kStep = 1e-5;
  const auto slope = [&](double& parameter) {
    const double at = parameter;
    parameter = at + kStep;
    const double up = HazardLoss(data, model);
    parameter = at - kStep;
    const double down = HazardLoss(data, model);
    parameter = at;
    return (up - down) / (2 * kStep);
  };
  for (std::size_t k = 0; k < 3; ++k) RC_ASSERT(std::abs(slope(model.intercepts[k]) - gradient.intercepts[k]) < 1e-7);
  for (std::size_t j = 0; j < 2; ++j) RC_ASSERT(std::abs(slope(model.beta[j]) - gradient.beta[j]) < 1e-7);
}

RC_GTEST_PROP(Hazards, ThePooledMaximumHasNoGradientLeft, ()) {
  const Grid grid = *Grid::FromCuts({5, 10, 20});
  const auto outcomes = SomeOutcomes(5);
  const HazardData data{SomeMatrix(outcomes.size(), 2), grid.PlacesOf(outcomes)};
  const HazardModel start{StartIntercepts(CountBins(data.places, 3)), std::vector<double>(2)};
  const auto model = FitHazards(data, start, 1.0);
  RC_ASSERT(model.ok());
  const auto patients = static_cast<double>(outcomes.size());
  const HazardModel gradient = HazardGradient(data, *model, 1.0 / patients);
  for (std::size_t k = 0; k < 3; ++k)
    RC_ASSERT(std::abs(patients * gradient.intercepts[k] + 1e-6 * model->intercepts[k]) < 1e-6);
  for (const double value : gradient.beta) RC_ASSERT(std::abs(patients * value) < 1e-6);
}

RC_GTEST_PROP(Hazards, SurvivalNeverRisesWithTimeAndAgreesAtTheCuts, ()) {
  const Grid grid = *Grid::FromCuts({5, 10, 20});
  const auto intercepts = SomeValues(3);
  const double lp = SomeValues(1)[0];
  const auto at_cuts = SurvivalAtCuts(intercepts, lp);
  for (std::size_t k = 0; k < 3; ++k)
    RC_ASSERT(std::abs(SurvivalAt(grid, intercepts, lp, grid.cuts()[k]) - at_cuts[k]) < 1e-14);
  double before = 1.0;
  for (double day = 0.0; day < 30.0; day += 0.5) {
    const double now = SurvivalAt(grid, intercepts, lp, day);
    RC_ASSERT(now <= before + 1e-15 && now > 0.0);
    before = now;
  }
}

RC_GTEST_PROP(Scaling, SumsOfMappedValuesGiveTheSameScale, ()) {
  const auto size = *rc::gen::inRange<std::size_t>(3, 40);
  const Matrix raw = SomeMatrix(size, 1);
  std::vector<std::size_t> rows(size);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  FeatureSums sums;
  for (const double value : raw.values) {
    const double u = value / 2.0;  // the range is -2 to 2
    sums.count += 1.0;
    sums.sum += u;
    sums.sum_squares += u * u;
  }
  const auto whole = FitScaling(raw, rows);
  const auto summed = ScaleFromSums(sums, -2.0, 2.0);
  RC_ASSERT(std::abs(whole->mean[0] - summed->mean) < 1e-12);
  RC_ASSERT(std::abs(whole->deviation[0] - summed->deviation) < 1e-9);
}

}  // namespace
}  // namespace fedtrial
