#include <cstdio>
#include <fmt/format.h>

#include "coordinator/tasks/network_start.h"
#include "proto/plan/layout.h"
#include "proto/plan/network.h"
#include "security/crypto/sha256.h"
#include "tests/simulation/program/commands.h"
#include "tests/simulation/program/fits.h"
#include "tests/simulation/program/play.h"
#include "tests/simulation/program/progress.h"
#include "tests/simulation/program/trial_files.h"

namespace fedtrial::sim {

Status RunCommand(const RunOptions& options) {
  ASSIGN_OR_RETURN(const TrialFiles files, ReadPlanFile(options.plan));
  ASSIGN_OR_RETURN(std::vector<SiteCohort> sites, ReadSites(files.plan, options.sites));
  std::erase_if(sites, [&](const SiteCohort& site) {
    if (site.summary.patients >= files.plan.cohort.min_patients) return false;
    std::fprintf(stderr, "%s takes no part: %zu patients, the plan's minimum is %zu\n", site.name.c_str(),
                 site.summary.patients, static_cast<std::size_t>(files.plan.cohort.min_patients));
    return true;
  });
  Progress progress;
  ASSIGN_OR_RETURN(const Played played,
                   Play(files.plan_toml, files.plan, sites,
                        {options.faults, options.device, options.threads, files.start, progress.OfRounds()}));
  RETURN_IF_ERROR(WriteModelFile(played.model, options.out));
  ASSIGN_OR_RETURN(const Bytes bytes, EncodeModel(played.model));
  const std::string digest = ToHex(Sha256(bytes));
  if (options.json) {
    nlohmann::json within;
    for (const auto& round : played.rounds)
      if (round["concordance"].is_object()) within = round["concordance"];
    fmt::print("{}\n", nlohmann::json{{"trial", files.plan.trial_id},
                                      {"title", files.plan.title},
                                      {"plan_sha256", ToHex(files.plan.hash)},
                                      {"model", digest},
                                      {"rounds", played.rounds},
                                      {"concordance", {{"federated_within", within}}},
                                      {"upload_bytes", played.upload_bytes}}
                           .dump(2));
    return {};
  }
  fmt::print("{} sites, {} rounds; model {} in {}\n", sites.size(), played.rounds.size(), digest, options.out.string());
  return {};
}

Status StartModelCommand(const StartModelOptions& options) {
  ASSIGN_OR_RETURN(const TrialFiles files, ReadPlanFile(options.plan));
  Model model;
  for (const Replica& replica : Replicas(files.plan)) {
    for (const Block& block : files.plan.blocks) {
      if (block.kind != BlockKind::kLinear) continue;
      const std::string name = BetaName(replica, block.name);
      model.tensors[name] = Tensor::Zeros({name, {block.features.size()}, files.plan.precision});
    }
  }
  if (files.plan.Fusion() != nullptr) {
    ASSIGN_OR_RETURN(const NetworkShape shape, NetworkOf(files.plan, {}));
    ASSIGN_OR_RETURN(const auto network, coordinator::NetworkStartValues(files.plan, shape, files.start));
    for (const Replica& replica : Replicas(files.plan, *files.plan.Fusion()))
      for (const auto& [name, tensor] : network) model.tensors[replica.prefix + name] = tensor;
  }
  RETURN_IF_ERROR(WriteModelFile(model, options.out));
  fmt::print("{} tensors in {}\n", model.tensors.size(), options.out.string());
  return {};
}

}  // namespace fedtrial::sim
