#include "site_node/archive/fetch_command.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <unistd.h>

#include "common/runtime/files.h"
#include "common/runtime/folder_lock.h"
#include "site_node/archive/fetch_run.h"
#include "site_node/shell/config.h"

namespace fedtrial::site {
namespace {

using Kind = SeriesReport::Kind;

// A line a series on stdout, and on a terminal's stderr one that is written over.
class Teller {
 public:
  Teller(bool json, bool dry_run) : json_(json), dry_run_(dry_run), terminal_(isatty(STDERR_FILENO) == 1) {}
  ~Teller() { Clear(); }

  void Tell(const SeriesReport& report) {
    ++counts_[static_cast<std::size_t>(report.kind)];
    Clear();
    reports_.push_back({{"subject", report.subject},
                        {"session", report.session},
                        {"series", report.series},
                        {"became", ToString(report.kind)},
                        {"images", report.images},
                        {"reason", report.reason}});
    if (json_ || (report.kind == Kind::kAlready && report.reason.empty())) return;
    std::string name = report.subject;
    for (const std::string& part : {report.session, report.series})
      if (!part.empty()) name += " " + part;
    const bool counted = report.kind != Kind::kFailed && report.images > 0;
    fmt::print("{}  {}{}\n", name, ToString(report.kind), counted ? fmt::format(": {} images", report.images) : "");
    if (!report.reason.empty()) fmt::print("    {}\n", report.reason);
    std::fflush(stdout);
  }

  void Progress(const std::string& subject, std::size_t images) const {
    if (!terminal_) return;
    std::fputs(fmt::format("\r\x1b[K{}: {} images", subject, images).c_str(), stderr);
    std::fflush(stderr);
  }

  std::size_t Count(Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

  void Summary(std::size_t patients) const {
    Clear();
    if (json_) {
      fmt::print("{}\n", nlohmann::json{{"patients", patients},
                                        {"fetched", Count(Kind::kFetched)},
                                        {"to_fetch", Count(Kind::kToFetch)},
                                        {"already", Count(Kind::kAlready)},
                                        {"failed", Count(Kind::kFailed)},
                                        {"series", reports_}}
                             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      const Kind brought = dry_run_ ? Kind::kToFetch : Kind::kFetched;
      fmt::print("{} patients, series: {} {}, {} were already, {} failed\n", patients, Count(brought),
                 ToString(brought), Count(Kind::kAlready), Count(Kind::kFailed));
    }
    std::fflush(stdout);
  }

 private:
  void Clear() const {
    if (terminal_) std::fputs("\r\x1b[K", stderr);
  }

  const bool json_;
  const bool dry_run_;
  const bool terminal_;
  std::array<std::size_t, 4> counts_{};  // by kind
  nlohmann::json reports_ = nlohmann::json::array();
};

Result<FolderLock> LockData(const std::filesystem::path& data_folder) {
  const std::filesystem::path folder = IncomingFolder(data_folder).parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return SystemError(error.value(), "make", folder);
  return FolderLock::Take(folder, "fedtrial-site fetch");
}

}  // namespace

Status FetchCommand(const FetchOptions& options, StopSignal& stop) {
  ASSIGN_OR_RETURN(const SiteConfig config, LoadSiteConfig(StatePaths{options.state}.config()));
  if (!config.archive)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} has no [archive]: fetch asks none", StatePaths{options.state}.config().string())};
  ASSIGN_OR_RETURN(std::vector<KeyRow> all, ReadPatientKey(config.archive->patient_key));
  ASSIGN_OR_RETURN(const std::vector<KeyRow> patients, RowsOf(std::move(all), options.patients));
  std::signal(SIGPIPE, SIG_IGN);  // an archive that dies is an error of a write
  std::optional<FolderLock> lock;
  if (!options.dry_run) {
    ASSIGN_OR_RETURN(lock, LockData(config.data_folder));
  }
  const auto stopped = [&stop] { return stop.stopped(); };
  const auto archive = MakeDicomArchive(*config.archive, stopped);
  RETURN_IF_ERROR(archive->Echo());
  Teller teller(options.json, options.dry_run);
  const FetchSettings settings{
      .data_folder = config.data_folder,
      .dry_run = options.dry_run,
      .stopped = stopped,
      .tell = [&teller](const SeriesReport& report) { teller.Tell(report); },
      .progress = [&teller](const std::string& subject, std::size_t images) { teller.Progress(subject, images); }};
  const Status done = FetchPatients(patients, *archive, settings);
  teller.Summary(patients.size());
  if (!done.ok()) return Error{done.error().code, done.error().message + ": the same command goes on"};
  if (const std::size_t failed = teller.Count(Kind::kFailed); failed > 0)
    return Error{ErrorCode::kInvalidInput, fmt::format("{} series or patients can't be used, see above", failed)};
  return {};
}

}  // namespace fedtrial::site
