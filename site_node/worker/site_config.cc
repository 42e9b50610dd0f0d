#include "site_node/worker/site_config.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fedtrial::site {
namespace {

constexpr unsigned kMaxThreads = 256, kMaxKeepSeconds = 86400;

Error Wrong(std::string_view key, std::string_view wanted) {
  return {ErrorCode::kInvalidInput, fmt::format("site configuration: {}: wanted {}", key, wanted)};
}

}  // namespace

Result<WorkerConfig> ParseWorkerConfig(std::string_view json) {
  const auto parsed = nlohmann::json::parse(json, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return Error{ErrorCode::kInvalidInput, "site configuration: not a JSON object"};
  WorkerConfig config;
  for (const auto& [key, value] : parsed.items()) {
    if (key == "data_folder") {
      if (!value.is_string() || value.get<std::string>().empty()) return Wrong(key, "a folder");
      config.data_folder = value.get<std::string>();
    } else if (key == "cache_folder") {
      if (!value.is_string()) return Wrong(key, "a folder");
      config.cache_folder = value.get<std::string>();
    } else if (key == "columns") {
      if (!value.is_object()) return Wrong(key, "an object of texts");
      for (const auto& [plan_column, ours] : value.items()) {
        if (!ours.is_string()) return Wrong("columns." + plan_column, "a text");
        config.columns[plan_column] = ours.get<std::string>();
      }
    } else if (key == "device") {
      if (!value.is_string()) return Wrong(key, "a text");
      config.device = value.get<std::string>();
    } else if (key == "threads") {
      const bool fits =
          value.is_number_unsigned() && value.get<std::uint64_t>() >= 1 && value.get<std::uint64_t>() <= kMaxThreads;
      if (!fits) return Wrong(key, fmt::format("a whole number from 1 to {}", kMaxThreads));
      config.threads = value.get<unsigned>();
    } else if (key == "keep_seconds") {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMaxKeepSeconds)
        return Wrong(key, fmt::format("a whole number from 0 to {}", kMaxKeepSeconds));
      config.keep_seconds = value.get<unsigned>();
    } else {
      return Wrong(key, "data_folder, cache_folder, columns, device, threads or keep_seconds");
    }
  }
  if (config.data_folder.empty()) return Wrong("data_folder", "a folder, it is missing");
  return config;
}

}  // namespace fedtrial::site
