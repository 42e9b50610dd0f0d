#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace fedtrial::sim {

// What a person reads at the end, from report.json: concordance of every way to train with 95 % intervals and events,
// bytes sent by each site, wall time a round, and what may be claimed. Parts that aren't there are left out.
std::string ClosingTable(const nlohmann::json& report);

}  // namespace fedtrial::sim
