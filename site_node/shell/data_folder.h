#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "site_node/cohort/cohort.h"
#include "site_node/shell/config.h"
#include "site_node/shell/link.h"
#include "site_node/shell/node.h"

namespace fedtrial::site {

// Names, sizes and times of the tables and of what is prepared: others, another stamp.
std::string DataStamp(const std::filesystem::path& folder, const std::filesystem::path& cache);
// With the volumes that lie prepared in the cache, as the worker reads it.
Result<CohortReading> ReadSiteCohort(const Plan& plan, const SiteConfig& config, const std::filesystem::path& cache);

// plan.toml as approved: checked against the participant's plan hash.
Result<std::string> ReadPlanText(Node& node);
// A sealed model of the chain. Its digest was checked when it came; the worker checks it again.
Result<SealedReader> OpenModel(const Node& node, const Digest& digest);
// Downloads the model unless it is here, checks its digest, seals it under its name.
Result<ModelHeader> EnsureModel(Node& node, Link& link, const Digest& digest);
// x_i and all y_i of the round are removed.
void DropUploads(const StatePaths& paths, std::uint64_t round);
// Signs our head, gives it to the coordinator, keeps its countersignature and countersigns the coordinator's head.
// Tells the coordinator of the operator's approval, if there is one.
Status SendStoredApproval(Node& node, Link& link);
Status ExchangeAuditHeads(Node& node, Link& link, const VerifyKey& coordinator);

// For `predict`, beside a running daemon too: the latest model of the chain and the plan it was trained under.
struct LatestModel {
  std::string plan;
  Bytes model;
};
Result<LatestModel> LoadLatestModel(const StatePaths& paths);
// Whose keys verify-audit trusts: this site's own and the coordinator's of the pinned roster.
Result<AuditKeys> AuditKeysOf(const StatePaths& paths);

// What `status --json` prints of the node itself.
nlohmann::json NodeStatus(Node& node);

}  // namespace fedtrial::site
