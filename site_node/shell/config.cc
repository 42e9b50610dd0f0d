#include "site_node/shell/config.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/runtime/files.h"
#include "proto/plan/toml_reader.h"
#include "security/pki/enrolment.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::uint64_t kMaxThreads = 256;
constexpr std::size_t kMaxTitle = 16;

bool IsDevice(const std::string& device) {
  if (device == "cpu" || device == "cuda") return true;
  return device.starts_with("cuda:") && device.size() > 5 && device.size() <= 7 &&
         device.find_first_not_of("0123456789", 5) == std::string::npos;
}

void ReadLog(TomlTable table, const std::filesystem::path& folder, LogOptions& log) {
  constexpr LogLevel kLevels[] = {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError};
  log.level = kLevels[table.Choice("level", {"debug", "info", "warning", "error"}, 1)];
  log.json = table.Choice("format", {"text", "json"}, 0) == 1;
  const std::string file = table.Text("file", "");
  if (!file.empty()) log.file = folder / file;
}

// PS3.5: up to 16 characters of ASCII, no backslash.
std::string ReadTitle(TomlTable& table, std::string_view key) {
  const std::string title = table.Text(key);
  const bool fits = !title.empty() && title.size() <= kMaxTitle && title.front() != ' ' && title.back() != ' ' &&
                    std::ranges::all_of(title, [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
  if (!title.empty() && !fits)
    table.Report(key, fmt::format("got \"{}\", wanted 1 to {} characters of ASCII without \\, no space at either end",
                                  title, kMaxTitle));
  return title;
}

std::optional<ArchiveConfig> ReadArchive(TomlTable table, const std::filesystem::path& folder) {
  if (!table.present()) return std::nullopt;
  ArchiveConfig archive;
  archive.host = table.Text("host");
  if (archive.host.find_first_of(":/ ") != std::string::npos)
    table.Report("host", fmt::format("got \"{}\", wanted a name or an IPv4 address alone", archive.host));
  archive.port = static_cast<std::uint16_t>(table.Unsigned("port", {1, 65535}, archive.port));
  archive.called = ReadTitle(table, "called");
  archive.own = ReadTitle(table, "own");
  archive.timeout_seconds = static_cast<unsigned>(
      std::chrono::duration_cast<std::chrono::seconds>(
          table.Time("timeout", {std::chrono::seconds(2), std::chrono::minutes(10)}, std::chrono::seconds(30)))
          .count());
  archive.patient_key = folder / table.Text("patients");
  return archive;
}

}  // namespace

std::string SiteConfig::WorkerJson(const std::filesystem::path& cache_folder) const {
  nlohmann::json json{
      {"data_folder", data_folder.string()}, {"columns", columns}, {"device", device}, {"threads", threads}};
  if (!cache_folder.empty()) json["cache_folder"] = cache_folder.string();
  return json.dump();
}

Result<SiteConfig> ParseSiteConfig(std::string_view toml, const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(TomlReader reader, TomlReader::Parse(toml, file.string()));
  SiteConfig config;
  TomlTable site = reader.root().Table("site");
  config.name = site.Text("name");
  if (const Status named = CheckSiteName(config.name); !config.name.empty() && !named.ok())
    site.Report("name", named.error().message);
  config.data_folder = site.Text("data");
  if (!config.data_folder.empty() && config.data_folder.is_relative())
    config.data_folder = file.parent_path() / config.data_folder;

  TomlTable columns = reader.root().Table("columns", /*required=*/false);
  for (const std::string& key : columns.Keys()) {
    config.columns[key] = columns.Text(key);
    if (key.find_first_of(".[") == std::string::npos)
      columns.Report(key, "wanted \"table.column\" or \"table[analyte]\" as the plan names it");
  }

  TomlTable worker = reader.root().Table("worker", false);
  config.device = worker.Text("device", "cpu");
  if (!IsDevice(config.device))
    worker.Report("device", fmt::format("got \"{}\", wanted cpu, cuda or cuda:N", config.device));
  config.threads = static_cast<unsigned>(worker.Unsigned("threads", {1, kMaxThreads}, 1));
  config.worker = worker.Text("program", "");
  config.worker_idle_seconds = static_cast<unsigned>(
      std::chrono::duration_cast<std::chrono::seconds>(
          worker.Time("idle", {std::chrono::seconds(1), std::chrono::hours(24)}, std::chrono::minutes(5)))
          .count());

  TomlTable pages = reader.root().Table("pages", false);
  config.page_port = pages.Flag("on", true) ? static_cast<int>(pages.Unsigned("port", {0, 65535}, 0)) : -1;
  if (config.page_port < 0) pages.Unsigned("port", {0, 65535}, 0);
  ReadLog(reader.root().Table("log", false), file.parent_path(), config.log);
  config.archive = ReadArchive(reader.root().Table("archive", false), file.parent_path());
  RETURN_IF_ERROR(reader.Finish());
  return config;
}

Result<SiteConfig> LoadSiteConfig(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const Bytes bytes, ReadWholeFile(file, kMaxConfigBytes));
  return ParseSiteConfig(AsText(bytes), file);
}

std::string SampleSiteConfig(std::string_view name, const std::filesystem::path& data_folder) {
  return fmt::format(
      R"(# This hospital's own affairs. `fedtrial-site run --check-config` reads it and says every problem at once.

[site]
name = "{}"                  # as the consortium knows this site
data = "{}"   # folder with participants.tsv and phenotype/*.tsv; only `fetch` writes

# [columns]                  # where a table here has another name for a column than the plan
# "participants.kps" = "participants.karnofsky"
# "cytokine[IL-6]" = "cytokine[Interleukin 6]"

[worker]
device = "cpu"               # cpu, cuda, cuda:1
threads = 1                  # 1 to 256; results repeat bit for bit with the same number
idle = "5m"                  # the worker ends after so long without a task: 1s to 24h

[pages]
on = true                    # pages for this hospital on 127.0.0.1
port = 0                     # 0: any free one, said in the log

[log]
level = "info"               # debug, info, warning, error
format = "text"              # text, json

# [archive]                  # where `fedtrial-site fetch` asks for MR series: DICOM query and retrieve, not encrypted
# host = "pacs.hospital.example"  # name or IPv4 address, in the hospital's own network
# port = 104                 # 1 to 65535
# called = "PACS"            # the archive's application entity title: up to 16 characters
# own = "FEDTRIAL"           # this site's, as the archive's administrator has let it in
# timeout = "30s"            # for a connection, an answer, or the next piece of one: 2s to 10m
# patients = "patients.tsv"  # which of its patients is which of the trial's: a secret, 0600. Relative: beside this
)",
      name, data_folder.string());
}

}  // namespace fedtrial::site
