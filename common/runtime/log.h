#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"

namespace fedtrial {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
Result<LogLevel> ParseLogLevel(std::string_view text);  // "debug", "info", "warning", "error"

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  bool json = false;           // one object a line; else `time level event key=value …`
  std::filesystem::path file;  // empty: stderr. Turned over at 16 MiB, five kept
};

// Once, first thing in main; before it, events of kWarning and above go to stderr as text.
Status StartLog(const LogOptions& options);

// A value that may stand in a log. The list is closed: bytes, keys and vectors don't convert to any of these, so they
// can't be logged by mistake. Whoever writes a field still keeps patient ids out of its text.
class LogField {
 public:
  LogField(std::string_view key, std::string_view text) : key_(key), text_(text) {}
  LogField(std::string_view key, const char* text) : LogField(key, std::string_view(text)) {}
  LogField(std::string_view key, const std::string& text) : LogField(key, std::string_view(text)) {}
  LogField(std::string_view key, SiteId site) : LogField(key, ToString(site)) {}
  LogField(std::string_view key, RoundId round) : LogField(key, ToString(round)) {}
  LogField(std::string_view key, const Error& error) : LogField(key, error.message) {}
  LogField(std::string_view key, double value);
  LogField(std::string_view key, std::same_as<bool> auto value) : LogField(key, value ? "true" : "false") {
    bare_ = true;
  }
  template <std::integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view key, T value)
      : key_(key), text_(std::to_string(value)), bare_(true) {}

  const std::string& key() const { return key_; }
  const std::string& text() const { return text_; }
  bool bare() const { return bare_; }  // a number or truth value: written without quotes

 private:
  std::string key_;
  std::string text_;
  bool bare_ = false;
};

// One line, whatever is in the fields (line breaks are escaped). Any thread; never fails.
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, event, fields);
}
inline void LogInfo(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, event, fields);
}
inline void LogWarning(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarning, event, fields);
}
inline void LogError(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, event, fields);
}

}  // namespace fedtrial
