#pragma once

#include <nlohmann/json.hpp>
#include <set>

#include "common/base/ids.h"

namespace fedtrial {

// The sites that a list of numbers in a vector names.
inline std::set<SiteId> Ids(const nlohmann::json& list) {
  std::set<SiteId> ids;
  for (const auto& id : list) ids.insert(SiteId{id.get<std::uint32_t>()});
  return ids;
}

}  // namespace fedtrial
