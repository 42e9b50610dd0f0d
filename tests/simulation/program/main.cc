#include <CLI/CLI.hpp>
#include <functional>
#include <iterator>
#include <map>
#include <string>

#include "common/runtime/exit_status.h"
#include "tests/simulation/program/commands.h"

namespace {

using namespace fedtrial;
using namespace fedtrial::sim;

constexpr char kFooter[] =
    "Exit status: 0 done, 1 failed, 2 wrong use or input, 3 folder in use or disk full.\n"
    "Everything here sees all patients at once: for public data, a demo, or a plan to be tried out. Missing is empty.";

using Chosen = std::function<Status()>;

void AddTable(CLI::App& app, TableOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("table", "play a federation on one CSV table, split by a column");
  command->add_option("table", options.table, "CSV with a header; missing = empty")->required();
  command->add_option("--site", options.site, "column with the site")->required();
  command->add_option("--patient", options.patient, "column with the patient's id")->required();
  command->add_option("--time", options.time, "column with the days to the event or last contact")->required();
  command->add_option("--event", options.event, "column with 1 for the event, 0 for censored")->required();
  command->add_option("--covariates", options.covariates, "columns, separated by commas")->required()->delimiter(',');
  Recipe& recipe = options.recipe;
  command->add_option("--cuts", recipe.cuts_weeks, "ends of the time bins in weeks, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--folds", options.folds, "CSV with patient, repeat1, repeat2, ...; without it folds are dealt");
  command->add_option("--repeats", recipe.repeats, "repeats of cross-validation where folds are dealt; 0: none")
      ->check(CLI::Range(0, 99))
      ->capture_default_str();
  command->add_option("--min-patients", recipe.min_patients, "a site with fewer is outside")->capture_default_str();
  command->add_option("--ridge", recipe.ridge, "penalty on the coefficients")->capture_default_str();
  command->add_option("--rounds", recipe.rounds, "rounds of training")->capture_default_str();
  command->add_option("--local-steps", recipe.local_steps, "gradient steps of a site in a round")
      ->capture_default_str();
  command->add_option("--rate", recipe.rate, "learning rate of the first round")->capture_default_str();
  command->add_option("--rate-half", recipe.rate_half, "rounds after which it is half; 0: constant")
      ->capture_default_str();
  command->add_option("--bootstrap", options.bootstrap, "resamples for 95 % intervals; 0: none")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  command->add_option("--seed", recipe.seed, "of dealt folds and keys")->capture_default_str();
  command->add_option("--write-plan", options.write_plan, "keep the plan.toml that was played");
  command->add_flag("--json", options.json, "print JSON");
  command->callback([&] { chosen = [&] { return TableCommand(options); }; });
}

void AddCompare(CLI::App& app, CompareOptions& options, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("compare", "a trial's model beside pooled and single-site ones, on all its site folders");
  auto* trial = command->add_option("--trial", options.trial, "the coordinator's state folder");
  auto* model = command->add_option("--model", options.model, "an exported model (safetensors)")->excludes(trial);
  command->add_option("--plan", options.plan, "its plan.toml")->needs(model);
  model->needs(command->get_option("--plan"));
  command->add_option("--sites", options.sites, "the folder with all site folders")->required();
  command->add_option("--run", options.run,
                      "JSON of `fedtrial-coordinator report --json` or `fedtrial-sim run --json`");
  command->add_option("--audit", options.audit, "JSON of what `verify-audit` said of the coordinator and each site");
  command->add_option("--picture", options.picture, "a prepared visit's PNG, shown in the report");
  command->add_option("--out", options.out, "where report.json, report.html and model-card.md go");
  command->add_option("--reduced", options.reduced, "covariates \"a,b\" that are fitted alone; may be repeated");
  command->add_option("--bootstrap", options.bootstrap, "resamples for 95 % intervals; 0: none")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  command->add_flag("--json", options.json, "print report.json");
  command->callback([&] {
    if (options.trial.empty() && options.model.empty()) throw CLI::RequiredError("--trial, or --model and --plan,");
    chosen = [&] { return CompareCommand(options); };
  });
}

void AddRun(CLI::App& app, RunOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("run", "a whole federation in one process, on site folders");
  command->add_option("--sites", options.sites, "the folder with all site folders")->required();
  command->add_option("--plan", options.plan, "plan.toml")->required();
  command->add_option("--out", options.out, "where the final model goes (safetensors)")->required();
  command->add_option("--faults", options.faults, "site:round whose upload never arrives, separated by commas")
      ->delimiter(',');
  command->add_option("--device", options.device, "cpu, cuda, cuda:1")->capture_default_str();
  command->add_option("--threads", options.threads, "threads; results repeat bit for bit with the same")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_flag("--json", options.json, "print rounds, bytes and the model's digest as JSON");
  command->callback([&] { chosen = [&] { return RunCommand(options); }; });
}

void AddStartModel(CLI::App& app, StartModelOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("start-model", "the model that a plan's training starts from");
  command->add_option("--plan", options.plan, "plan.toml")->required();
  command->add_option("--out", options.out, "where it goes (safetensors)")->required();
  command->callback([&] { chosen = [&] { return StartModelCommand(options); }; });
}

void AddSignal(CLI::App& command, CohortSettings& settings) {
  std::map<std::string, Signal> signals;
  for (std::size_t i = 0; i < std::size(kSignalNames); ++i) signals.emplace(kSignalNames[i], static_cast<Signal>(i));
  command.add_option("--signal", settings.signal, "what the risk comes from: linear, interaction, mri, slope, none")
      ->transform(CLI::CheckedTransformer(signals))
      ->default_str("linear");
}

void AddExperiment(CLI::App& app, ExperimentOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "experiment", "one seed: a network federated, pooled and at single sites beside the linear model, SIMULATED");
  ExperimentSettings& settings = options.settings;
  settings.cohort.missing = 0.4;
  settings.cohort.volume = 0;
  command->add_option("--plan", options.plan, "plan.toml of a network")->required();
  AddSignal(*command, settings.cohort);
  command->add_option("--seed", settings.cohort.seed, "of cohort and patients tested")->capture_default_str();
  command->add_option("--patients", settings.cohort.patients, "who train")->capture_default_str();
  command->add_option("--sites", settings.cohort.sites, "hospitals")->capture_default_str();
  command->add_option("--test-patients", settings.test_patients, "other patients of the same law")
      ->capture_default_str();
  command->add_option("--missing", settings.cohort.missing, "share of the sites that lack a modality")
      ->capture_default_str();
  command->add_option("--volume", settings.cohort.volume, "edge of prepared volumes in voxels; 0: no images")
      ->capture_default_str();
  command->add_option("--landmark", settings.landmark_days, "day of the predictions that are tested")
      ->capture_default_str();
  command->add_option("--rounds", settings.rounds, "of the network; 0: as the plan says")->capture_default_str();
  command->callback([&] { chosen = [&] { return ExperimentCommand(options); }; });
}

void AddExperimentSummary(CLI::App& app, ExperimentSummaryOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("experiment-summary", "a table, JSON and a page of the records of many seeds");
  command->add_option("records", options.records, "file with one record of `experiment` a line")->required();
  command->add_option("--out", options.out, "folder for summary.json and experiments.html");
  command->callback([&] { chosen = [&] { return ExperimentSummaryCommand(options); }; });
}

void AddCohort(CLI::App& app, CohortCommandOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("cohort", "site folders of SIMULATED patients, images and all");
  CohortSettings& settings = options.settings;
  command->add_option("--out", options.out, "where they go: a folder that isn't there or is empty")->required();
  command->add_option("--patients", settings.patients, "of all sites")->capture_default_str();
  command->add_option("--sites", settings.sites, "hospitals")->capture_default_str();
  command->add_option("--seed", settings.seed, "the same seed gives the same bytes")->capture_default_str();
  AddSignal(*command, settings);
  command->add_option("--missing", settings.missing, "share of the sites that lack a modality, for each modality")
      ->capture_default_str();
  command->add_option("--volume", settings.volume, "edge of prepared volumes in voxels, 32 or 64; 0: no images")
      ->capture_default_str();
  command->add_option("--raw-visits", settings.raw_visits, "visits of each site that are raw scans of the whole head")
      ->capture_default_str();
  command->add_option("--raw-sites", settings.raw_sites, "sites that have raw scans, by name; all that have MRI")
      ->delimiter(',');
  command->add_option("--dicom", settings.dicom_site, "site whose raw scans are DICOM series");
  command->add_flag("--json", options.json, "print the counts as JSON");
  command->callback([&] { chosen = [&] { return CohortCommand(options); }; });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"fedtrial-sim: a federation in one process, for researchers and demos"};
  app.footer(kFooter);
  app.set_version_flag("--version", "fedtrial-sim 0.1.0");
  app.require_subcommand(1);
  Chosen chosen;
  TableOptions table;
  CompareOptions compare;
  RunOptions run;
  StartModelOptions start_model;
  ExperimentOptions experiment;
  ExperimentSummaryOptions summary;
  CohortCommandOptions cohort;
  AddTable(app, table, chosen);
  AddCompare(app, compare, chosen);
  AddRun(app, run, chosen);
  AddStartModel(app, start_model, chosen);
  AddExperiment(app, experiment, chosen);
  AddExperimentSummary(app, summary, chosen);
  AddCohort(app, cohort, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return RunToExitStatus("fedtrial-sim", chosen);
}
