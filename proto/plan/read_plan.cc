#include <algorithm>
#include <fmt/format.h>

#include "proto/plan/check_plan.h"
#include "proto/plan/read_entries.h"
#include "proto/plan/task_kinds.h"
#include "security/crypto/sha256.h"

namespace fedtrial {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMaxCount =
    (std::uint64_t{1} << 29) - 1;  // weights below it stay exact in float32 times weight

void ReadTrial(TomlTable table, Plan& plan) {
  plan.trial_id = table.Text("id");
  if (table.Has("id") && !IsName(plan.trial_id, "._-", 64))
    table.Report("id", "wanted 1 to 64 of a-z, 0-9, '.', '_' and '-'");
  plan.title = table.Text("title", "");
  if (plan.title.size() > 200) table.Report("title", "is longer than 200 bytes");
  plan.seed = table.Unsigned("seed", {0, std::uint64_t{1} << 62});
}

void ReadLandmarks(TomlTable& table, double days, Endpoint& endpoint) {
  if (!table.Has("landmarks")) return;
  endpoint.landmarks = table.Numbers("landmarks", false);
  for (double& landmark : endpoint.landmarks) landmark *= days;
  CheckLandmarks(table, endpoint.landmarks);
}

void ReadCourse(TomlTable& table, Endpoint& endpoint) {
  endpoint.kind = static_cast<EndpointKind>(table.Choice("kind", {"survival", "illness-death"}, 0));
  if (endpoint.kind == EndpointKind::kSurvival) return;
  endpoint.last_negative_column = ReadColumn(table, "last_negative");
  endpoint.recurrence_column = ReadColumn(table, "recurrence");
  endpoint.recurrence_event_column = ReadColumn(table, "recurrence_event");
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
    ReadLandmarks(table, days, endpoint);
    ReadCourse(table, endpoint);
    plan.endpoints.push_back(std::move(endpoint));
  }
  if (section.present() && plan.endpoints.empty()) section.Report("", "wanted a table [endpoint.<name>] at least");
}

void ReadCohort(TomlTable table, Plan& plan) {
  plan.cohort.min_patients = table.Unsigned("min_patients", {1, kMaxCount});
  plan.cohort.min_cell = table.Unsigned("min_cell", {0, 1000}, 5);
  plan.split_column = ReadColumn(table, "split", "");
  plan.cohort.day_zero_column = ReadColumn(table, "day_zero", "");
  TomlTable filter = table.Table("filter", false);
  for (const std::string& column : filter.Keys()) {
    if (!IsColumn(column)) filter.Report(column, "wanted a quoted \"table.column\" = [values that are kept]");
    plan.cohort.filter[column] = filter.Texts(column);
    if (plan.cohort.filter[column].empty()) filter.Report(column, "wanted at least one value that is kept");
  }
}

void ReadProtocol(TomlTable table, Plan& plan) {
  if (table.Has("dose_gy")) plan.protocol.dose_gy = table.Number("dose_gy", {0.1, 200.0});
  if (table.Has("fractions")) plan.protocol.fractions = table.Unsigned("fractions", {1, 100});
  TomlTable drugs = table.Table("drugs", false);
  for (const std::string& arm : drugs.Keys()) plan.protocol.drugs[arm] = drugs.Text(arm);
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
        table.Report("task", fmt::format("got \"{}\", wanted \"normalise\", \"grid\", \"train\", \"evaluate\" or "
                                         "\"recalibrate\"",
                                         task));
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
  const Block* block = plan.FindBlock(name);
  if (table.Has("block") && block == nullptr)
    table.Report("block", fmt::format("\"{}\" isn't a [[block]] of the plan", name));
  if (block != nullptr && IsModality(block->kind))
    table.Report("block", fmt::format("\"{}\" is of kind {}, wanted a linear block, a head or the fusion", name,
                                      ToString(block->kind)));
  return name;
}

Result<Plan> ParsePlan(std::string_view toml, std::string_view file_name) {
  ASSIGN_OR_RETURN(TomlReader reader, TomlReader::Parse(toml, file_name));
  TomlTable root = reader.root();
  Plan plan;
  ReadTrial(root.Table("trial"), plan);
  ReadEndpoints(root.Table("endpoint"), plan);
  ReadCohort(root.Table("cohort"), plan);
  ReadProtocol(root.Table("protocol", false), plan);
  ReadFeatures(root, plan);
  ReadBlocks(root, plan);
  ReadNetwork(root.Table("network", false), plan);
  ReadImaging(root.Table("imaging", false), plan);
  ReadFolds(root.Table("folds", false), plan);
  ReadSteps(root, plan);
  ReadRules(root.Table("rules"), plan);
  ReadEncoding(root.Table("encoding"), plan);
  RETURN_IF_ERROR(reader.Finish());
  plan.hash = Sha256(AsBytes(toml));
  return plan;
}

}  // namespace fedtrial
