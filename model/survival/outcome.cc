#include "model/survival/outcome.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fedtrial {

Status CheckOutcomes(std::span<const Outcome> outcomes) {
  if (outcomes.empty()) return Error{ErrorCode::kInvalidInput, "there is no outcome, at least one patient is needed"};
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!std::isfinite(outcomes[i].time))
      return Error{ErrorCode::kInvalidInput, fmt::format("outcome {}: the time is not a finite number of days", i)};
    if (outcomes[i].time < 0.0)
      return Error{ErrorCode::kInvalidInput, fmt::format("outcome {}: the time is negative, wanted days >= 0", i)};
  }
  return {};
}

Status CheckValues(std::string_view what, std::span<const double> values, std::size_t wanted) {
  if (values.size() != wanted)
    return Error{ErrorCode::kInvalidInput, fmt::format("{}: got {} values, wanted {}", what, values.size(), wanted)};
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      return Error{ErrorCode::kInvalidInput, fmt::format("{}: value {} is not finite", what, i)};
  return {};
}

std::size_t CountEvents(std::span<const Outcome> outcomes) {
  return static_cast<std::size_t>(std::ranges::count_if(outcomes, &Outcome::event));
}

}  // namespace fedtrial
