#pragma once

#include <vector>

#include "proto/plan/plan.h"
#include "proto/plan/toml_reader.h"

namespace fedtrial {

// What one entry of the plan says about another; of this room alone. Problems are reported at the table's key.
void CheckCuts(TomlTable& endpoint, const std::vector<double>& cuts_days);
void CheckLandmarks(TomlTable& endpoint, const std::vector<double>& landmarks_days);
// What blocks say of each other: who reads what, and that no head sees its own label. `blocks` are the tables of
// plan.blocks, in the same order.
void CheckBlocks(std::vector<TomlTable>& blocks, const Plan& plan);
void CheckRules(TomlTable& rules, const Rules& read);
// The range check: with the plan's caps no sum can overflow its words.
void CheckEncoding(TomlTable& encoding, const Plan& plan);
// `steps` are the tables of plan.steps, in the same order.
void CheckSteps(std::vector<TomlTable>& steps, const Plan& plan);

}  // namespace fedtrial
