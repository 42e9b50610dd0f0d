#include <CLI/CLI.hpp>
#include <functional>
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
  command->add_option("--out", options.out, "where report.json and report.html go");
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
  AddTable(app, table, chosen);
  AddCompare(app, compare, chosen);
  AddRun(app, run, chosen);
  AddStartModel(app, start_model, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return RunToExitStatus("fedtrial-sim", chosen);
}
