#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "model/survival/matrix.h"
#include "model/survival/outcome.h"

namespace fedtrial {

// Sums of one stratum (a site), or of several: they add. Zero where a stratum has one group or no event.
struct LogRankSums {
  explicit LogRankSums(std::size_t groups) : observed(groups), expected(groups), variance(groups, groups) {}
  // Both must have the same number of groups.
  LogRankSums& operator+=(const LogRankSums& other);

  std::vector<double> observed;  // events per group
  std::vector<double> expected;  // if all groups had the same hazard
  Matrix variance;               // of observed - expected, hypergeometric
};

struct LogRankTest {
  double chi_square = 0.0;
  std::size_t degrees = 0;  // groups with an expected event, less one
  double p = 1.0;
};

// group[i] < groups. Mantel 1966, Peto and Peto 1972; R's survdiff with rho = 0.
// kInvalidInput as CheckOutcomes, on unequal lengths and on a group out of range.
Result<LogRankSums> LogRankOfStratum(std::span<const Outcome> outcomes, std::span<const std::size_t> group,
                                     std::size_t groups);

// kInvalidInput where fewer than two groups have an expected event: nothing can be compared.
Result<LogRankTest> TestLogRank(const LogRankSums& sums);

}  // namespace fedtrial
