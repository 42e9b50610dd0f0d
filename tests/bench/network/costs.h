#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace fedtrial::bench {

// Seconds a patient (processor, one thread) and the peak of resident memory of the two stages of a preset on volumes of
// this side, each measured in a process of its own, which is this program with --cost: lines of a table on standard
// output. `divisor` > 1: few patients.
void PrintCosts(const std::filesystem::path& program, bool tiny);
// The process: one line "<seconds a patient> <peak MiB>" on standard output. stage: encoder, heads.
int MeasureCost(const std::string& stage, const std::string& preset, std::size_t side, bool tiny);

// Megabytes that a site sends and fetches in a round of training, by the words of the manifests that Layout makes of
// the delivered plans: of the network by preset, and of the linear model.
void PrintTraffic();

}  // namespace fedtrial::bench
