#include "proto/plan/toml_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <toml++/toml.h>
#include <tuple>
#include <utility>

namespace fedtrial {
namespace {

constexpr std::size_t kAbsent = std::numeric_limits<std::size_t>::max();

std::string Describe(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    constexpr std::size_t kShown = 60;
    if (text->get().size() <= kShown) return fmt::format("\"{}\"", text->get());
    return fmt::format("a text of {} bytes", text->get().size());
  }
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (node.is_table()) return "a table";
  if (node.is_array()) return "a list";
  return "a date or time";
}

std::optional<double> AsFinite(const toml::node& node) {
  if (const auto* number = node.as_integer()) return static_cast<double>(number->get());
  if (const auto* number = node.as_floating_point(); number != nullptr && std::isfinite(number->get()))
    return number->get();
  return std::nullopt;
}

std::optional<std::string> AsString(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  return std::nullopt;
}

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 5> kUnits{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t kLongest = 3'660 * kUnits[0].milliseconds;

}  // namespace

struct TomlReader::State {
  std::string file;
  toml::table root;
  Problems problems;
  std::vector<const toml::table*> tables;                     // those handed out
  std::map<const toml::table*, std::set<std::string>> asked;  // keys asked for, there or not
  std::map<const toml::table*, std::string> paths;

  std::size_t Add(const toml::table* table, const std::string& path) {
    tables.push_back(table);
    paths.emplace(table, path);
    asked[table];
    return tables.size() - 1;
  }
  void Report(const toml::source_region& place, std::string key, std::string message) {
    problems.Add({file, place.begin.line, place.begin.column, std::move(key), std::move(message)});
  }
  void ReportUnknownKeys() {
    for (const auto& [table, known] : asked) {
      const std::string prefix = paths[table].empty() ? "" : paths[table] + ".";
      for (const auto& [key, node] : *table) {
        const std::string name(key.str());
        if (known.contains(name)) continue;
        Report(key.source(), prefix + name, fmt::format("unknown key, known here are {}", fmt::join(known, ", ")));
      }
    }
  }
};

struct TomlTable::Value {
  const toml::node* node = nullptr;
};

TomlReader::TomlReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TomlReader::~TomlReader() = default;
TomlReader::TomlReader(TomlReader&&) noexcept = default;
TomlReader& TomlReader::operator=(TomlReader&&) noexcept = default;

Result<TomlReader> TomlReader::Parse(std::string_view text, std::string_view file_name) {
  auto state = std::make_unique<State>();
  state->file = file_name;
  try {  // Debian's toml++ is a library that throws
    state->root = toml::parse(text, std::string(file_name));
  } catch (const toml::parse_error& fault) {
    state->Report(fault.source(), "", std::string(fault.description()));
    return state->problems.ToStatus().error();
  }
  return TomlReader(std::move(state));
}

TomlTable TomlReader::root() { return {state_.get(), state_->Add(&state_->root, ""), ""}; }

Status TomlReader::Finish() {
  state_->ReportUnknownKeys();
  std::vector<Problem> list = state_->problems.list();
  std::stable_sort(list.begin(), list.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column, a.key) < std::tie(b.line, b.column, b.key);
  });
  Problems sorted;
  for (Problem& problem : list) sorted.Add(std::move(problem));
  return sorted.ToStatus();
}

bool TomlTable::present() const { return table_ != kAbsent; }

bool TomlTable::Has(std::string_view key) const { return present() && state_->tables[table_]->contains(key); }

std::vector<std::string> TomlTable::Keys() const {
  std::vector<std::string> keys;
  if (!present()) return keys;
  for (const auto& [key, node] : *state_->tables[table_]) keys.emplace_back(key.str());
  return keys;
}

std::string TomlTable::PathOf(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

TomlTable::Value TomlTable::Ask(std::string_view key, bool required, std::string_view wanted) {
  if (!present()) return {};
  const toml::table* table = state_->tables[table_];
  state_->asked[table].emplace(key);
  const toml::node* node = table->get(key);
  if (node == nullptr && required)
    state_->Report(table->source(), PathOf(key), fmt::format("is missing, wanted {}", wanted));
  return {node};
}

void TomlTable::ReportValue(const Value& value, std::string_view key, const std::string& wanted) {
  state_->Report(value.node->source(), PathOf(key), fmt::format("got {}, wanted {}", Describe(*value.node), wanted));
}

void TomlTable::Report(std::string_view key, std::string message) {
  if (!present()) return;
  const toml::table* table = state_->tables[table_];
  const toml::node* node = key.empty() ? nullptr : table->get(key);
  state_->Report(node == nullptr ? table->source() : node->source(), PathOf(key), std::move(message));
}

void TomlTable::Ignore() {
  if (!present()) return;
  for (const auto& [key, node] : *state_->tables[table_]) state_->asked[state_->tables[table_]].emplace(key.str());
}

TomlTable TomlTable::Table(std::string_view key, bool required) {
  const Value value = Ask(key, required, "a table");
  if (value.node != nullptr && !value.node->is_table()) ReportValue(value, key, "a table");
  const toml::table* table = value.node == nullptr ? nullptr : value.node->as_table();
  return {state_, table == nullptr ? kAbsent : state_->Add(table, PathOf(key)), PathOf(key)};
}

std::vector<TomlTable> TomlTable::Tables(std::string_view key) {
  const std::string wanted = fmt::format("tables, each headed [[{}]]", PathOf(key));
  std::vector<TomlTable> tables;
  const Value value = Ask(key, false, wanted);
  if (value.node == nullptr) return tables;
  const toml::array* list = value.node->as_array();
  if (list == nullptr || !std::all_of(list->begin(), list->end(), [](const auto& item) { return item.is_table(); })) {
    ReportValue(value, key, wanted);
    return tables;
  }
  for (const toml::node& item : *list) {
    const std::string path = fmt::format("{}[{}]", PathOf(key), tables.size() + 1);
    tables.push_back({state_, state_->Add(item.as_table(), path), path});
  }
  return tables;
}

std::uint64_t TomlTable::Unsigned(std::string_view key, Range<std::uint64_t> range,
                                  std::optional<std::uint64_t> fallback) {
  const std::string wanted = fmt::format("a whole number from {} to {}", range.min, range.max);
  const Value value = Ask(key, !fallback, wanted);
  if (value.node == nullptr) return fallback.value_or(0);
  const auto* number = value.node->as_integer();
  if (number != nullptr && number->get() >= 0) {
    const auto got = static_cast<std::uint64_t>(number->get());
    if (got >= range.min && got <= range.max) return got;
  }
  ReportValue(value, key, wanted);
  return fallback.value_or(range.min);
}

double TomlTable::Number(std::string_view key, Range<double> range, std::optional<double> fallback) {
  const std::string wanted = fmt::format("a number from {} to {}", range.min, range.max);
  const Value value = Ask(key, !fallback, wanted);
  if (value.node == nullptr) return fallback.value_or(0.0);
  if (const auto got = AsFinite(*value.node); got && *got >= range.min && *got <= range.max) return *got;
  ReportValue(value, key, wanted);
  return fallback.value_or(range.min);
}

bool TomlTable::Flag(std::string_view key, std::optional<bool> fallback) {
  const Value value = Ask(key, !fallback, "true or false");
  if (value.node == nullptr) return fallback.value_or(false);
  if (const auto* flag = value.node->as_boolean()) return flag->get();
  ReportValue(value, key, "true or false");
  return fallback.value_or(false);
}

std::string TomlTable::Text(std::string_view key, std::optional<std::string> fallback) {
  const Value value = Ask(key, !fallback, "a text in quotes");
  if (value.node == nullptr) return fallback.value_or("");
  if (auto text = AsString(*value.node)) return std::move(*text);
  ReportValue(value, key, "a text in quotes");
  return fallback.value_or("");
}

Duration TomlTable::Time(std::string_view key, Range<Duration> range, std::optional<Duration> fallback) {
  const std::string wanted = fmt::format("a time from \"{}\" to \"{}\" in ms, s, m, h or d", FormatDuration(range.min),
                                         FormatDuration(range.max));
  const Value value = Ask(key, !fallback, wanted);
  if (value.node == nullptr) return fallback.value_or(Duration{0});
  if (const auto text = AsString(*value.node)) {
    if (const auto got = ParseDuration(*text); got.ok() && *got >= range.min && *got <= range.max) return *got;
  }
  ReportValue(value, key, wanted);
  return fallback.value_or(range.min);
}

std::size_t TomlTable::Choice(std::string_view key, std::initializer_list<std::string_view> words,
                              std::optional<std::size_t> fallback) {
  const std::string wanted = fmt::format("\"{}\"", fmt::join(words, "\" or \""));
  const Value value = Ask(key, !fallback, wanted);
  if (value.node == nullptr) return fallback.value_or(0);
  if (const auto* text = value.node->as_string()) {
    const auto found = std::find(words.begin(), words.end(), std::string_view(text->get()));
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  }
  ReportValue(value, key, wanted);
  return fallback.value_or(0);
}

// One problem an item that `read` doesn't take.
template <typename T, typename Read>
std::vector<T> TomlTable::List(std::string_view key, bool required, std::string_view wanted, Read read) {
  const Value value = Ask(key, required, fmt::format("a list of {}", wanted));
  std::vector<T> out;
  if (value.node == nullptr) return out;
  const toml::array* list = value.node->as_array();
  if (list == nullptr) {
    ReportValue(value, key, fmt::format("a list of {}", wanted));
    return out;
  }
  for (const toml::node& item : *list) {
    if (auto got = read(item))
      out.push_back(std::move(*got));
    else
      ReportValue({&item}, key, fmt::format("only {} in the list", wanted));
  }
  return out;
}

std::vector<std::string> TomlTable::Texts(std::string_view key, bool required) {
  return List<std::string>(key, required, "texts", AsString);
}

std::vector<double> TomlTable::Numbers(std::string_view key, bool required) {
  return List<double>(key, required, "finite numbers", AsFinite);
}

Result<Duration> ParseDuration(std::string_view text) {
  std::int64_t count = 0;
  const auto [rest, fault] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  const auto found =
      std::find_if(kUnits.begin(), kUnits.end(), [unit](const Unit& known) { return known.name == unit; });
  if (fault != std::errc{} || count < 0 || found == kUnits.end() || count > kLongest / found->milliseconds)
    return Error{ErrorCode::kInvalidInput, fmt::format("got \"{}\", wanted a whole number and ms, s, m, h or d", text)};
  return Duration{count * found->milliseconds};
}

std::string FormatDuration(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [count](const Unit& known) { return count % known.milliseconds == 0; });
  return fmt::format("{}{}", count / unit->milliseconds, unit->name);
}

}  // namespace fedtrial
