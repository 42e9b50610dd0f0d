#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/runtime/page_server.h"
#include "common/runtime/signals.h"
#include "site_node/shell/node.h"

namespace fedtrial::site {

class Driver;
class Telemetry;

// The subcommands of fedtrial-site. Each prints to stdout what was asked for and returns an error for the caller to
// print; main turns it into an exit code (0 done, 1 failed, 2 wrong use or configuration, 3 no daemon or coordinator to
// talk to).
struct CommonOptions {
  std::filesystem::path state;
  bool json = false;
};

struct InitOptions : CommonOptions {
  std::string name;
  std::filesystem::path data_folder;
};
Status InitCommand(const InitOptions& options);

struct EnrolOptions : CommonOptions {
  std::filesystem::path enrolment_file;
};
Status EnrolCommand(const EnrolOptions& options, StopSignal& stop);

// Reads the data folder as the plan wants it and says what is wrong with it; kInvalidInput if there are errors.
struct CheckOptions : CommonOptions {
  std::filesystem::path plan;  // empty: the state folder's
  std::filesystem::path html;  // the report as a page too; empty: none
  bool what_leaves = false;    // in place of the report: names, shapes and counts of what the plan would send
};
Status CheckCommand(const CheckOptions& options);

// Prepares the scans of the data folder, or of these patients, beside a running daemon too. kInvalidInput: some visits
// can't be used; kUnavailable: stopped on the way, or the disk is full.
struct PrepareOptions : CommonOptions {
  std::vector<std::string> patients;  // empty: all
  std::filesystem::path plan;         // empty: the state folder's
};
Status PrepareCommand(const PrepareOptions& options, StopSignal& stop);

struct ApproveOptions : CommonOptions {
  std::string by;           // who approves, as the audit will say
  std::string plan_sha256;  // approves without asking if it is this plan's
};
Status ApproveCommand(const ApproveOptions& options);

// The pages are site_node/web's, which sees this room and not the other way round.
using MakePages = std::function<std::vector<PageRoute>(Driver&, Telemetry&)>;
Status RunCommand(const CommonOptions& options, StopSignal& stop, const MakePages& make_pages);
Status StatusCommand(const CommonOptions& options);
Status PauseCommand(const CommonOptions& options, const std::string& reason);
Status ResumeCommand(const CommonOptions& options);

struct PredictOptions : CommonOptions {
  std::string patient;  // empty: all
};
Status PredictCommand(const PredictOptions& options);
Status VerifyAuditCommand(const CommonOptions& options);
Status CheckConfigCommand(const CommonOptions& options);

// What control.sock asks of a running daemon, and what the same commands do on a folder without one.
Result<std::string> AnswerCommand(Node& node, const std::string& command, const std::string& json,
                                  const Node::OtherEffect& other);
// Asks the daemon, or opens the folder itself if none runs.
Result<std::string> ChangeNode(const StatePaths& paths, const std::string& command, const std::string& json);

}  // namespace fedtrial::site
