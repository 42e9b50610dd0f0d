#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <string>

#include "common/runtime/exit_status.h"
#include "common/runtime/heaps.h"
#include "common/runtime/signals.h"
#include "site_node/archive/fetch_command.h"
#include "site_node/shell/commands.h"
#include "site_node/web/pages.h"

namespace {

using namespace fedtrial;
using namespace fedtrial::site;

constexpr char kFooter[] =
    "Exit status: 0 done, 1 failed, 2 wrong use or configuration, 3 try again: no daemon, no connection,\n"
    "folder in use, disk full.\n"
    "Only `fetch` writes into the data folder. Nothing leaves this hospital before `approve`, and then only encrypted "
    "sums.";

}  // namespace

int main(int argc, char** argv) {
  LimitHeaps();
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  auto stop = StopSignal::Install();
  if (!stop.ok()) return RunToExitStatus("fedtrial-site", [&]() -> Status { return stop.error(); });

  CLI::App app{"fedtrial-site: one hospital's node of a federated trial"};
  app.footer(kFooter);
  app.set_version_flag("--version", "fedtrial-site 0.1.0");
  app.require_subcommand(1);
  std::function<Status()> chosen;
  CommonOptions common;
  const auto add = [&](const char* name, const char* help, CommonOptions& options) {
    CLI::App* command = app.add_subcommand(name, help);
    command->add_option("--state", options.state, "the site's state folder")->required();
    return command;
  };
  const auto json = [](CLI::App* command, CommonOptions& options) {
    command->add_flag("--json", options.json, "print JSON");
  };

  InitOptions init;
  CLI::App* command = add("init", "make the state folder: keys (made here, they never leave) and site.toml", init);
  command->add_option("--name", init.name, "this site's name, as the consortium knows it")->required();
  command->add_option("--data", init.data_folder, "the folder with this hospital's tables; only `fetch` writes there")
      ->required();
  command->callback([&] { chosen = [&] { return InitCommand(init); }; });

  EnrolOptions enrol;
  command = add("enrol", "ask to be let in, with the enrolment file the coordinator's administrator sent", enrol);
  command->add_option("file", enrol.enrolment_file, "the enrolment file (it holds a one-time token)")->required();
  command->callback([&] { chosen = [&] { return EnrolCommand(enrol, **stop); }; });

  CheckOptions check;
  command = add("check", "read the data folder as the plan wants it and say what is wrong", check);
  command->add_option("--plan", check.plan, "another plan.toml than the state folder's");
  command->add_option("--html", check.html, "write the report as one page too; it holds patients' values");
  command->add_flag("--what-leaves", check.what_leaves, "say what the plan would send instead: names, shapes, counts");
  json(command, check);
  command->callback([&] { chosen = [&] { return CheckCommand(check); }; });

  FetchOptions fetch;
  command = add("fetch",
                "bring MR series from the hospital's archive (PACS) into the data folder; goes on where it was", fetch);
  command->add_option("patient", fetch.patients, "only these patients, by their ids in the tables");
  command->add_flag("--dry-run", fetch.dry_run, "say what it would bring, write nothing");
  json(command, fetch);
  command->callback([&] { chosen = [&] { return FetchCommand(fetch, **stop); }; });

  PrepareOptions prepare;
  command = add("prepare", "make volumes for the model of the scans in the data folder; goes on where it was", prepare);
  command->add_option("patient", prepare.patients, "only these patients, by their ids in the tables");
  command->add_option("--plan", prepare.plan, "another plan.toml than the state folder's");
  json(command, prepare);
  command->callback([&] { chosen = [&] { return PrepareCommand(prepare, **stop); }; });

  ApproveOptions approve;
  command = add("approve", "read the plan and sign it; nothing is sent before", approve);
  command->add_option("--by", approve.by, "name of the person who approves")->required();
  command->add_option("--plan-sha256", approve.plan_sha256, "approve exactly this plan without being asked");
  json(command, approve);
  command->callback([&] { chosen = [&] { return ApproveCommand(approve); }; });

  command = add("run", "the daemon: contributes to rounds until it is stopped", common);
  bool check_config = false;
  command->add_flag("--check-config", check_config, "read site.toml, print every problem and end");
  command->callback(
      [&] { chosen = [&] { return check_config ? CheckConfigCommand(common) : RunCommand(common, **stop, Pages); }; });

  command = add("status", "where this site stands", common);
  json(command, common);
  command->callback([&] { chosen = [&] { return StatusCommand(common); }; });

  std::string reason;
  command = add("pause", "decline further rounds until `resume`", common);
  command->add_option("--reason", reason, "what the coordinator is told");
  command->callback([&] { chosen = [&] { return PauseCommand(common, reason); }; });
  command = add("resume", "contribute again after `pause`", common);
  command->callback([&] { chosen = [&] { return ResumeCommand(common); }; });

  PredictOptions predict;
  command = add("predict", "survival curves of this site's patients from the latest model", predict);
  command->add_option("patient", predict.patient, "the patient's id in the tables");
  bool all = false;
  command->add_flag("--all", all, "every patient");
  json(command, predict);
  command->callback([&] {
    chosen = [&]() -> Status {
      if (all == !predict.patient.empty()) return Error{ErrorCode::kInvalidInput, "predict: give one PATIENT or --all"};
      return PredictCommand(predict);
    };
  });

  command = add("verify-audit", "check this site's audit log; names the first bad record", common);
  json(command, common);
  command->callback([&] { chosen = [&] { return VerifyAuditCommand(common); }; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return RunToExitStatus("fedtrial-site", chosen);
}
