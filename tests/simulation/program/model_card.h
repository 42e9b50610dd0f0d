#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace fedtrial::sim {

// The skeleton of a model card (Mitchell et al. 2019; TRIPOD+AI) in Markdown, filled with what a report says of itself:
// cohort by site, modalities, figures with intervals, calibration, and what isn't known. A person writes the rest.
std::string ModelCard(const nlohmann::json& report);

}  // namespace fedtrial::sim
