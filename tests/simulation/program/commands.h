#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "tests/simulation/cohort/settings.h"
#include "tests/simulation/program/experiment.h"
#include "tests/simulation/program/table_plan.h"

namespace fedtrial::sim {

// The subcommands: what was asked for goes to stdout, progress to stderr.

// A federation on one table, split by a column.
struct TableOptions {
  std::filesystem::path table;
  std::string site, patient, time, event;
  std::vector<std::string> covariates;
  std::filesystem::path folds;       // "": dealt
  std::filesystem::path write_plan;  // where the plan.toml is kept; "": nowhere
  Recipe recipe;
  unsigned bootstrap = 0;
  bool json = false;
};
Status TableCommand(TableOptions options);

// Pooled, single-site and reduced models beside a trial's own, on all its folders.
struct CompareOptions {
  std::filesystem::path trial;        // a coordinator's state folder; or
  std::filesystem::path model, plan;  // files
  std::filesystem::path sites;
  std::filesystem::path run;         // `fedtrial-coordinator report --json`, or `fedtrial-sim run --json`; may be ""
  std::filesystem::path audit;       // {"coordinator": "ok", "sites": {name: "ok" or the reason}}; may be ""
  std::filesystem::path picture;     // PNG of a prepared visit, for the page; may be ""
  std::filesystem::path out;         // report.json and report.html go there; may be ""
  std::vector<std::string> reduced;  // lists "a,b"; none: age_y,kps where both are there
  unsigned bootstrap = 2000;
  bool json = false;
};
Status CompareCommand(const CompareOptions& options);

// A whole federation in one process on site folders.
struct RunOptions {
  std::filesystem::path sites, plan, out;
  std::vector<std::string> faults;
  std::string device = "cpu";
  unsigned threads = 1;
  bool json = false;
};
Status RunCommand(const RunOptions& options);

// A model with every trained tensor at its start.
struct StartModelOptions {
  std::filesystem::path plan, out;
};
Status StartModelCommand(const StartModelOptions& options);

// One seed of an experiment on simulated patients; `plan` is a network's.
struct ExperimentOptions {
  std::filesystem::path plan;
  ExperimentSettings settings;
};
Status ExperimentCommand(const ExperimentOptions& options);

// The records of all seeds as a table, summary.json and experiments.html; exit status 0 whether goals are met or not.
struct ExperimentSummaryOptions {
  std::filesystem::path records;  // a file with one record a line
  std::filesystem::path out;      // "": nowhere
};
Status ExperimentSummaryCommand(const ExperimentSummaryOptions& options);

// Site folders of simulated patients. Ctrl-C leaves nothing of them.
struct CohortCommandOptions {
  std::filesystem::path out;
  CohortSettings settings;
  bool json = false;
};
Status CohortCommand(const CohortCommandOptions& options);

}  // namespace fedtrial::sim
