#include "model/survival/concordance.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <vector>

namespace fedtrial {
namespace {

// Earliest first; at one time the events come before the censored, who live longer.
std::vector<std::size_t> ByTime(std::span<const Outcome> outcomes) {
  std::vector<std::size_t> order(outcomes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    if (outcomes[a].time != outcomes[b].time) return outcomes[a].time < outcomes[b].time;
    return outcomes[a].event && !outcomes[b].event;
  });
  return order;
}

// One patient's share of the pairs, for the variance.
struct Share {
  double concordant = 0.0;
  double comparable = 0.0;
};

// 1 / G(T-)^2 of the event of this patient, 1 for Harrell's C.
Result<double> EventWeight(double time, const PairOptions& options) {
  if (options.censoring == nullptr) return 1.0;
  const double g = options.censoring->Before(time);
  if (!(g > 0.0))
    return Error{ErrorCode::kInvalidInput,
                 "concordance: the censoring survival is 0 before an event; choose an earlier tau"};
  return 1.0 / (g * g);
}

Status CheckPairs(std::span<const Outcome> outcomes, std::span<const double> risk, const PairOptions& options) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  RETURN_IF_ERROR(CheckValues("concordance: risks", risk, outcomes.size()));
  if (options.weights.empty()) return {};
  RETURN_IF_ERROR(CheckValues("concordance: weights", options.weights, outcomes.size()));
  for (std::size_t i = 0; i < options.weights.size(); ++i)
    if (options.weights[i] < 0.0)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("concordance: weight {} is {}, wanted >= 0", i, options.weights[i])};
  return {};
}

}  // namespace

PairCounts& PairCounts::operator+=(const PairCounts& other) {
  concordant += other.concordant;
  discordant += other.discordant;
  tied_risk += other.tied_risk;
  tied_time += other.tied_time;
  tied_both += other.tied_both;
  sum_nn += other.sum_nn;
  sum_nd += other.sum_nd;
  sum_dd += other.sum_dd;
  return *this;
}

Result<PairCounts> CountPairs(std::span<const Outcome> outcomes, std::span<const double> risk,
                              const PairOptions& options) {
  RETURN_IF_ERROR(CheckPairs(outcomes, risk, options));
  const std::vector<std::size_t> order = ByTime(outcomes);
  const auto weight = [&](std::size_t i) { return options.weights.empty() ? 1.0 : options.weights[i]; };
  std::vector<Share> shares(outcomes.size());
  PairCounts counts;
  for (std::size_t a = 0; a < order.size(); ++a) {
    const std::size_t i = order[a];
    if (!outcomes[i].event || outcomes[i].time > options.tau) continue;
    ASSIGN_OR_RETURN(const double event_weight, EventWeight(outcomes[i].time, options));
    for (std::size_t b = a + 1; b < order.size(); ++b) {
      const std::size_t j = order[b];
      const double pair = event_weight * weight(i) * weight(j);
      if (outcomes[j].event && outcomes[j].time == outcomes[i].time) {
        (risk[i] == risk[j] ? counts.tied_both : counts.tied_time) += pair;
        continue;
      }
      const double half = risk[i] > risk[j] ? 1.0 : risk[i] == risk[j] ? 0.5 : 0.0;
      (half == 1.0 ? counts.concordant : half == 0.5 ? counts.tied_risk : counts.discordant) += pair;
      // d/dw_i of the sum: the pair's weight over that of the patient himself.
      shares[i].concordant += half * event_weight * weight(j);
      shares[i].comparable += event_weight * weight(j);
      shares[j].concordant += half * event_weight * weight(i);
      shares[j].comparable += event_weight * weight(i);
    }
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    counts.sum_nn += weight(i) * shares[i].concordant * shares[i].concordant;
    counts.sum_nd += weight(i) * shares[i].concordant * shares[i].comparable;
    counts.sum_dd += weight(i) * shares[i].comparable * shares[i].comparable;
  }
  return counts;
}

Result<Concordance> ConcordanceOf(const PairCounts& counts) {
  const double comparable = counts.comparable();
  if (!(comparable > 0.0) || !std::isfinite(comparable))
    return Error{ErrorCode::kInvalidInput, "concordance: no pair of patients is comparable"};
  const double c = (counts.concordant + counts.tied_risk / 2.0) / comparable;
  const double squares = counts.sum_nn - 2.0 * c * counts.sum_nd + c * c * counts.sum_dd;
  return Concordance{c, std::sqrt(std::max(squares, 0.0)) / comparable};
}

}  // namespace fedtrial
