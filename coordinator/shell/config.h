#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/runtime/log.h"

namespace fedtrial::coordinator {

// coordinator.toml in the state folder. deploy/config/coordinator.toml has every entry with its unit and bound.
struct CoordinatorConfig {
  std::string listen;    // "0.0.0.0:7443": where sites dial in; port 0: any free one
  std::string address;   // "trial.example.org:7443": as sites dial it; port 0: the one that is listened on
  int page_port = 0;     // of the pages and metrics on 127.0.0.1; -1: none, 0: any free one
  unsigned threads = 2;  // that add uploads and take masks off; the result doesn't depend on it
  LogOptions log;
};

// Every problem at once, each with file, line, key, what was got and what is wanted.
Result<CoordinatorConfig> ParseConfig(std::string_view toml, const std::filesystem::path& file);
Result<CoordinatorConfig> LoadConfig(const std::filesystem::path& file);
// A commented coordinator.toml for `init`.
std::string SampleConfig(std::string_view listen, std::string_view address);

// "host:port", "[2001:db8::1]:port"; kInvalidInput for anything else.
struct HostPort {
  std::string host;
  int port = 0;
};
Result<HostPort> ParseHostPort(std::string_view text);

}  // namespace fedtrial::coordinator
