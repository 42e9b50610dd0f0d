#pragma once

#include <cstdint>
#include <string>

// The processes whose peak of resident memory is a figure. Each says it (KiB) on standard output at the end.
namespace fedtrial::bench {

// The server: serves a round of `values`, says its port on standard output, and finishes when a number of sites comes
// on standard input.
int ServeForMemory(const std::string& folder, std::uint64_t values);
// A site: fetches the model, has a worker answer, masks and uploads, as site_node/shell does.
int ContributeForMemory(const std::string& folder, std::uint64_t values, const std::string& address,
                        const std::string& model);
// The worker of that site, under this name, without training: takes the model and gives values as many as the plan of
// the request says. Its own memory isn't looked at.
inline constexpr const char* kBenchWorker = "fedtrial-bench-worker";
int WorkForMemory();

}  // namespace fedtrial::bench
