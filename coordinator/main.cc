#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <memory>

#include "common/runtime/exit_status.h"
#include "common/runtime/heaps.h"
#include "coordinator/shell/commands.h"
#include "coordinator/web/pages.h"

namespace {

using namespace fedtrial;
using namespace fedtrial::coordinator;

constexpr char kVersion[] = FEDTRIAL_VERSION;
constexpr char kFooter[] =
    "Exit status: 0 done; 1 failed; 2 wrong use, configuration, plan or file; 3 try again: no daemon, no connection, "
    "port "
    "taken, folder in use, disk full.";

using Command = std::function<Status(StopSignal&)>;

// One subcommand with its options; `chosen` becomes what it does.
CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& help, Command& chosen, Command command) {
  CLI::App* sub = parent.add_subcommand(name, help);
  sub->footer(kFooter);
  sub->callback([&chosen, command = std::move(command)] { chosen = command; });
  return sub;
}

void AddState(CLI::App* sub, std::filesystem::path& state) {
  sub->add_option("--state", state, "The coordinator's state folder")->required();
}
void AddConsortium(CLI::App* sub, std::filesystem::path& folder) {
  sub->add_option("--consortium", folder, "The consortium's folder with its keys")->required();
}

struct Options {
  std::filesystem::path state, consortium, out;
  std::string name = "fedtrial consortium", fingerprint, site, reason, digest;
  InitOptions init;
  RunOptions run;
  bool json = false, follow = false;
};

void AddConsortiumCommands(CLI::App& app, Options& o, Command& chosen) {
  CLI::App* group =
      app.add_subcommand("consortium", "What the keeper of the consortium's keys does")->require_subcommand(1);
  CLI::App* init = Add(*group, "init", "Makes CA and signing key in a folder of their own", chosen,
                       [&o](StopSignal&) { return ConsortiumInit(o.consortium, o.name); });
  init->add_option("folder", o.consortium, "A new folder")->required();
  init->add_option("--name", o.name, "Name in the CA's certificate")->capture_default_str();
  CLI::App* sign = Add(*group, "sign", "Signs a site's request to be let in (again: renews its certificate)", chosen,
                       [&o](StopSignal&) { return ConsortiumSign(o.consortium, o.state, o.fingerprint); });
  AddConsortium(sign, o.consortium);
  AddState(sign, o.state);
  sign->add_option("--fingerprint", o.fingerprint, "As the site's administrator reads it from his screen")->required();
  CLI::App* roster = Add(*group, "roster", "Signs and publishes the list of everybody signed so far", chosen,
                         [&o](StopSignal&) { return ConsortiumRoster(o.consortium, o.state); });
  AddConsortium(roster, o.consortium);
  AddState(roster, o.state);
  CLI::App* revoke = Add(app, "revoke", "Revokes a site; without one, signs the present list anew", chosen,
                         [&o](StopSignal&) { return Revoke(o.consortium, o.state, o.site); });
  AddConsortium(revoke, o.consortium);
  AddState(revoke, o.state);
  revoke->add_option("site", o.site, "Its name");
}

void AddTrialCommands(CLI::App& app, Options& o, Command& chosen) {
  CLI::App* init = Add(app, "init", "Makes a trial: locks the plan, makes the coordinator's keys, has both signed",
                       chosen, [&o](StopSignal&) {
                         o.init.state = o.state;
                         o.init.consortium = o.consortium;
                         return Init(o.init);
                       });
  init->add_option("--plan", o.init.plan, "plan.toml")->required();
  AddConsortium(init, o.consortium);
  AddState(init, o.state);
  init->add_option("--host", o.init.hosts, "Name or address that sites dial, the first of several")->required();
  o.init.port = 7443;
  init->add_option("--port", o.init.port, "TCP port; 0: any free one at each start")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  init->add_option("--listen", o.init.listen, "address:port to listen on, where it isn't 127.0.0.1 or every address");
  CLI::App* token = Add(app, "enrol-token", "Invites a site: a file for its administrator with a one-time token",
                        chosen, [&o](StopSignal&) { return MakeEnrolToken(o.state, o.site, o.out); });
  AddState(token, o.state);
  token->add_option("site", o.site, "A name for it: letters, digits, '-', '_' and '.'")->required();
  token->add_option("--out", o.out, "The file; without it, printed");
  const auto add = [&](const char* name, const char* help,
                       Status (*command)(const std::filesystem::path&, const std::string&)) {
    CLI::App* sub = Add(app, name, help, chosen, [&o, command](StopSignal&) { return command(o.state, o.reason); });
    AddState(sub, o.state);
    sub->add_option("--reason", o.reason, "For log and sites");
  };
  add("pause", "No new round until resume", Pause);
  add("close", "Ends the trial for good, whatever the plan has left", Close);
  AddState(Add(app, "resume", "Goes on after pause, or after a round that was lost", chosen,
               [&o](StopSignal&) { return Resume(o.state); }),
           o.state);
  CLI::App* run =
      Add(app, "run", "The daemon: runs the trial until it is told to stop", chosen, [&o](StopSignal& stop) {
        o.run.state = o.state;
        return Run(o.run, stop, MakePages);
      });
  AddState(run, o.state);
  run->add_option("--config", o.run.config, "Another configuration than coordinator.toml in the state folder");
  run->add_flag("--check-config", o.run.check_config, "Reads the configuration, says every problem at once, and ends");
}

void AddReadCommands(CLI::App& app, Options& o, Command& chosen) {
  CLI::App* status = Add(app, "status", "Where the trial stands", chosen, [&o](StopSignal& stop) {
    return ShowStatus({o.state, o.json, o.follow}, stop);
  });
  AddState(status, o.state);
  status->add_flag("--follow", o.follow, "Until the trial ends");
  status->add_flag("--json", o.json, "For scripts");
  CLI::App* report = Add(app, "report", "Every round, who contributed, bytes, model chain, audit", chosen,
                         [&o](StopSignal&) { return ShowReport(o.state, o.json); });
  AddState(report, o.state);
  report->add_flag("--json", o.json, "For scripts");
  CLI::App* audit = Add(app, "verify-audit", "Checks the audit log and names its first bad record", chosen,
                        [&o](StopSignal&) { return VerifyAudit(o.state, o.json); });
  AddState(audit, o.state);
  audit->add_flag("--json", o.json, "For scripts");
  CLI::App* model = app.add_subcommand("model", "The trial's models")->require_subcommand(1);
  CLI::App* save = Add(*model, "export", "Writes the latest model as a plain safetensors file", chosen,
                       [&o](StopSignal&) { return ExportModel(o.state, o.digest, o.out); });
  AddState(save, o.state);
  save->add_option("--out", o.out, "The file")->required();
  save->add_option("--digest", o.digest, "Another model of the chain, by its SHA-256");
}

int Main(int argc, char** argv) {
  LimitHeaps();
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);  // before gRPC looks: what matters comes as our own errors
  auto stop = StopSignal::Install();
  if (!stop.ok()) return RunToExitStatus("fedtrial-coordinator", [&]() -> Status { return stop.error(); });
  Options options;
  Command chosen;
  CLI::App app("fedtrial-coordinator: runs a federated trial; sees sums, never a site's own figures");
  app.set_version_flag("--version", std::string("fedtrial-coordinator ") + kVersion);
  app.require_subcommand(1);
  app.footer(kFooter);
  AddConsortiumCommands(app, options, chosen);
  AddTrialCommands(app, options, chosen);
  AddReadCommands(app, options, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return RunToExitStatus("fedtrial-coordinator", [&] { return chosen(**stop); });
}

}  // namespace

int main(int argc, char** argv) { return Main(argc, argv); }
