#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "coordinator/tasks/network_start.h"
#include "model/params/model.h"
#include "proto/plan/plan.h"
#include "tests/simulation/program/patients.h"

namespace fedtrial::sim {

struct TrialFiles {
  std::string plan_toml;
  Plan plan;
  Model model;
  coordinator::StartFileTensors start = {};  // of a plan with a start file
};

// The locked plan and the latest model of a coordinator's state folder, beside its daemon or without one.
Result<TrialFiles> ReadTrialFiles(const std::filesystem::path& state);
// plan.toml and its start file beside it; `model` stays empty.
Result<TrialFiles> ReadPlanFile(const std::filesystem::path& plan);
Result<Model> ReadModelFile(const std::filesystem::path& model);  // safetensors, as `model export` writes it
Status WriteModelFile(const Model& model, const std::filesystem::path& file);

Result<std::string> ReadTextFile(const std::filesystem::path& file);
Status WriteTextFile(const std::filesystem::path& file, const std::string& text);

// Every site folder (one with participants.tsv) below `folder`, by name, read as its site would. A folder without folds
// of its own is read without them if it has fewer patients than the plan's minimum. Notes go to stderr.
Result<std::vector<SiteCohort>> ReadSites(const Plan& plan, const std::filesystem::path& folder);

}  // namespace fedtrial::sim
