#include "common/base/ids.h"

#include <fmt/format.h>

namespace fedtrial {

std::string ToString(SiteId id) {
  if (id == kCoordinatorId) return "coordinator";
  if (id == kBroadcastId) return "everyone";
  return fmt::format("site-{}", id.value);
}

std::string ToString(RoundId id) {
  return id.attempt == 0 ? fmt::format("{}", id.round) : fmt::format("{} (attempt {})", id.round, id.attempt + 1);
}

}  // namespace fedtrial
