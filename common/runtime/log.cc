#include "common/runtime/log.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "common/runtime/clock.h"

namespace fedtrial {
namespace {

constexpr std::size_t kMaxFileBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxFiles = 5;

struct LogState {
  std::mutex mutex;
  std::shared_ptr<spdlog::logger> logger;  // writes lines as they come
  LogLevel level = LogLevel::kWarning;
  bool json = false;
};

LogState& State() {
  static LogState& state = *new LogState();  // outlives every thread that may still log
  return state;
}

std::shared_ptr<spdlog::logger> MakeLogger(spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("fedtrial", std::move(sink));
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

std::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool IsPlain(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("_.:/@+,-%").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::string TextLine(LogLevel level, const std::string& event, std::initializer_list<LogField> fields) {
  const bool printable = std::all_of(event.begin(), event.end(), [](unsigned char c) { return c >= 0x20; });
  std::string line = fmt::format("{} {:7} {}", Rfc3339Now(), Name(level), printable ? event : Quoted(event));
  for (const LogField& field : fields)
    line += fmt::format(" {}={}", field.key(), IsPlain(field.text()) ? field.text() : Quoted(field.text()));
  return line;
}

std::string JsonLine(LogLevel level, const std::string& event, std::initializer_list<LogField> fields) {
  std::string line = fmt::format(R"({{"time":"{}","level":"{}","event":{})", Rfc3339Now(), Name(level), Quoted(event));
  for (const LogField& field : fields)
    line += fmt::format(",{}:{}", Quoted(field.key()), field.bare() ? field.text() : Quoted(field.text()));
  return line + "}";
}

}  // namespace

LogField::LogField(std::string_view key, double value)
    : key_(key), text_(fmt::format("{}", value)), bare_(std::isfinite(value)) {}  // NaN isn't JSON: quoted

Result<LogLevel> ParseLogLevel(std::string_view text) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError})
    if (text == Name(level)) return level;
  return Error{ErrorCode::kInvalidInput, fmt::format("log level \"{}\": wanted debug, info, warning or error", text)};
}

Status StartLog(const LogOptions& options) {
  std::shared_ptr<spdlog::logger> logger;
  try {
    if (options.file.empty())
      logger = MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    else
      logger = MakeLogger(
          std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file.string(), kMaxFileBytes, kMaxFiles));
  } catch (const spdlog::spdlog_ex& problem) {
    return Error{ErrorCode::kUnavailable, fmt::format("cannot log to {}: {}", options.file.string(), problem.what())};
  }
  LogState& state = State();
  const std::scoped_lock lock(state.mutex);
  state.logger = std::move(logger);
  state.level = options.level;
  state.json = options.json;
  return {};
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  LogState& state = State();
  const std::scoped_lock lock(state.mutex);
  if (level < state.level) return;
  if (state.logger == nullptr) state.logger = MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const std::string text(event);
  state.logger->log(spdlog::level::info,
                    spdlog::string_view_t(state.json ? JsonLine(level, text, fields) : TextLine(level, text, fields)));
}

}  // namespace fedtrial
