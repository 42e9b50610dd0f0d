#pragma once

#include <cstdint>
#include <string>

namespace fedtrial::site {

// What a status of DIMSE (PS3.7 annex C, PS3.4 annex C.4) means to a person: "not permitted (status 0124)".
std::string StatusText(std::uint16_t status);

// More answers come.
constexpr bool IsPending(std::uint16_t status) { return status == 0xff00 || status == 0xff01; }

}  // namespace fedtrial::site
