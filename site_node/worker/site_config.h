#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fedtrial::site {

// What the worker is told of the site's configuration:
// {"data_folder": text, "cache_folder": text, "columns": {plan's column: ours}, "device": "cpu", "threads": 1 to 256,
// "keep_seconds": 0 to 86400}.
struct WorkerConfig {
  std::filesystem::path data_folder;
  std::filesystem::path cache_folder;  // of prepared volumes; empty: none are read
  std::map<std::string, std::string> columns;
  std::string device = "cpu";
  unsigned threads = 1;
  unsigned keep_seconds = 30;  // of training, between two times that its state is kept; 0: after every step
};
// kInvalidInput names the entry, what was got and what is wanted.
Result<WorkerConfig> ParseWorkerConfig(std::string_view json);

}  // namespace fedtrial::site
