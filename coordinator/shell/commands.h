#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/runtime/page_server.h"
#include "common/runtime/signals.h"

namespace fedtrial::coordinator {

class Driver;

// The subcommands of fedtrial-coordinator, one group a file: they print what was asked for on stdout; main.cc turns the
// status into words on stderr and an exit code.

// --- consortium_commands.cc: for whoever keeps the consortium's keys -------------------------------------------------
Status ConsortiumInit(const std::filesystem::path& folder, const std::string& name);
// Signs the request that waits under this fingerprint, as a person has read it from the site's screen.
Status ConsortiumSign(const std::filesystem::path& folder, const std::filesystem::path& state,
                      const std::string& fingerprint);
// Makes the next version of everybody signed so far and publishes it; nothing if that is just the present one.
Status ConsortiumRoster(const std::filesystem::path& folder, const std::filesystem::path& state);
// A new list with this site added; without a site, the present list anew (it is good for 24 hours).
Status Revoke(const std::filesystem::path& folder, const std::filesystem::path& state, const std::string& site);

// --- trial_commands.cc: the sponsor's
// ---------------------------------------------------------------------------------
struct InitOptions {
  std::filesystem::path plan;
  std::filesystem::path consortium;
  std::filesystem::path state;
  std::vector<std::string> hosts;  // names in the certificate; sites dial the first
  int port = 0;
  std::string listen;  // "": 127.0.0.1 if sites dial this machine, else every address
};
Status Init(const InitOptions& options);
Status MakeEnrolToken(const std::filesystem::path& state, const std::string& site, const std::filesystem::path& out);
Status Pause(const std::filesystem::path& state, const std::string& reason);
Status Resume(const std::filesystem::path& state);
Status Close(const std::filesystem::path& state, const std::string& reason);

// --- read_commands.cc: change nothing
// ---------------------------------------------------------------------------------
struct StatusOptions {
  std::filesystem::path state;
  bool json = false;
  bool follow = false;  // until the trial is finished or closed; a live line on a terminal, else a line a round
};
Status ShowStatus(const StatusOptions& options, StopSignal& stop);
Status ShowReport(const std::filesystem::path& state, bool as_json);
Status ExportModel(const std::filesystem::path& state, const std::string& digest, const std::filesystem::path& out);
Status VerifyAudit(const std::filesystem::path& state, bool as_json);

// --- daemon.cc
// -------------------------------------------------------------------------------------------------------- Where the
// dashboard gets what it shows; made by coordinator/web.
struct PageSources {
  std::function<Result<std::string>(std::size_t since)> status;  // StatusJson
  std::function<Result<std::string>()> report;                   // ReportJson
  std::function<std::string()> metrics;
};
using PageMaker = std::function<std::vector<PageRoute>(PageSources)>;

struct RunOptions {
  std::filesystem::path state;
  std::filesystem::path config;  // "": coordinator.toml in the state folder
  bool check_config = false;     // reads the configuration, says every problem, and ends
};
// Until a signal, or a disk that fails.
Status Run(const RunOptions& options, StopSignal& stop, const PageMaker& make_pages);

}  // namespace fedtrial::coordinator
