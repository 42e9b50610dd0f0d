#include "model/survival/log_rank.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

#include "model/survival/distributions.h"

namespace fedtrial {
namespace {

// Adds the table of one event time: `events` and `at_risk` per group.
void AddTable(std::span<const double> events, std::span<const double> at_risk, LogRankSums& sums) {
  const double d = std::accumulate(events.begin(), events.end(), 0.0);
  const double n = std::accumulate(at_risk.begin(), at_risk.end(), 0.0);
  if (d <= 0.0) return;
  const double spread = n > 1.0 ? d * (n - d) / (n - 1.0) : 0.0;
  for (std::size_t g = 0; g < events.size(); ++g) {
    const double share = at_risk[g] / n;
    sums.observed[g] += events[g];
    sums.expected[g] += d * share;
    for (std::size_t h = 0; h < events.size(); ++h)
      sums.variance(g, h) += spread * share * ((g == h ? 1.0 : 0.0) - at_risk[h] / n);
  }
}

}  // namespace

LogRankSums& LogRankSums::operator+=(const LogRankSums& other) {
  for (std::size_t g = 0; g < observed.size(); ++g) {
    observed[g] += other.observed[g];
    expected[g] += other.expected[g];
  }
  for (std::size_t i = 0; i < variance.values.size(); ++i) variance.values[i] += other.variance.values[i];
  return *this;
}

Result<LogRankSums> LogRankOfStratum(std::span<const Outcome> outcomes, std::span<const std::size_t> group,
                                     std::size_t groups) {
  RETURN_IF_ERROR(CheckOutcomes(outcomes));
  if (group.size() != outcomes.size())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("log-rank: {} groups for {} outcomes", group.size(), outcomes.size())};
  for (std::size_t i = 0; i < group.size(); ++i)
    if (group[i] >= groups)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("log-rank: the group of outcome {} is {}, wanted less than {}", i, group[i], groups)};
  std::vector<std::size_t> order(outcomes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, std::greater{}, [&](std::size_t i) { return outcomes[i].time; });

  LogRankSums sums(groups);
  std::vector<double> at_risk(groups);
  for (std::size_t i = 0; i < order.size();) {
    std::vector<double> events(groups);
    const double time = outcomes[order[i]].time;
    for (; i < order.size() && outcomes[order[i]].time == time; ++i) {
      at_risk[group[order[i]]] += 1.0;
      if (outcomes[order[i]].event) events[group[order[i]]] += 1.0;
    }
    AddTable(events, at_risk, sums);
  }
  return sums;
}

Result<LogRankTest> TestLogRank(const LogRankSums& sums) {
  std::vector<std::size_t> used;
  for (std::size_t g = 0; g < sums.expected.size(); ++g)
    if (sums.expected[g] > 0.0) used.push_back(g);
  if (used.size() < 2)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("log-rank: {} groups have an expected event, wanted 2 or more", used.size())};
  // The differences sum to zero: the first group is left out.
  const std::size_t degrees = used.size() - 1;
  Matrix variance(degrees, degrees);
  std::vector<double> difference(degrees);
  for (std::size_t i = 0; i < degrees; ++i) {
    difference[i] = sums.observed[used[i + 1]] - sums.expected[used[i + 1]];
    for (std::size_t j = 0; j < degrees; ++j) variance(i, j) = sums.variance(used[i + 1], used[j + 1]);
  }
  const Result<Cholesky> factor = Cholesky::Of(variance);
  if (!factor.ok()) return factor.error().In("log-rank: the groups were never at risk together");
  const std::vector<double> solved = factor->Solve(difference);
  const double chi_square = std::inner_product(difference.begin(), difference.end(), solved.begin(), 0.0);
  return LogRankTest{chi_square, degrees, ChiSquareUpperTail(chi_square, static_cast<double>(degrees))};
}

}  // namespace fedtrial
