#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/problems.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace fedtrial {

template <typename T>
struct Range {
  T min, max;  // both allowed
};

class TomlTable;

// A TOML 1.0 file that a person wrote, read with every problem collected: plan.toml and both daemons' configurations.
//
//   ASSIGN_OR_RETURN(TomlReader reader, TomlReader::Parse(text, "site.toml"));
//   TomlTable server = reader.root().Table("server");
//   config.port = server.Unsigned("port", {1, 65535}, 443);      // optional: 443 where it isn't there
//   config.name = server.Text("name");                           // required
//   if (config.name == "none") server.Report("name", "got \"none\", wanted a host");
//   RETURN_IF_ERROR(reader.Finish());                            // all problems at once
//
// A getter whose key is missing or wrong adds a problem with line, column, path, what was got and wanted, and returns
// the fallback or an empty value: the caller reads on.
class TomlReader {
 public:
  // kInvalidInput with line and column where the text isn't TOML; toml++ stops at the first fault.
  static Result<TomlReader> Parse(std::string_view text, std::string_view file_name);
  ~TomlReader();
  TomlReader(TomlReader&&) noexcept;
  TomlReader& operator=(TomlReader&&) noexcept;

  TomlTable root();  // valid as long as the reader
  // Adds a problem for every key that nobody asked for, and returns all problems in the order of the file.
  Status Finish();

 private:
  friend class TomlTable;
  struct State;
  explicit TomlReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One table, or an optional one that isn't there: then every getter returns its fallback without a problem.
class TomlTable {
 public:
  bool present() const;
  const std::string& path() const { return path_; }  // "rules.masked"; "" for the root
  bool Has(std::string_view key) const;              // without asking for it
  std::vector<std::string> Keys() const;             // sorted

  // A table within; `required` reports one that isn't there.
  TomlTable Table(std::string_view key, bool required = true);
  // [[key]] in the order of the file, their paths "key[1]", "key[2]"; none where it isn't there.
  std::vector<TomlTable> Tables(std::string_view key);

  // Without a fallback the key is required.
  std::uint64_t Unsigned(std::string_view key, Range<std::uint64_t> range, std::optional<std::uint64_t> fallback = {});
  double Number(std::string_view key, Range<double> range,
                std::optional<double> fallback = {});  // integers too; finite
  bool Flag(std::string_view key, std::optional<bool> fallback = {});
  std::string Text(std::string_view key, std::optional<std::string> fallback = {});
  // "250ms", "60s", "10m", "1h", "2d".
  Duration Time(std::string_view key, Range<Duration> range, std::optional<Duration> fallback = {});
  // Index of the word among `words`.
  std::size_t Choice(std::string_view key, std::initializer_list<std::string_view> words,
                     std::optional<std::size_t> fallback = {});
  std::vector<std::string> Texts(std::string_view key, bool required = true);
  std::vector<double> Numbers(std::string_view key, bool required = true);  // finite

  // None of its keys is unknown: for a table that can't be read because of a fault that is reported.
  void Ignore();

  // A problem of the caller's own, at the key's place; key "" is the table itself.
  void Report(std::string_view key, std::string message);

 private:
  friend class TomlReader;
  struct Value;
  TomlTable(TomlReader::State* state, std::size_t table, std::string path)
      : state_(state), table_(table), path_(std::move(path)) {}
  Value Ask(std::string_view key, bool required, std::string_view wanted);
  void ReportValue(const Value& value, std::string_view key, const std::string& wanted);
  std::string PathOf(std::string_view key) const;
  template <typename T, typename Read>
  std::vector<T> List(std::string_view key, bool required, std::string_view wanted, Read read);

  TomlReader::State* state_;
  std::size_t table_;  // index into the reader's tables; kAbsent
  std::string path_;
};

// "60s" as a duration; kInvalidInput for anything but a whole number and ms, s, m, h or d, or more than 10 years.
Result<Duration> ParseDuration(std::string_view text);
// The shortest such text: "10m", "90s".
std::string FormatDuration(Duration duration);

}  // namespace fedtrial
