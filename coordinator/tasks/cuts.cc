#include "coordinator/tasks/cuts.h"

#include <algorithm>
#include <numeric>

namespace fedtrial::coordinator {

Result<std::vector<double>> ChooseCuts(const BinCounts& fine, double width_days, unsigned bins, double min_events) {
  std::size_t end = fine.events.size();  // fine bins up to the last that somebody completed
  while (end > 0 && !(fine.at_risk[end - 1] > fine.events[end - 1])) --end;
  const double all = std::accumulate(fine.events.begin(), fine.events.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
  if (all <= 0.0)
    return Error{ErrorCode::kInvalidInput,
                 "grid: no event in any time bin that a patient completed: no cut can be found"};
  std::vector<double> cuts;
  double happened = 0.0, in_bin = 0.0;
  unsigned next = 1;  // the quantile that ends the bin
  for (std::size_t k = 0; k < end; ++k) {
    happened += fine.events[k];
    in_bin += fine.events[k];
    if (in_bin < std::max(1.0, min_events) || happened * bins < all * next) continue;
    cuts.push_back(static_cast<double>(k + 1) * width_days);
    in_bin = 0.0;
    while (next <= bins && happened * bins >= all * next) ++next;
  }
  if (in_bin > 0.0 || cuts.empty()) {  // too few events are left for a bin of their own
    std::size_t last = end;
    while (fine.events[last - 1] <= 0.0) --last;
    if (!cuts.empty()) cuts.pop_back();
    cuts.push_back(static_cast<double>(last) * width_days);
  }
  return cuts;
}

}  // namespace fedtrial::coordinator
