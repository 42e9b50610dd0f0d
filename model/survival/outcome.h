#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "common/base/result.h"

namespace fedtrial {

// Follow-up of one patient, in days from the trial's day 0.
struct Outcome {
  double time = 0.0;   // to the event or the last contact; finite, >= 0
  bool event = false;  // false: censored at `time`, alive at that very time
};

// kInvalidInput if there is none, or a time is negative, infinite or NaN. Names the row, never the patient's value.
Status CheckOutcomes(std::span<const Outcome> outcomes);

// kInvalidInput if `values` has another length than `wanted`, or one of them is infinite or NaN.
Status CheckValues(std::string_view what, std::span<const double> values, std::size_t wanted);

std::size_t CountEvents(std::span<const Outcome> outcomes);

}  // namespace fedtrial
