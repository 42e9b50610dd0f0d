#include "common/base/result.h"

#include <fmt/format.h>

namespace fedtrial {

std::string_view ToString(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidInput:
      return "invalid input";
    case ErrorCode::kWrongPhase:
      return "wrong phase";
    case ErrorCode::kNotEnrolled:
      return "not enrolled";
    case ErrorCode::kNotApproved:
      return "not approved";
    case ErrorCode::kIntegrity:
      return "integrity";
    case ErrorCode::kBudgetSpent:
      return "budget spent";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "unknown";
}

Error Error::In(std::string_view context) const { return {code, fmt::format("{}: {}", context, message)}; }

}  // namespace fedtrial
