#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace fedtrial {

// A row of the roster: sites are 1 to 2^32-2, the coordinator is 0. Compared as an integer.
struct SiteId {
  std::uint32_t value = 0;
  auto operator<=>(const SiteId&) const = default;
};

inline constexpr SiteId kCoordinatorId{0};
inline constexpr SiteId kBroadcastId{0xffffffff};

// "site-7", or "coordinator".
std::string ToString(SiteId id);

// One counter over all tasks of a trial, and the attempt at that round (0 is the first). Compared in that order.
struct RoundId {
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  auto operator<=>(const RoundId&) const = default;
};

std::string ToString(RoundId id);

}  // namespace fedtrial
