#include "coordinator/shell/config.h"

#include <charconv>
#include <fmt/format.h>

#include "common/runtime/files.h"
#include "proto/plan/toml_reader.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::uint64_t kMaxThreads = 256;

std::string ReadHostPort(TomlTable& table, std::string_view key) {
  std::string text = table.Text(key);
  if (text.empty()) return text;
  if (const auto parsed = ParseHostPort(text); !parsed.ok()) table.Report(key, parsed.error().message);
  return text;
}

void ReadLog(TomlTable table, const std::filesystem::path& folder, LogOptions& log) {
  constexpr LogLevel kLevels[] = {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError};
  log.level = kLevels[table.Choice("level", {"debug", "info", "warning", "error"}, 1)];
  log.json = table.Choice("format", {"text", "json"}, 0) == 1;
  const std::string file = table.Text("file", "");
  if (!file.empty()) log.file = folder / file;
}

}  // namespace

Result<HostPort> ParseHostPort(std::string_view text) {
  const Error bad{ErrorCode::kInvalidInput,
                  fmt::format("got \"{}\", wanted \"host:port\" with a port of 0 to 65535", text)};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return bad;
  HostPort result{std::string(text.substr(0, colon)), 0};
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), result.port);
  if (error != std::errc{} || end != port.data() + port.size() || result.port < 0 || result.port > 65535) return bad;
  if (result.host.front() == '[') {
    if (result.host.size() < 3 || result.host.back() != ']') return bad;
  } else if (result.host.find(':') != std::string::npos) {
    return bad;  // an IPv6 address stands in brackets
  }
  return result;
}

Result<CoordinatorConfig> ParseConfig(std::string_view toml, const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(TomlReader reader, TomlReader::Parse(toml, file.string()));
  CoordinatorConfig config;
  TomlTable server = reader.root().Table("server");
  config.listen = ReadHostPort(server, "listen");
  config.address = ReadHostPort(server, "address");

  TomlTable pages = reader.root().Table("pages", /*required=*/false);
  const bool on = pages.Flag("on", true);
  const int port = static_cast<int>(pages.Unsigned("port", {0, 65535}, 0));
  config.page_port = on ? port : -1;

  TomlTable work = reader.root().Table("work", false);
  config.threads = static_cast<unsigned>(work.Unsigned("threads", {1, kMaxThreads}, 2));
  ReadLog(reader.root().Table("log", false), file.parent_path(), config.log);
  RETURN_IF_ERROR(reader.Finish());
  return config;
}

Result<CoordinatorConfig> LoadConfig(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const Bytes bytes, ReadWholeFile(file, kMaxConfigBytes));
  return ParseConfig(AsText(bytes), file);
}

std::string SampleConfig(std::string_view listen, std::string_view address) {
  return fmt::format(
      R"(# The coordinator's own affairs. `fedtrial-coordinator run --check-config` reads it and says every problem at once.

[server]
listen = "{}"   # address and port on this machine that sites dial
address = "{}"  # as sites dial it: goes into enrolment files; its host must be in the certificate

[pages]
on = true       # dashboard and /metrics on 127.0.0.1
port = 0        # 0: any free one, said in the log and by `status`

[work]
threads = 2     # 1 to 256: add uploads and take masks off; the result doesn't depend on it

[log]
level = "info"  # debug, info, warning, error
format = "text" # text, json
)",
      listen, address);
}

}  // namespace fedtrial::coordinator
