#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <limits>
#include <set>

#include "proto/plan/check_plan.h"
#include "proto/plan/task_kinds.h"
#include "security/crypto/sha256.h"

namespace fedtrial {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMaxCount =
    (std::uint64_t{1} << 29) - 1;  // weights below it stay exact in float32 times weight

bool IsName(std::string_view text, std::string_view more, std::size_t longest) {
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
  });
}

constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

// "table.column": the table is a file of the site's folder, the column as its header has it.
bool IsColumn(std::string_view text) {
  const std::size_t dot = text.find('.');
  return dot != std::string_view::npos && text.size() <= 200 && IsName(text.substr(0, dot), "_", 64) &&
         dot + 1 < text.size() &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::iscntrl(c) != 0; });
}

std::string ReadColumn(TomlTable& table, std::string_view key, std::optional<std::string> fallback = {}) {
  std::string column = table.Text(key, std::move(fallback));
  if (!column.empty() && !IsColumn(column))
    table.Report(key, fmt::format("got \"{}\", wanted a table and its column, such as \"participants.age\"", column));
  return column;
}

void ReadTrial(TomlTable table, Plan& plan) {
  plan.trial_id = table.Text("id");
  if (table.Has("id") && !IsName(plan.trial_id, "._-", 64))
    table.Report("id", "wanted 1 to 64 of a-z, 0-9, '.', '_' and '-'");
  plan.title = table.Text("title", "");
  if (plan.title.size() > 200) table.Report("title", "is longer than 200 bytes");
  plan.seed = table.Unsigned("seed", {0, std::uint64_t{1} << 62});
}

void ReadEndpoints(TomlTable section, Plan& plan) {
  for (const std::string& name : section.Keys()) {
    TomlTable table = section.Table(name);
    if (!IsName(name, "_", 32)) table.Report("", "an endpoint's name has 1 to 32 of a-z, 0-9 and '_'");
    Endpoint endpoint;
    endpoint.name = name;
    endpoint.time_column = ReadColumn(table, "time");
    endpoint.event_column = ReadColumn(table, "event");
    const double days = table.Choice("unit", {"day", "week"}, 0) == 0 ? 1.0 : 7.0;
    endpoint.cuts = table.Numbers("cuts", false);
    for (double& cut : endpoint.cuts) cut *= days;
    CheckCuts(table, endpoint.cuts);
    plan.endpoints.push_back(std::move(endpoint));
  }
  if (section.present() && plan.endpoints.empty()) section.Report("", "wanted a table [endpoint.<name>] at least");
}

void ReadCohort(TomlTable table, Plan& plan) {
  plan.cohort.min_patients = table.Unsigned("min_patients", {1, kMaxCount});
  plan.cohort.min_cell = table.Unsigned("min_cell", {0, 1000}, 5);
  plan.split_column = ReadColumn(table, "split", "");
  TomlTable filter = table.Table("filter", false);
  for (const std::string& column : filter.Keys()) {
    if (!IsColumn(column)) filter.Report(column, "wanted a quoted \"table.column\" = [values that are kept]");
    plan.cohort.filter[column] = filter.Texts(column);
    if (plan.cohort.filter[column].empty()) filter.Report(column, "wanted at least one value that is kept");
  }
}

void ReadRange(TomlTable& table, Feature& feature) {
  const std::vector<double> range = table.Numbers("range", feature.levels.empty());
  if (!feature.levels.empty()) {
    if (table.Has("range") || feature.levels.size() < 2 || feature.transform != Transform::kNone)
      table.Report("levels", "a feature of text has two levels or more, no range and no transform");
    feature.high = static_cast<double>(feature.levels.size()) - 1.0;
    return;
  }
  if (range.size() == 2) {
    feature.low = range[0];
    feature.high = range[1];
  }
  // Half the width is squared on the way: it must be a normal number.
  if (table.Has("range") && (range.size() != 2 || !(feature.low < feature.high) || feature.high - feature.low > 1e100 ||
                             feature.high - feature.low < 1e-100))
    table.Report("range", "wanted [low, high], two finite numbers with low < high");
}

void ReadFeatures(TomlTable& root, Plan& plan) {
  std::set<std::string> seen;
  for (TomlTable& table : root.Tables("feature")) {
    Feature feature;
    feature.name = table.Text("name");
    if (table.Has("name") && !IsName(feature.name, std::string(kCapitals) + "._-", 64))
      table.Report("name", "wanted 1 to 64 of letters, digits, '.', '_' and '-'");
    if (!seen.insert(feature.name).second) table.Report("name", fmt::format("\"{}\" is there twice", feature.name));
    feature.from = ReadColumn(table, "from");
    feature.unit = table.Text("unit", "");
    feature.transform = static_cast<Transform>(table.Choice("transform", {"none", "log1p"}, 0));
    feature.levels = table.Texts("levels", false);
    if (std::set<std::string>(feature.levels.begin(), feature.levels.end()).size() != feature.levels.size())
      table.Report("levels", "a level is there twice");
    ReadRange(table, feature);
    plan.features.push_back(std::move(feature));
  }
  if (plan.features.empty()) root.Report("feature", "the plan has no [[feature]]");
}

void ReadBlocks(TomlTable& root, Plan& plan) {
  static const std::set<std::string, std::less<>> kReserved{"constants",   "grid",        "fine", "loss",
                                                            "concordance", "calibration", "test"};
  for (TomlTable& table : root.Tables("block")) {
    Block block;
    block.name = table.Text("name");
    if (!IsName(block.name, "_", 64) || kReserved.contains(block.name) || block.name.starts_with("feature_"))
      table.Report("name",
                   fmt::format("\"{}\" isn't a block's name: wanted a-z, 0-9 and '_', not feature_... and none of {}",
                               block.name, fmt::join(kReserved, ", ")));
    if (plan.FindBlock(block.name) != nullptr) table.Report("name", fmt::format("\"{}\" is there twice", block.name));
    block.kind = static_cast<BlockKind>(table.Choice("kind", {"linear"}));
    for (const std::string& name : table.Texts("features")) {
      const auto found = std::find_if(plan.features.begin(), plan.features.end(),
                                      [&name](const Feature& feature) { return feature.name == name; });
      const auto index = static_cast<std::size_t>(found - plan.features.begin());
      if (found == plan.features.end())
        table.Report("features", fmt::format("\"{}\" isn't a [[feature]] of the plan", name));
      else if (std::find(block.features.begin(), block.features.end(), index) != block.features.end())
        table.Report("features", fmt::format("\"{}\" is there twice", name));
      else
        block.features.push_back(index);
    }
    if (block.features.empty()) table.Report("features", "wanted one feature at least");
    plan.blocks.push_back(std::move(block));
  }
  if (plan.blocks.empty()) root.Report("block", "the plan has no [[block]]");
}

void ReadRules(TomlTable table, Plan& plan) {
  Rules& rules = plan.rules;
  rules.sites = static_cast<std::uint32_t>(table.Unsigned("sites", {3, kMaxSites}));
  const std::uint32_t two_thirds = std::max(3u, 2 * rules.sites / 3 + 1);
  rules.min_sites = static_cast<std::uint32_t>(table.Unsigned("min_sites", {3, kMaxSites}, two_thirds));
  rules.threshold = static_cast<std::uint32_t>(table.Unsigned("threshold", {3, kMaxSites}, two_thirds));
  rules.retry_after = table.Time("retry_after", {0ms, 168h}, 10s);
  rules.spare_rounds = static_cast<std::uint32_t>(table.Unsigned("spare_rounds", {0, 1'000'000}, rules.spare_rounds));
  for (std::size_t i = 0; i < kSitePhases; ++i) {
    const Phase phase = static_cast<Phase>(i);
    TomlTable section = table.Table(ToString(phase), false);
    rules.phases[i].min_open = section.Time("min_open", {0ms, 720h}, 60s);
    rules.phases[i].max_open = section.Time("max_open", {1ms, 720h}, phase == Phase::kMasked ? 1h : 10min);
    if (rules.phases[i].min_open > rules.phases[i].max_open)
      section.Report("min_open",
                     fmt::format("{} is longer than max_open ({})", FormatDuration(rules.phases[i].min_open),
                                 FormatDuration(rules.phases[i].max_open)));
  }
  CheckRules(table, rules);
}

void ReadEncoding(TomlTable table, Plan& plan) {
  plan.encoding.train_word_bits = static_cast<unsigned>(table.Unsigned("word_bits", {32, 64}, 32));
  if (plan.encoding.train_word_bits != 32 && plan.encoding.train_word_bits != 64) {
    table.Report("word_bits", fmt::format("got {}, wanted 32 or 64", plan.encoding.train_word_bits));
    return;
  }
  plan.encoding.train_clip = table.Number("clip", {1e-6, 1e6}, plan.encoding.train_clip);
  plan.encoding.patient_cap = table.Unsigned("patient_cap", {1, kMaxCount});
  CheckEncoding(table, plan);
}

void ReadFolds(TomlTable table, Plan& plan) {
  if (!table.present()) return;
  plan.folds.repeats = static_cast<unsigned>(table.Unsigned("repeats", {1, 99}));
  plan.folds.folds = static_cast<unsigned>(table.Unsigned("folds", {2, 50}, plan.folds.folds));
  plan.folds.column = ReadColumn(table, "column", "");
  const std::size_t place = plan.folds.column.find("{}");
  if (!plan.folds.column.empty() &&
      (place == std::string::npos || plan.folds.column.find("{}", place + 2) != std::string::npos))
    table.Report("column", "wanted {} once, where the repeat's number stands");
}

void ReadSteps(TomlTable& root, Plan& plan) {
  std::vector<TomlTable> tables = root.Tables("step");
  bool known = true;
  for (TomlTable& table : tables) {
    const std::string task = table.Text("task");
    const TaskKind* kind = FindTaskKind(task);
    if (kind == nullptr) {
      if (!task.empty())
        table.Report("task",
                     fmt::format("got \"{}\", wanted \"normalise\", \"grid\", \"train\" or \"evaluate\"", task));
      table.Ignore();
      known = false;
      continue;
    }
    plan.steps.push_back({task, kind->read(table, plan)});
  }
  if (tables.empty()) root.Report("step", "the plan has no [[step]]");
  if (known) CheckSteps(tables, plan);
}

}  // namespace

std::string ReadEndpoint(TomlTable& table, const Plan& plan) {
  const bool only = plan.endpoints.size() == 1;
  std::string name = table.Text("endpoint", only ? std::optional(plan.endpoints.front().name) : std::nullopt);
  if (table.Has("endpoint") && plan.FindEndpoint(name) == nullptr)
    table.Report("endpoint", fmt::format("\"{}\" isn't an [endpoint.<name>] of the plan", name));
  return name;
}

std::string ReadBlock(TomlTable& table, const Plan& plan) {
  const bool only = plan.blocks.size() == 1;
  std::string name = table.Text("block", only ? std::optional(plan.blocks.front().name) : std::nullopt);
  if (table.Has("block") && plan.FindBlock(name) == nullptr)
    table.Report("block", fmt::format("\"{}\" isn't a [[block]] of the plan", name));
  return name;
}

Result<Plan> ParsePlan(std::string_view toml, std::string_view file_name) {
  ASSIGN_OR_RETURN(TomlReader reader, TomlReader::Parse(toml, file_name));
  TomlTable root = reader.root();
  Plan plan;
  ReadTrial(root.Table("trial"), plan);
  ReadEndpoints(root.Table("endpoint"), plan);
  ReadCohort(root.Table("cohort"), plan);
  ReadFeatures(root, plan);
  ReadBlocks(root, plan);
  TomlTable network = root.Table("network", false);
  plan.precision = static_cast<ScalarType>(network.Choice("precision", {"float32", "float64"}, 0));
  ReadFolds(root.Table("folds", false), plan);
  ReadSteps(root, plan);
  ReadRules(root.Table("rules"), plan);
  ReadEncoding(root.Table("encoding"), plan);
  RETURN_IF_ERROR(reader.Finish());
  plan.hash = Sha256(AsBytes(toml));
  return plan;
}

}  // namespace fedtrial
