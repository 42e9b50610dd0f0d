#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "model/params/manifest.h"
#include "proto/plan/plan.h"
#include "site_node/cohort/cohort.h"

namespace fedtrial::site {

// One kind of round of the plan: the vector that each of them asks for, before it is masked.
struct LeavingVector {
  std::string task;          // "train"
  std::string what;          // "train: 30 rounds of block risk"
  std::uint64_t rounds = 0;  // of this kind, at this place of the plan
  Manifest manifest;         // names, shapes, words; from the same Layout as the rounds themselves
  std::vector<bool> filled;  // of each block of the manifest: this site would fill it; else its words are zeros
};

// Everything that the plan would have this site send, in the order of the plan: made from Layout with the headers that
// the models will have. Where the plan leaves cuts open, the bins wanted stand for those that `grid` finds.
// An error of Layout is one of the plan.
Result<std::vector<LeavingVector>> WhatLeaves(const Plan& plan, const CohortReading& reading);

// What `check --what-leaves` prints: for the person who signs off that data leave the hospital.
std::string WhatLeavesText(const Plan& plan, const CohortReading& reading, const std::vector<LeavingVector>& vectors);
std::string WhatLeavesJson(const Plan& plan, const std::vector<LeavingVector>& vectors);

}  // namespace fedtrial::site
