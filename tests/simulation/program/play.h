#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "coordinator/tasks/network_start.h"
#include "model/params/model.h"
#include "proto/plan/plan.h"
#include "tests/simulation/program/patients.h"

namespace fedtrial::sim {

struct PlayOptions {
  std::vector<std::string> faults = {};  // "<site>:<round>": this site's upload of that round never arrives
  std::string device = "cpu";
  unsigned threads = 1;
  coordinator::StartFileTensors start = {};  // of a plan with a start file
  std::function<void(std::uint64_t round, std::uint64_t of, const std::string& what)> progress = nullptr;
};

struct Played {
  Model model;
  // Of committed rounds, as in `fedtrial-coordinator report --json`:
  // [{"round", "attempt", "task", "included": [names], "loss", "concordance", "seconds", "result"}]
  nlohmann::json rounds;
  nlohmann::json upload_bytes;  // {site: {"sent", "plain_float32"}}
};

// A whole federation in this process: the real cores, tasks and secure sums (tests/simulation/federation.h), every site
// in the roster. `plan` is ParsePlan of `plan_toml`. kInvalidInput if the plan or a fault doesn't fit the sites;
// kUnavailable if the trial came to no end.
Result<Played> Play(const std::string& plan_toml, const Plan& plan, const std::vector<SiteCohort>& sites,
                    const PlayOptions& options);

}  // namespace fedtrial::sim
