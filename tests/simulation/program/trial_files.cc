#include "tests/simulation/program/trial_files.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>

#include "common/runtime/files.h"
#include "coordinator/shell/node.h"
#include "site_node/cohort/cohort.h"
#include "tests/simulation/program/plain_volumes.h"

namespace fedtrial::sim {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kMode = 0644;
constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxModelBytes = std::size_t{1} << 30;

Result<SiteCohort> ReadSite(const Plan& plan, const fs::path& folder) {
  const std::string name = folder.filename().string();
  const PlainVisits prepared(folder);
  site::CohortOptions options;
  options.prepared = &prepared;
  auto reading = site::ReadCohort(plan, folder, options);
  if (!reading.ok() && plan.folds.repeats > 0) {
    Plan without_folds = plan;
    without_folds.folds = {};
    auto again = site::ReadCohort(without_folds, folder, options);
    if (again.ok() && again->summary.patients < plan.cohort.min_patients) reading = std::move(again);
  }
  if (!reading.ok()) return reading.error().In(name);
  if (reading->has_errors)
    std::fprintf(stderr, "%s: %zu of %zu patients left out because of wrong values\n", name.c_str(), reading->left_out,
                 reading->rows);
  if (reading->unprepared_volumes > 0)
    std::fprintf(stderr, "%s: %zu scans left out because they aren't prepared\n", name.c_str(),
                 reading->unprepared_volumes);
  return SiteCohort{name, std::move(reading->cohort), std::move(reading->summary)};
}

}  // namespace

Result<std::string> ReadTextFile(const fs::path& file) {
  ASSIGN_OR_RETURN(const Bytes bytes, ReadWholeFile(file, kMaxTextBytes));
  return std::string(AsText(bytes));
}

Status WriteTextFile(const fs::path& file, const std::string& text) {
  return WriteWholeFile(file, AsBytes(text), kMode);
}

Result<TrialFiles> ReadTrialFiles(const fs::path& state) {
  ASSIGN_OR_RETURN(const auto node,
                   coordinator::Node::Open(coordinator::StatePaths{state}, coordinator::Node::Mode::kReadOnly));
  const auto& links = node->trial().links();
  if (links.empty())
    return Error{ErrorCode::kInvalidInput, fmt::format("the trial in {} has no model yet", state.string())};
  ASSIGN_OR_RETURN(Model model, node->models().Read(links.back().model));
  TrialFiles files{node->plan_toml(), node->plan(), std::move(model), {}};
  if (files.plan.network.start) {
    ASSIGN_OR_RETURN(const Bytes start_file, node->models().ReadStart());
    ASSIGN_OR_RETURN(files.start, coordinator::ReadStartFile(files.plan, start_file));
  }
  return files;
}

Result<TrialFiles> ReadPlanFile(const fs::path& plan) {
  TrialFiles files;
  ASSIGN_OR_RETURN(files.plan_toml, ReadTextFile(plan));
  ASSIGN_OR_RETURN(files.plan, ParsePlan(files.plan_toml, plan.string()));
  if (files.plan.network.start) {
    ASSIGN_OR_RETURN(const Bytes start_file,
                     ReadWholeFile(plan.parent_path() / files.plan.network.start->file, kMaxModelBytes));
    ASSIGN_OR_RETURN(files.start, coordinator::ReadStartFile(files.plan, start_file));
  }
  return files;
}

Result<Model> ReadModelFile(const fs::path& model) {
  ASSIGN_OR_RETURN(const Bytes bytes, ReadWholeFile(model, kMaxModelBytes));
  auto decoded = DecodeModel(bytes);
  if (!decoded.ok()) return decoded.error().In(model.string());
  return decoded;
}

Status WriteModelFile(const Model& model, const fs::path& file) {
  ASSIGN_OR_RETURN(const Bytes bytes, EncodeModel(model));
  return WriteWholeFile(file, bytes, kMode);
}

Result<std::vector<SiteCohort>> ReadSites(const Plan& plan, const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (fs::exists(entry.path() / "participants.tsv", error)) folders.push_back(entry.path());
  if (error) return Error{ErrorCode::kInvalidInput, fmt::format("{}: {}", folder.string(), error.message())};
  if (folders.empty())
    return Error{ErrorCode::kInvalidInput, fmt::format("no folder with participants.tsv below {}", folder.string())};
  std::sort(folders.begin(), folders.end());
  std::vector<SiteCohort> sites;
  for (const fs::path& path : folders) {
    ASSIGN_OR_RETURN(SiteCohort site, ReadSite(plan, path));
    sites.push_back(std::move(site));
  }
  return sites;
}

}  // namespace fedtrial::sim
