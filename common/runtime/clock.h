#pragma once

#include <string>

#include "common/base/time.h"

namespace fedtrial {

// The steady clock as the cores' Time. Only shells call it.
Time SteadyNow();

// The wall clock in UTC with milliseconds, "2025-03-01T12:00:00.123Z": for audit lines and logs, never for a deadline.
std::string Rfc3339Now();

}  // namespace fedtrial
