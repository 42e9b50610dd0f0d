#include "site_node/shell/commands.h"

#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/runtime/clock.h"
#include "common/runtime/control_socket.h"
#include "common/runtime/files.h"
#include "security/crypto/sha256.h"
#include "security/pki/approval.h"
#include "security/pki/enrolment.h"
#include "site_node/cache/cached_visits.h"
#include "site_node/shell/approval.h"
#include "site_node/shell/check_page.h"
#include "site_node/shell/check_report.h"
#include "site_node/shell/config.h"
#include "site_node/shell/data_folder.h"
#include "site_node/shell/enrol.h"
#include "site_node/shell/task_runner.h"
#include "site_node/shell/what_leaves.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxPlanBytes = std::size_t{1} << 20;
constexpr std::string_view kMeaning = "this site contributes under this plan";

Result<Bytes> LoadPlanBytes(const std::filesystem::path& file) { return ReadWholeFile(file, kMaxPlanBytes); }

Result<Plan> LoadPlan(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const Bytes bytes, LoadPlanBytes(file));
  return ParsePlan(AsText(bytes), file.string());
}

void Print(std::string_view text) { fmt::print("{}\n", text); }

Result<std::string> Approve(Node& node, const nlohmann::json& request, const Node::OtherEffect& other) {
  const std::string wanted = request.value("plan_sha256", "");
  ASSIGN_OR_RETURN(const Bytes plan, LoadPlanBytes(node.paths().plan()));
  const Digest hash = Sha256(plan);
  if (ToHex(hash) != wanted)
    return Error{ErrorCode::kNotApproved,
                 fmt::format("approve {}, but {} has SHA-256 {}", wanted, node.paths().plan().string(), ToHex(hash))};
  if (!VerifyPlan(node.enrolment().consortium, hash, node.enrolment().plan_signature))
    return Error{ErrorCode::kIntegrity, "this plan isn't signed by the consortium"};
  const Approval approval =
      SignApproval(node.signing_key(), {hash, request.value("by", ""), Rfc3339Now(), std::string(kMeaning), {}});
  const Bytes encoded = approval.Encode();
  RETURN_IF_ERROR(node.Apply(PlanApproved{plan, encoded, node.enrolment().plan_signature}, SteadyNow(), other));
  RETURN_IF_ERROR(node.store().Put(kApprovalTable, "current", encoded));
  return nlohmann::json({{"approved", wanted}, {"by", approval.name}, {"time", approval.time}}).dump();
}

}  // namespace

Result<std::string> AnswerCommand(Node& node, const std::string& command, const std::string& text,
                                  const Node::OtherEffect& other) {
  const auto request = nlohmann::json::parse(text, nullptr, false);
  if (!request.is_object()) return Error{ErrorCode::kInvalidInput, "a command's argument is a JSON object"};
  for (const char* key : {"plan_sha256", "by", "reason"})
    if (request.contains(key) && !request.at(key).is_string())
      return Error{ErrorCode::kInvalidInput, fmt::format("{}: \"{}\" is not a text", command, key)};
  if (command == "approve") return Approve(node, request, other);
  if (command == "pause") {
    RETURN_IF_ERROR(node.Apply(PauseSite{request.value("reason", "")}, SteadyNow(), other));
    return std::string("{}");
  }
  if (command == "resume") {
    RETURN_IF_ERROR(node.Apply(ResumeSite{}, SteadyNow(), other));
    return std::string("{}");
  }
  if (command == "status") return NodeStatus(node).dump();
  return Error{ErrorCode::kInvalidInput, fmt::format("no command \"{}\"", command)};
}

Result<std::string> ChangeNode(const StatePaths& paths, const std::string& command, const std::string& json) {
  std::unique_ptr<Node> node;
  ASSIGN_OR_RETURN(auto answer, CallControlOrOpen(paths.folder, command, json, [&]() -> Status {
                     ASSIGN_OR_RETURN(node, Node::Open(paths));
                     return {};
                   }));
  if (answer) return std::move(*answer);
  return AnswerCommand(*node, command, json, [](Effect&&) {});
}

Status InitCommand(const InitOptions& options) {
  RETURN_IF_ERROR(CheckSiteName(options.name));
  const StatePaths paths{options.state};
  if (std::filesystem::exists(paths.kek()))
    return Error{ErrorCode::kInvalidInput, fmt::format("{} holds a site already", options.state.string())};
  std::error_code error;
  const auto data = std::filesystem::absolute(options.data_folder, error);
  if (!std::filesystem::is_directory(data, error))
    return Error{ErrorCode::kInvalidInput, fmt::format("--data: {} is not a folder", options.data_folder.string())};
  SystemRandom random;
  RETURN_IF_ERROR(CreateState(paths, random));
  RETURN_IF_ERROR(WriteWholeFile(paths.config(), AsBytes(SampleSiteConfig(options.name, data))));
  Print(fmt::format("made {}: keys (they never leave it) and site.toml; next: fedtrial-site enrol",
                    options.state.string()));
  return {};
}

Status EnrolCommand(const EnrolOptions& options, StopSignal& stop) {
  ASSIGN_OR_RETURN(const Bytes bytes, ReadWholeFile(options.enrolment_file, 64 * 1024));
  ASSIGN_OR_RETURN(const EnrolmentFile file, EnrolmentFile::FromJson(AsText(bytes)));
  const auto tell = [](const std::string& line) {
    Print(line);
    std::fflush(stdout);
  };
  return Enrol({options.state}, file, tell, [&] { return stop.stopped(); });
}

Status CheckCommand(const CheckOptions& options) {
  const StatePaths paths{options.state};
  ASSIGN_OR_RETURN(const SiteConfig config, LoadSiteConfig(paths.config()));
  ASSIGN_OR_RETURN(const Plan plan, LoadPlan(options.plan.empty() ? paths.plan() : options.plan));
  CohortOptions asked;
  asked.columns = config.columns;
  asked.all_checks = true;
  const CachedVisits prepared(paths.cache(), plan.imaging);
  asked.prepared = &prepared;
  ASSIGN_OR_RETURN(const CohortReading reading, ReadCohort(plan, config.data_folder, asked));
  if (options.what_leaves) {
    ASSIGN_OR_RETURN(const auto vectors, WhatLeaves(plan, reading));
    Print(options.json ? WhatLeavesJson(plan, vectors) : WhatLeavesText(plan, reading, vectors));
    return {};
  }
  if (!options.html.empty())
    RETURN_IF_ERROR(WriteWholeFile(options.html, AsBytes(CheckPage(plan, config.name, reading))));
  if (options.json)
    Print(CheckJson(plan, reading));
  else
    Print(CheckText(plan, reading));
  std::fflush(stdout);  // the report stands whole before the error
  if (HasErrors(reading)) return Error{ErrorCode::kInvalidInput, "the data folder has errors, see above"};
  return {};
}

Status ApproveCommand(const ApproveOptions& options) {
  const StatePaths paths{options.state};
  ASSIGN_OR_RETURN(const Plan plan, LoadPlan(paths.plan()));
  std::string sha256 = options.plan_sha256;
  if (sha256.empty()) {
    Print(DescribePlan(plan));
    if (isatty(STDIN_FILENO) == 0)
      return Error{ErrorCode::kNotApproved, "not approved: give --plan-sha256 to approve without being asked"};
    fmt::print("{} approves that {}. Type yes: ", options.by, kMeaning);
    std::fflush(stdout);
    std::string answer;
    if (!std::getline(std::cin, answer) || answer != "yes") return Error{ErrorCode::kNotApproved, "not approved"};
    sha256 = ToHex(plan.hash);
  }
  ASSIGN_OR_RETURN(const std::string answer,
                   ChangeNode(paths, "approve", nlohmann::json({{"plan_sha256", sha256}, {"by", options.by}}).dump()));
  Print(options.json ? answer : fmt::format("approved plan {} by {}", sha256, options.by));
  return {};
}

Status StatusCommand(const CommonOptions& options) {
  const StatePaths paths{options.state};
  ASSIGN_OR_RETURN(const std::string answer, ChangeNode(paths, "status", "{}"));
  if (options.json) {
    Print(answer);
    return {};
  }
  const auto json = nlohmann::json::parse(answer, nullptr, false);
  for (const auto& [key, value] : json.items())
    fmt::print("{:20} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  return {};
}

Status PauseCommand(const CommonOptions& options, const std::string& reason) {
  ASSIGN_OR_RETURN(const std::string answer,
                   ChangeNode({options.state}, "pause", nlohmann::json({{"reason", reason}}).dump()));
  Print(options.json ? answer : "paused: this site declines further rounds");
  return {};
}

Status ResumeCommand(const CommonOptions& options) {
  ASSIGN_OR_RETURN(const std::string answer, ChangeNode({options.state}, "resume", "{}"));
  Print(options.json ? answer : "resumed");
  return {};
}

Status PredictCommand(const PredictOptions& options) {
  const StatePaths paths{options.state};
  ASSIGN_OR_RETURN(const SiteConfig config, LoadSiteConfig(paths.config()));
  ASSIGN_OR_RETURN(const LatestModel latest, LoadLatestModel(paths));
  TaskRunner runner(config, paths);
  ASSIGN_OR_RETURN(const std::string json, runner.Predict(latest.plan, latest.model, options.patient));
  Print(options.json ? json : PredictionText(json));
  return {};
}

Status VerifyAuditCommand(const CommonOptions& options) {
  const StatePaths paths{options.state};
  ASSIGN_OR_RETURN(const AuditKeys keys, AuditKeysOf(paths));
  ASSIGN_OR_RETURN(const AuditReport report, VerifyAuditFile(paths.folder, keys));
  if (options.json)
    Print(nlohmann::json({{"audit", "ok"},
                          {"lines", report.head.seq},
                          {"signed_up_to", report.signed_up_to},
                          {"countersigned_up_to", report.countersigned_up_to}})
              .dump());
  else
    Print(fmt::format("ok: {} records, signed up to {}, countersigned by the coordinator up to {}", report.head.seq,
                      report.signed_up_to, report.countersigned_up_to));
  return {};
}

Status CheckConfigCommand(const CommonOptions& options) {
  ASSIGN_OR_RETURN(const SiteConfig config, LoadSiteConfig(StatePaths{options.state}.config()));
  Print(fmt::format("ok: site {}, data in {}", config.name, config.data_folder.string()));
  return {};
}

}  // namespace fedtrial::site
