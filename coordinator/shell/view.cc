#include "coordinator/shell/view.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fedtrial::coordinator {
namespace {

using nlohmann::json;

std::string_view ToText(SiteOutcome outcome) {
  switch (outcome) {
    case SiteOutcome::kPending:
      return "pending";
    case SiteOutcome::kContributed:
      return "contributed";
    case SiteOutcome::kLate:
      return "late";
    case SiteOutcome::kRefused:
      return "refused";
    case SiteOutcome::kLost:
      return "lost";
  }
  return "";
}

json ResultOf(const RoundRecord& record) {
  json result = json::parse(record.result, nullptr, false);
  return result.is_object() ? result : json::object();
}

json Field(const json& object, const char* key) { return object.contains(key) ? object.at(key) : json(nullptr); }

json Seconds(const std::map<RoundId, Ledger::Times>& times, RoundId round) {
  const auto found = times.find(round);
  if (found == times.end() || found->second.ended_ms == 0) return nullptr;
  return static_cast<double>(found->second.ended_ms - found->second.opened_ms) / 1000.0;
}

json Outcomes(const Node& node, const RoundRecord& record) {
  json sites = json::object();
  for (const auto& [site, outcome] : record.sites) {
    json& entry = sites[node.NameOf(site)];
    entry["outcome"] = ToText(outcome.outcome);
    if (!outcome.reason.empty()) entry["reason"] = outcome.reason;
  }
  return sites;
}

json Names(const Node& node, const std::vector<SiteId>& sites) {
  json names = json::array();
  for (const SiteId site : sites) names.push_back(node.NameOf(site));
  return names;
}

json AttemptJson(const Node& node, const RoundRecord& record, const std::map<RoundId, Ledger::Times>& times) {
  const json result = ResultOf(record);
  return {{"round", record.id.round},
          {"attempt", record.id.attempt},
          {"task", record.task.kind},
          {"step", record.task.position.step},
          {"committed", record.committed},
          {"failure", record.failure},
          {"included", Names(node, record.included)},
          {"sites", Outcomes(node, record)},
          {"loss", Field(result, "loss")},
          {"concordance", Field(result, "concordance")},
          {"seconds", Seconds(times, record.id)}};
}

// The latest figure of this name in any committed round.
json Latest(const std::vector<RoundRecord>& history, const char* key) {
  for (auto record = history.rbegin(); record != history.rend(); ++record) {
    if (!record->committed) continue;
    const json value = Field(ResultOf(*record), key);
    if (!value.is_null()) return value;
  }
  return nullptr;
}

Status AddSites(Node& node, const LiveView* live, json& status) {
  ASSIGN_OR_RETURN(const auto enrolled, node.enrolments().List());
  ASSIGN_OR_RETURN(const auto traffic, node.ledger().Sites());
  const RoundRecord* current = node.trial().current();
  const auto& roster = node.trial().roster();
  std::uint64_t bytes = 0;
  json sites = json::array();
  json pending = json::array();
  for (const EnrolledSite& site : enrolled) {
    const bool listed = roster && roster->Find(site.id) != nullptr;
    json entry = {{"id", site.id.value}, {"name", site.name}, {"in_roster", listed}, {"approved_by", site.approved_by}};
    entry["enrolment"] = site.fingerprint.empty() ? "invited" : site.certificate_pem.empty() ? "asks" : "signed";
    if (const auto found = traffic.find(site.id); found != traffic.end()) {
      entry["bytes"] = found->second.sent;
      bytes += found->second.sent;
    }
    if (current != nullptr)
      if (const auto found = current->sites.find(site.id); found != current->sites.end())
        entry.update({{"outcome", ToText(found->second.outcome)}, {"reason", found->second.reason}});
    if (live != nullptr) {
      entry["connected"] = live->live.connected.contains(site.id);
      entry["heard"] = live->live.heard.contains(site.id);
      if (const auto found = live->live.problems.find(site.id); found != live->live.problems.end())
        entry["problem"] = found->second;
    }
    sites.push_back(std::move(entry));
    if (!site.fingerprint.empty() && site.certificate_pem.empty())
      pending.push_back({{"name", site.name}, {"fingerprint", site.fingerprint}});
  }
  status["sites"] = std::move(sites);
  status["pending"] = std::move(pending);
  status["bytes_received"] = bytes;
  return {};
}

void AddProgress(const Node& node, const std::map<RoundId, Ledger::Times>& times, json& status) {
  const Trial& trial = node.trial();
  std::uint64_t committed = 0;
  double seconds = 0.0;
  for (const RoundRecord& record : trial.history()) {
    if (!record.committed) continue;
    ++committed;
    if (const json took = Seconds(times, record.id); took.is_number()) seconds += took.get<double>();
  }
  const std::uint64_t planned = std::max(committed, PlannedRounds(node.plan()));
  status["rounds_planned"] = planned;
  status["rounds_committed"] = committed;
  status["seconds_left"] = nullptr;
  if (committed > 0) {
    status["seconds_per_round"] = seconds / static_cast<double>(committed);
    if (trial.state() == TrialState::kRunning)
      status["seconds_left"] = seconds / static_cast<double>(committed) * static_cast<double>(planned - committed);
  }
}

}  // namespace

Result<std::string> StatusJson(Node& node, const LiveView* live, std::size_t since) {
  const Trial& trial = node.trial();
  ASSIGN_OR_RETURN(const auto times, node.ledger().Rounds());
  json status = {{"trial", node.plan().trial_id},
                 {"title", node.plan().title},
                 {"state", ToString(trial.state())},
                 {"running", live != nullptr},
                 {"plan_sha256", ToHex(node.plan().hash)},
                 {"fingerprint", node.record().fingerprint},
                 {"roster_version", trial.roster() ? trial.roster()->version : 0},
                 {"model", trial.links().empty() ? "" : ToHex(trial.links().back().model)},
                 {"round", nullptr},
                 {"loss", Latest(trial.history(), "loss")},
                 {"concordance", Latest(trial.history(), "concordance")}};
  if (const RoundRecord* current = trial.current()) {
    status.update({{"round", current->id.round},
                   {"attempt", current->id.attempt},
                   {"task", current->task.kind},
                   {"step", current->task.position.step},
                   {"phase", ToString(trial.phase())},
                   {"sites_invited", current->sites.size()}});
    if (live != nullptr) status["sites_heard"] = live->live.heard.size();
  }
  if (live != nullptr) status.update({{"listen", live->listen}, {"page", live->page}});
  AddProgress(node, times, status);
  RETURN_IF_ERROR(AddSites(node, live, status));
  json recent = json::array();
  for (std::size_t i = since; i < trial.history().size(); ++i)
    recent.push_back(AttemptJson(node, trial.history()[i], times));
  status["attempts"] = trial.history().size();
  status["recent"] = std::move(recent);
  return status.dump();
}

Result<AuditReport> VerifyOwnAudit(Node& node) {
  AuditKeys keys;
  keys.owner = node.signing_key().PublicKey();
  if (const auto& roster = node.trial().roster())
    for (const RosterEntry& entry : roster->entries)
      if (entry.row.role == kRoleSite) keys.witnesses[entry.row.id] = entry.row.signing_key;
  return VerifyAuditFile(node.paths().folder, keys);
}

Result<std::string> ReportJson(Node& node) {
  const Trial& trial = node.trial();
  ASSIGN_OR_RETURN(const auto times, node.ledger().Rounds());
  ASSIGN_OR_RETURN(const auto traffic, node.ledger().Sites());
  json rounds = json::array();
  json failed = json::array();
  for (const RoundRecord& record : trial.history()) {
    json attempt = AttemptJson(node, record, times);
    attempt["result"] = ResultOf(record);
    attempt["model"] = ToHex(record.model);
    (record.committed ? rounds : failed).push_back(std::move(attempt));
  }
  json bytes = json::object();
  for (const auto& [site, sum] : traffic)
    bytes[node.NameOf(site)] = {{"sent", sum.sent}, {"plain_float32", sum.plain_float32}, {"uploads", sum.uploads}};
  json chain = json::array();
  for (const ModelLink& link : trial.links())
    chain.push_back({{"round", link.round},
                     {"model", ToHex(link.model)},
                     {"before", ToHex(link.before)},
                     {"included", ToHex(link.included)},
                     {"signature", ToHex(link.signature)}});
  const auto audit = VerifyOwnAudit(node);
  return json{{"trial", node.plan().trial_id},
              {"title", node.plan().title},
              {"state", ToString(trial.state())},
              {"plan_sha256", ToHex(node.plan().hash)},
              {"roster_version", trial.roster() ? trial.roster()->version : 0},
              {"model", trial.links().empty() ? "" : ToHex(trial.links().back().model)},
              {"rounds", std::move(rounds)},
              {"failed_attempts", std::move(failed)},
              {"concordance", {{"federated_within", Latest(trial.history(), "concordance")}}},
              {"test", Latest(trial.history(), "test")},
              {"upload_bytes", std::move(bytes)},
              {"chain", std::move(chain)},
              {"audit", {{"coordinator", audit.ok() ? "ok" : audit.error().message}}}}
      .dump();
}

}  // namespace fedtrial::coordinator
