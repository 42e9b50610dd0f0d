#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/tasks/task.h"

namespace fedtrial::coordinator {

// What a kind of task finishes with.
struct FinishedSum {
  const Plan& plan;
  const Task& task;
  const Sum& sum;
  ServerState& server;
  const StartFileTensors& start_file;
};

// One function a kind, in a file of its name; of this room alone.
Result<Outcome> FinishNormalise(const FinishedSum& finished, Model before);
Result<Outcome> FinishGrid(const FinishedSum& finished, Model before);
Result<Outcome> FinishTrain(const FinishedSum& finished, Model before);
Result<Outcome> FinishEvaluate(const FinishedSum& finished, Model before);
Result<Outcome> FinishRecalibrate(const FinishedSum& finished, Model before);

// A modality of a network that fewer patients have stays at its start, and so does a block with fewer in a round.
inline constexpr double kMinBlockPatients = 10;

// Values and contributors of a statistic by the name of its tensor; kIntegrity if one isn't a whole number >= 0 where
// it counts something.
Result<std::vector<double>> Statistic(const Sum& sum, std::string_view name);
Result<std::vector<double>> Counts(const Sum& sum, std::string_view name);
Result<std::uint64_t> Contributors(const Sum& sum, std::string_view name);

// A count as it may be published: null where it is above 0 and below the plan's min_cell.
nlohmann::json Published(const Plan& plan, double count);
nlohmann::json Published(const Plan& plan, const std::vector<double>& counts);

}  // namespace fedtrial::coordinator
