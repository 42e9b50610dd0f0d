#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/runtime/log.h"

namespace fedtrial::site {

// The hospital's archive (PACS) that `fetch` asks for scans.
struct ArchiveConfig {
  std::string host;
  std::uint16_t port = 104;
  std::string called, own;            // application entity titles: the archive's, and ours as it knows us
  unsigned timeout_seconds = 30;      // for a connection, an answer, or the next piece of one
  std::filesystem::path patient_key;  // which of its patients is which of the trial's
};

// site.toml: what is this hospital's own affair. deploy/config/site.toml has every entry with its unit and bound.
struct SiteConfig {
  std::string name;                            // of the site, as in its certificate
  std::filesystem::path data_folder;           // only read, but for `fetch`
  std::map<std::string, std::string> columns;  // the plan's name of a column -> the name in this hospital's tables
  std::string device = "cpu";                  // cpu, cuda, cuda:1: what LibTorch is asked for
  unsigned threads = 1;                        // of the worker and the masks; results repeat bit for bit with the same
  std::filesystem::path worker;                // empty: fedtrial-worker beside this program
  unsigned worker_idle_seconds = 300;
  int page_port = 0;  // of the local pages on 127.0.0.1; -1: none, 0: any free one
  LogOptions log;
  std::optional<ArchiveConfig> archive;

  // What fedtrial-worker is told of it, and of the state folder.
  std::string WorkerJson(const std::filesystem::path& cache_folder = {}) const;
};

// Every problem at once, each with file, line, key, what was got and what is wanted.
Result<SiteConfig> ParseSiteConfig(std::string_view toml, const std::filesystem::path& file);
Result<SiteConfig> LoadSiteConfig(const std::filesystem::path& file);
// A commented site.toml for `init`.
std::string SampleSiteConfig(std::string_view name, const std::filesystem::path& data_folder);

}  // namespace fedtrial::site
