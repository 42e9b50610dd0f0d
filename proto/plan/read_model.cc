#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <set>

#include "proto/plan/check_plan.h"
#include "proto/plan/read_entries.h"
#include "proto/plan/units.h"

namespace fedtrial {
namespace {

constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::size_t kLongestColumn = 200;

bool IsPrintable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::iscntrl(c) != 0; });
}

// "cytokine[IL-6]": "IL-6"; empty if it isn't of that form.
std::string_view AnalyteOf(std::string_view from) {
  const std::size_t open = from.find('[');
  if (open == std::string_view::npos || !from.ends_with(']') || !IsName(from.substr(0, open), "_", 64)) return {};
  if (from.size() > kLongestColumn || !IsPrintable(from)) return {};
  return from.substr(open + 1, from.size() - open - 2);
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

void ReadFrom(TomlTable& table, Feature& feature) {
  feature.from = table.Text("from");
  feature.analyte = AnalyteOf(feature.from);
  if (!feature.from.empty() && !feature.IsLong() && !IsColumn(feature.from))
    table.Report("from", fmt::format("got \"{}\", wanted a table and its column, such as \"participants.age\", or a "
                                     "long table and its analyte, such as \"cytokine[IL-6]\"",
                                     feature.from));
  feature.unit = table.Text("unit", "");
  if (feature.IsLong() && !IsKnownUnit(feature.unit))
    table.Report("unit", fmt::format("got \"{}\", wanted the unit that the long table's values are converted to: {}",
                                     feature.unit, fmt::join(KnownUnits(), ", ")));
}

// A table has one row a patient or many: not both.
void CheckTables(std::vector<TomlTable>& tables, const Plan& plan) {
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const Feature& feature = plan.features[i];
    const auto other = std::ranges::find_if(plan.features, [&feature](const Feature& f) {
      return f.IsLong() && !feature.IsLong() && f.Table() == feature.Table();
    });
    if (other != plan.features.end())
      tables[i].Report("from", fmt::format("\"{}\" wants a row a patient of the table that \"{}\" has many rows of",
                                           feature.from, other->from));
  }
}

std::vector<std::size_t> ReadBlockFeatures(TomlTable& table, const Plan& plan) {
  std::vector<std::size_t> features;
  for (const std::string& name : table.Texts("features")) {
    const auto found = std::ranges::find(plan.features, name, &Feature::name);
    const auto index = static_cast<std::size_t>(found - plan.features.begin());
    if (found == plan.features.end())
      table.Report("features", fmt::format("\"{}\" isn't a [[feature]] of the plan", name));
    else if (std::ranges::find(features, index) != features.end())
      table.Report("features", fmt::format("\"{}\" is there twice", name));
    else
      features.push_back(index);
  }
  if (features.empty()) table.Report("features", "wanted one feature at least");
  return features;
}

void ReadShare(TomlTable& table, const Plan& plan, Block& head) {
  const std::string name = table.Text("share", "");
  const auto share = std::ranges::find(plan.features, name, &Feature::name);
  if (share != plan.features.end() && !share->IsLong() && share->levels.empty() &&
      share->transform == Transform::kNone && share->low == 0.0 && share->high == 100.0)
    head.share = static_cast<std::size_t>(share - plan.features.begin());
  else if (table.Has("share"))
    table.Report("share", fmt::format("got \"{}\", wanted a feature of one row a patient with range [0, 100]", name));
}

// Of the table of scans' ratings, a row per patient and scan.
void ReadRatedScans(TomlTable& table, const Plan& plan, Block& head) {
  constexpr double kWithinDays = 182.0, kMaxWithinDays = 3650.0;
  RatedScans& scans = head.scans;
  scans.rating_column = ReadColumn(table, "rating", "response.rano");
  scans.day_column = ReadColumn(table, "scan_day", "response.scan_day");
  scans.confirm_column = ReadColumn(table, "confirm_day", "response.confirm_day");
  scans.within_days = table.Number("within_days", {1.0, kMaxWithinDays}, kWithinDays);
  const auto table_of = [](std::string_view column) { return column.substr(0, column.find('.')); };
  for (const auto& [key, column] :
       {std::pair{"scan_day", &scans.day_column}, std::pair{"confirm_day", &scans.confirm_column}})
    if (table_of(*column) != table_of(scans.rating_column))
      table.Report(key,
                   fmt::format("got \"{}\", wanted a column of the table of \"{}\"", *column, scans.rating_column));
  for (const Feature& feature : plan.features)
    if (feature.Table() == table_of(scans.rating_column))
      table.Report("rating", fmt::format("\"{}\" reads table {} too: no feature may say what this head predicts",
                                         feature.name, feature.Table()));
  if (plan.PseudoProgression() != nullptr)
    table.Report("target",
                 fmt::format("head \"{}\" predicts pseudo-progression already", plan.PseudoProgression()->name));
}

// target = "endpoint.os", "feature.mgmt_methylated", "pseudo-progression" or "embedding".
void ReadTarget(TomlTable& table, const Plan& plan, Block& head) {
  const std::string target = table.Text("target");
  constexpr std::string_view kEndpoint = "endpoint.", kFeature = "feature.";
  if (target.starts_with(kEndpoint) && plan.FindEndpoint(target.substr(kEndpoint.size())) != nullptr) {
    head.target = HeadTarget::kEndpoint;
    head.endpoint = target.substr(kEndpoint.size());
    return;
  }
  if (target == "embedding") {
    head.target = HeadTarget::kEmbedding;
    return;
  }
  if (target == "pseudo-progression") {
    head.target = HeadTarget::kPseudoProgression;
    ReadRatedScans(table, plan, head);
    return;
  }
  const auto label = std::ranges::find_if(plan.features, [&](const Feature& feature) {
    return target.starts_with(kFeature) && feature.name == target.substr(kFeature.size()) && !feature.IsLong() &&
           feature.low == 0.0 && feature.high == 1.0;
  });
  if (label != plan.features.end()) {
    head.target = HeadTarget::kLabel;
    head.label = static_cast<std::size_t>(label - plan.features.begin());
    ReadShare(table, plan, head);
  } else if (table.Has("target")) {
    table.Report("target", fmt::format("got \"{}\", wanted \"endpoint.<name>\", \"feature.<name>\" of a feature of one "
                                       "row a patient with range [0, 1], \"pseudo-progression\" or \"embedding\"",
                                       target));
  }
}

}  // namespace

bool IsName(std::string_view text, std::string_view more, std::size_t longest) {
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
  });
}

bool IsColumn(std::string_view text) {
  const std::size_t dot = text.find('.');
  return dot != std::string_view::npos && text.size() <= kLongestColumn && IsName(text.substr(0, dot), "_", 64) &&
         dot + 1 < text.size() && IsPrintable(text);
}

std::string ReadColumn(TomlTable& table, std::string_view key, std::optional<std::string> fallback) {
  std::string column = table.Text(key, std::move(fallback));
  if (!column.empty() && !IsColumn(column))
    table.Report(key, fmt::format("got \"{}\", wanted a table and its column, such as \"participants.age\"", column));
  return column;
}

void ReadFeatures(TomlTable& root, Plan& plan) {
  std::set<std::string> seen;
  std::vector<TomlTable> tables = root.Tables("feature");
  for (TomlTable& table : tables) {
    Feature feature;
    feature.name = table.Text("name");
    if (table.Has("name") && !IsName(feature.name, std::string(kCapitals) + "._-", 64))
      table.Report("name", "wanted 1 to 64 of letters, digits, '.', '_' and '-'");
    if (!seen.insert(feature.name).second) table.Report("name", fmt::format("\"{}\" is there twice", feature.name));
    ReadFrom(table, feature);
    feature.transform = static_cast<Transform>(table.Choice("transform", {"none", "log1p"}, 0));
    feature.levels = table.Texts("levels", false);
    if (std::set<std::string>(feature.levels.begin(), feature.levels.end()).size() != feature.levels.size())
      table.Report("levels", "a level is there twice");
    if (feature.IsLong() && table.Has("levels")) table.Report("levels", "a long table has numbers alone");
    ReadRange(table, feature);
    plan.features.push_back(std::move(feature));
  }
  if (plan.features.empty()) root.Report("feature", "the plan has no [[feature]]");
  CheckTables(tables, plan);
}

void ReadBlocks(TomlTable& root, Plan& plan) {
  static const std::set<std::string, std::less<>> kReserved{"constants",   "grid",        "fine", "loss",
                                                            "concordance", "calibration", "test", "recalibration"};
  std::vector<TomlTable> tables = root.Tables("block");
  for (TomlTable& table : tables) {
    Block block;
    block.name = table.Text("name");
    if (!IsName(block.name, "_", 64) || kReserved.contains(block.name) || block.name.starts_with("feature_"))
      table.Report("name",
                   fmt::format("\"{}\" isn't a block's name: wanted a-z, 0-9 and '_', not feature_... and none of {}",
                               block.name, fmt::join(kReserved, ", ")));
    if (plan.FindBlock(block.name) != nullptr) table.Report("name", fmt::format("\"{}\" is there twice", block.name));
    block.kind = static_cast<BlockKind>(table.Choice("kind", {"linear", "static", "panel", "mri", "fusion", "head"}));
    if (block.kind == BlockKind::kHead) {
      ReadTarget(table, plan, block);
      block.hidden = table.Texts("hidden", false);
    } else if (block.kind != BlockKind::kMri && block.kind != BlockKind::kFusion) {
      block.features = ReadBlockFeatures(table, plan);
      if (block.kind == BlockKind::kStatic) block.treatment = table.Flag("treatment", false);
    }
    plan.blocks.push_back(std::move(block));
  }
  if (plan.blocks.empty()) root.Report("block", "the plan has no [[block]]");
  CheckBlocks(tables, plan);
}

namespace {

// The shape of every head must be known when the file is checked: before the first round.
void CheckCutsAreKnown(TomlTable& start, const Plan& plan) {
  for (const Block& block : plan.blocks) {
    const Endpoint* endpoint = block.target == HeadTarget::kEndpoint    ? plan.FindEndpoint(block.endpoint)
                               : block.target == HeadTarget::kEmbedding ? &plan.endpoints.front()
                                                                        : nullptr;
    if (endpoint != nullptr && endpoint->cuts.empty())
      start.Report("", fmt::format("endpoint \"{}\" leaves its cuts to grid: wanted them in the plan, as head \"{}\" "
                                   "must have its shape before the first round",
                                   endpoint->name, block.name));
  }
}

void ReadStartFile(TomlTable table, Plan& plan) {
  if (!table.present()) return;
  StartFile start;
  start.file = table.Text("file");
  if (table.Has("file") && (!IsName(start.file, std::string(kCapitals) + "._-", 128) || start.file.starts_with('.')))
    table.Report("file", fmt::format("got \"{}\", wanted the name of a file beside the plan: 1 to 128 of letters, "
                                     "digits, '.', '_' and '-'",
                                     start.file));
  const std::string sha256 = table.Text("sha256");
  if (const auto digest = DigestFromHex(sha256); digest.ok())
    start.sha256 = *digest;
  else if (table.Has("sha256"))
    table.Report("sha256", fmt::format("got \"{}\", wanted the file's SHA-256, 64 hexadecimal digits", sha256));
  start.blocks = table.Texts("blocks", false);
  if (table.Has("blocks") && start.blocks.empty()) table.Report("blocks", "wanted one block at least");
  if (!plan.endpoints.empty()) CheckCutsAreKnown(table, plan);
  plan.network.start = std::move(start);
}

}  // namespace

void ReadNetwork(TomlTable table, Plan& plan) {
  plan.precision = static_cast<ScalarType>(table.Choice("precision", {"float32", "float64"}, 0));
  if (plan.Fusion() == nullptr) return;
  plan.network.preset = static_cast<Preset>(table.Choice("preset", {"tiny", "small", "base"}, 1));
  ReadStartFile(table.Table("start", false), plan);
  if (table.Has("repeats")) plan.network.repeats = static_cast<unsigned>(table.Unsigned("repeats", {0, 100}));
}

void ReadImaging(TomlTable table, Plan& plan) {
  if (std::ranges::find(plan.blocks, BlockKind::kMri, &Block::kind) == plan.blocks.end()) {
    if (table.present()) table.Report("", "no [[block]] of the plan is of kind \"mri\"");
    table.Ignore();
    return;
  }
  ImagingRules& rules = plan.imaging;
  rules.version = static_cast<unsigned>(table.Unsigned("version", {1, 1}, rules.version));
  rules.crop_mm = static_cast<unsigned>(table.Unsigned("crop_mm", {32, 160}, rules.crop_mm));
  rules.voxels = static_cast<unsigned>(table.Unsigned("voxels", {16, 128}, rules.voxels));
  if (rules.voxels % 16 != 0 || rules.voxels > rules.crop_mm)
    table.Report("voxels",
                 fmt::format("got {}, wanted a multiple of 16, at most crop_mm ({})", rules.voxels, rules.crop_mm));
  const std::vector<double> clip = table.Numbers("clip_percent", false);
  if (clip.size() == 2) {
    rules.clip_low = clip[0];
    rules.clip_high = clip[1];
  }
  if (table.Has("clip_percent") &&
      (clip.size() != 2 || !(rules.clip_low >= 0.0 && rules.clip_low < rules.clip_high && rules.clip_high <= 100.0)))
    table.Report("clip_percent", "wanted [low, high], percentiles from 0 to 100 with low < high");
}

}  // namespace fedtrial
