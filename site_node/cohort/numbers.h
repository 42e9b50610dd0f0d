#pragma once

#include <optional>
#include <string_view>

namespace fedtrial::site {

inline constexpr std::string_view kMissing = "n/a";

// A finite number with a decimal point and nothing else.
std::optional<double> ParseNumber(std::string_view text);
// "2024-03-17", with or without a time of day after a T or a space: days since 1970-01-01.
std::optional<double> ParseDate(std::string_view text);

}  // namespace fedtrial::site
