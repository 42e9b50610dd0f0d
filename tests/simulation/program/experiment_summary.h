#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace fedtrial::sim {

// Over the seeds of each signal, what RunExperiment said of each: {"signals": {name: {"seeds", "concordance": {model:
// {"mean", "sd"}}, "federated_minus": {"pooled", "local_mean", "linear": {"mean", "low", "high"}}, "without":
// {modality: loss of concordance, mean}, "calibration_slope": {"as_trained", "recalibrated": {"mean", "sd"}}, "brier":
// {"federated", "recalibrated", "kaplan_meier": {"mean", "sd"}}, "brier_below_kaplan_meier": {"federated",
// "recalibrated": share of seeds}, "seconds": mean}}, "goals": [{"goal", "figure", "wanted", "met"}]}. Intervals: mean
// +- 1.96 sd / sqrt(seeds). kInvalidInput if a record lacks something.
Result<nlohmann::json> SummariseExperiments(const std::vector<nlohmann::json>& records);

// The summary as lines, and as one page without anything loaded.
std::string SummaryText(const nlohmann::json& summary);
std::string SummaryPage(const nlohmann::json& summary);

}  // namespace fedtrial::sim
