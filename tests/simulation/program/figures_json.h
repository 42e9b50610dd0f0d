#pragma once

#include <nlohmann/json.hpp>

#include "tests/simulation/program/comparison.h"
#include "tests/simulation/program/network_comparison.h"

namespace fedtrial::sim {

// {"federated": {"value", "low", "high", "events"}, "pooled", "cox", "local_mean", "local": {site: ..},
//  "reduced": {covariates: ..}, "gain": {name: ..}, "patients", "pairs"}; low and high are null without bootstrap.
nlohmann::json ToJson(const Figures& figures);

// {"cross_validated", "outside", "test"}, those there are.
nlohmann::json ConcordanceJson(const Comparison& comparison);

// {"cross_validated", "outside"} of the network, with "linear", "without": {modality: ..}.
nlohmann::json NetworkJson(const NetworkComparison& comparison);

// {"federated": {"covariates", "beta", "intercepts", "mean", "deviation"}, "pooled", "cox_site_stratified"} of the full
// replica. `covariates`: names of the block's.
nlohmann::json ModelsJson(const Comparison& comparison, const std::vector<std::string>& covariates);

}  // namespace fedtrial::sim
