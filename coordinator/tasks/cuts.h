#pragma once

#include <vector>

#include "common/base/result.h"
#include "model/survival/discrete_hazard.h"

namespace fedtrial::coordinator {

// Ends of at most `bins` time bins in days, at quantiles of the event times, read from counts in fine bins of
// `width_days`: the end of the first fine bin by which j / bins of all events have happened. Each has min_events events
// at least (others are joined with the next, the last with the one before), and none ends after the last fine bin that
// somebody completed, so every bin has a survivor and a finite intercept. kInvalidInput if there is no event in a fine
// bin that somebody completed.
Result<std::vector<double>> ChooseCuts(const BinCounts& fine, double width_days, unsigned bins, double min_events);

}  // namespace fedtrial::coordinator
