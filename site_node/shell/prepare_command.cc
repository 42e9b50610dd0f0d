#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/runtime/files.h"
#include "common/runtime/folder_lock.h"
#include "security/crypto/system_random.h"
#include "site_node/cache/visit_entry.h"
#include "site_node/cohort/visit_files.h"
#include "site_node/shell/cache_key.h"
#include "site_node/shell/commands.h"
#include "site_node/shell/config.h"
#include "site_node/shell/prepare_run.h"
#include "site_node/shell/worker_visits.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxPlanBytes = std::size_t{1} << 20;

// A line a visit on stdout, and on a terminal's stderr one that is written over.
class Teller {
 public:
  Teller(std::size_t visits, bool json) : visits_(visits), json_(json), terminal_(isatty(STDERR_FILENO) == 1) {
    Progress();
  }
  ~Teller() { Clear(); }

  void Tell(const VisitReport& report) {
    ++counts_[static_cast<std::size_t>(report.kind)];
    Clear();
    reports_.push_back({{"subject", report.subject},
                        {"session", report.session},
                        {"became", ToString(report.kind)},
                        {"sequences", report.sequences},
                        {"reasons", report.reasons},
                        {"warnings", report.warnings}});
    const bool news = report.kind != VisitReport::Kind::kAlready || !report.reasons.empty();
    if (!json_ && news) {
      fmt::print("{} {}  {}{}\n", report.subject, report.session, ToString(report.kind),
                 report.sequences.empty() ? "" : fmt::format(": {}", fmt::join(report.sequences, ", ")));
      for (const std::string& reason : report.reasons) fmt::print("    {}\n", reason);
      for (const std::string& warning : report.warnings) fmt::print("    warning: {}\n", warning);
      std::fflush(stdout);
    }
    Progress();
  }

  std::size_t Count(VisitReport::Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

  void Summary(const std::filesystem::path& reports) {
    Clear();
    using Kind = VisitReport::Kind;
    if (json_) {
      fmt::print("{}\n", nlohmann::json{{"visits", visits_},
                                        {"prepared", Count(Kind::kPrepared)},
                                        {"already", Count(Kind::kAlready)},
                                        {"failed", Count(Kind::kFailed)},
                                        {"reports", reports_}}
                             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      fmt::print("{} visits: {} prepared, {} were already, {} failed\n", visits_, Count(Kind::kPrepared),
                 Count(Kind::kAlready), Count(Kind::kFailed));
      if (Count(Kind::kPrepared) > 0) fmt::print("pictures and reports of them: {}\n", reports.string());
    }
    std::fflush(stdout);
  }

 private:
  void Progress() {
    if (!terminal_) return;
    const std::size_t done = counts_[0] + counts_[1] + counts_[2];
    std::fputs(fmt::format("\r\x1b[Kvisit {} of {}", std::min(done + 1, visits_), visits_).c_str(), stderr);
    std::fflush(stderr);
  }
  void Clear() const {
    if (terminal_) std::fputs("\r\x1b[K", stderr);
  }

  const std::size_t visits_;
  const bool json_;
  const bool terminal_;
  std::array<std::size_t, 3> counts_{};  // by kind
  nlohmann::json reports_ = nlohmann::json::array();
};

Result<std::vector<VisitScans>> FindScans(const Plan& plan, const SiteConfig& config,
                                          const std::vector<std::string>& patients) {
  CohortOptions options;
  options.columns = config.columns;
  ASSIGN_OR_RETURN(const std::vector<VisitDay> visits, ListVisits(plan, config.data_folder, options, patients));
  std::vector<VisitScans> scans;
  for (const VisitDay& visit : visits) {
    const VisitFiles files = FindVisitFiles(config.data_folder, visit.subject, visit.session);
    scans.push_back({.subject = visit.subject,
                     .session = visit.session,
                     .day = visit.day,
                     .prepared = !files.prepared.empty(),
                     .may_have_contrast = files.dicom.has_value() || files.raw.contains(MriSequence::kT1Contrast),
                     .stamp = files.stamp});
  }
  return scans;
}

// What a killed run left unfinished.
Status CleanUp(const StatePaths& paths) {
  for (const auto& folder : {paths.cache(), paths.prepared()}) {
    RETURN_IF_ERROR(EnsurePrivateFolder(folder));
    RETURN_IF_ERROR(RemoveTemporaryFiles(folder));
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error))
      if (entry.is_directory(error)) RETURN_IF_ERROR(RemoveTemporaryFiles(entry.path()));
  }
  return {};
}

}  // namespace

Status PrepareCommand(const PrepareOptions& options, StopSignal& stop) {
  const StatePaths paths{options.state};
  ASSIGN_OR_RETURN(const SiteConfig config, LoadSiteConfig(paths.config()));
  const std::filesystem::path plan_file = options.plan.empty() ? paths.plan() : options.plan;
  ASSIGN_OR_RETURN(const Bytes plan_text, ReadWholeFile(plan_file, kMaxPlanBytes));
  ASSIGN_OR_RETURN(const Plan plan, ParsePlan(AsText(plan_text), plan_file.string()));
  if (std::ranges::find(plan.blocks, BlockKind::kMri, &Block::kind) == plan.blocks.end())
    return Error{ErrorCode::kInvalidInput, "prepare: the plan reads no scans, nothing is to be done"};
  ASSIGN_OR_RETURN(const std::vector<VisitScans> visits, FindScans(plan, config, options.patients));

  RETURN_IF_ERROR(EnsurePrivateFolder(paths.cache()));
  ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(paths.cache(), "fedtrial-site prepare"));
  RETURN_IF_ERROR(CleanUp(paths));
  SystemRandom random;
  ASSIGN_OR_RETURN(const SecretBytes<32> key, MakeCacheKey(paths, random));
  const VolumeCache cache(paths.cache(), key.Clone());
  Teller teller(visits.size(), options.json);
  const PrepareSettings settings{
      .paths = paths,
      .rules = RulesText(plan.imaging),
      .side_by_side = config.threads,
      .make_runner =
          [&] { return std::make_unique<WorkerVisits>(config, paths.cache(), std::string(AsText(plan_text)), key); },
      .stopped = [&stop] { return stop.stopped(); },
      .tell = [&teller](const VisitReport& report) { teller.Tell(report); }};
  RETURN_IF_ERROR(PrepareVisits(visits, cache, settings));
  if (options.patients.empty()) RETURN_IF_ERROR(RemoveUnused(visits, paths));
  teller.Summary(paths.prepared());
  if (const std::size_t failed = teller.Count(VisitReport::Kind::kFailed); failed > 0)
    return Error{ErrorCode::kInvalidInput, fmt::format("{} visits can't be used, see above", failed)};
  return {};
}

}  // namespace fedtrial::site
