#include "tests/simulation/cohort/parameters.h"

#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "proto/plan/toml_reader.h"

namespace fedtrial::sim {
namespace {

constexpr Range<double> kShare{0.0, 1.0};
constexpr Range<double> kEffect{-10.0, 10.0};
constexpr Range<double> kPositive{1e-6, 1e15};

void RequireSource(TomlTable& table) {
  if (table.Text("source").empty() && table.present())
    table.Report("source", "got \"\", wanted where the values are from");
}

std::vector<double> ReadNumbers(TomlTable& table, std::string_view key, std::size_t wanted) {
  std::vector<double> values = table.Numbers(key);
  if (values.size() != wanted) table.Report(key, fmt::format("got {} numbers, wanted {}", values.size(), wanted));
  values.resize(wanted);
  return values;
}

Spread ReadSpread(TomlTable& table, std::string_view key) {
  const auto values = ReadNumbers(table, key, 2);
  return {values[0], values[1]};
}

Bounds ReadBounds(TomlTable& table, std::string_view key) {
  const auto values = ReadNumbers(table, key, 4);
  if (values[2] > values[3])
    table.Report(key, fmt::format("the lowest, {}, is above the highest, {}", values[2], values[3]));
  return {values[0], values[1], values[2], values[3]};
}

std::vector<double> ReadShares(TomlTable& table, std::string_view key, std::size_t wanted) {
  std::vector<double> shares = ReadNumbers(table, key, wanted);
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (std::abs(sum - 1.0) > 0.01) table.Report(key, fmt::format("the shares add up to {}, wanted 1", sum));
  return shares;
}

ClinicalParameters ReadClinical(TomlTable table) {
  RequireSource(table);
  ClinicalParameters p;
  p.male = table.Number("male", kShare);
  p.age = ReadBounds(table, "age");
  p.kps = table.Numbers("kps");
  p.kps_shares = ReadShares(table, "kps_shares", p.kps.size());
  p.recurrence_shares = ReadShares(table, "recurrence_shares", 3);
  p.resection = table.Texts("resection");
  p.resection_shares = ReadShares(table, "resection_shares", p.resection.size());
  p.steroids = table.Number("steroids", kShare);
  p.dexamethasone = ReadSpread(table, "dexamethasone_mg_d");
  p.effect_age = table.Number("effect_age", kEffect);
  p.effect_kps = table.Number("effect_kps", kEffect);
  p.effect_steroids = table.Number("effect_steroids", kEffect);
  p.effect_recurrence = table.Number("effect_recurrence", kEffect);
  p.effect_arm_b = table.Number("effect_arm_b", kEffect);
  return p;
}

GeneticParameters ReadGenetics(TomlTable table) {
  RequireSource(table);
  GeneticParameters p;
  p.idh_mutant = table.Number("idh_mutant", kShare);
  p.tert_mutant = table.Number("tert_mutant", kShare);
  p.egfr_amplified = table.Number("egfr_amplified", kShare);
  p.chr7_gain_chr10_loss = table.Number("chr7_gain_chr10_loss", kShare);
  p.cdkn2a_deleted = table.Number("cdkn2a_deleted", kShare);
  p.mutations_per_mb = ReadSpread(table, "mutations_per_mb");
  p.genes = table.Texts("genes");
  p.gene_shares = ReadNumbers(table, "gene_shares", p.genes.size());
  p.effect_idh_mutant = table.Number("effect_idh_mutant", kEffect);
  p.effect_cdkn2a_deleted = table.Number("effect_cdkn2a_deleted", kEffect);
  p.effect_mutations = table.Number("effect_mutations", kEffect);
  return p;
}

MgmtParameters ReadMgmt(TomlTable table) {
  RequireSource(table);
  MgmtParameters p;
  p.methylated = table.Number("methylated", kShare);
  p.methylated_pct = ReadBounds(table, "methylated_pct");
  p.unmethylated_pct = ReadBounds(table, "unmethylated_pct");
  p.cutoff_pct = table.Number("cutoff_pct", {0.0, 100.0});
  p.effect_methylated = table.Number("effect_methylated", kEffect);
  return p;
}

PathologyParameters ReadPathology(TomlTable table) {
  RequireSource(table);
  PathologyParameters p;
  p.pdl1_tps_pct = ReadSpread(table, "pdl1_tps_pct");
  p.effect_pdl1 = table.Number("effect_pdl1", kEffect);
  return p;
}

CourseParameters ReadCourse(TomlTable table) {
  RequireSource(table);
  CourseParameters p;
  p.ends_weeks = table.Numbers("ends_weeks");
  if (p.ends_weeks.empty()) table.Report("ends_weeks", "got none, wanted at least one");
  for (std::size_t i = 0; i < p.ends_weeks.size(); ++i)
    if (p.ends_weeks[i] <= (i == 0 ? 0.0 : p.ends_weeks[i - 1]) || std::fmod(p.ends_weeks[i], 4.0) != 0.0)
      table.Report("ends_weeks", fmt::format("{} is not a rising multiple of 4", p.ends_weeks[i]));
  p.h01 = ReadNumbers(table, "h01", p.ends_weeks.size());
  p.h02 = ReadNumbers(table, "h02", p.ends_weeks.size());
  for (std::size_t i = 0; i < p.h01.size(); ++i)
    if (p.h01[i] <= 0.0 || p.h02[i] <= 0.0 || p.h01[i] + p.h02[i] >= 1.0)
      table.Report("h01", fmt::format("{} and h02 {}: each above 0, their sum below 1", p.h01[i], p.h02[i]));
  p.h12 = table.Number("h12", {1e-6, 1.0 - 1e-6});
  p.withdrawal = table.Number("withdrawal", kShare);
  const auto follow_up = ReadNumbers(table, "follow_up_weeks", 2);
  p.follow_up_weeks = {follow_up[0], follow_up[1]};
  if (follow_up[0] < 4.0 || follow_up[0] > follow_up[1])
    table.Report("follow_up_weeks", "wanted the shortest, at least 4, and then the longest");
  return p;
}

ResponseParameters ReadResponse(TomlTable table) {
  RequireSource(table);
  ResponseParameters p;
  p.pseudo_progression = table.Number("pseudo_progression", kShare);
  p.volume_ml = ReadSpread(table, "volume_ml");
  p.missed_visit = table.Number("missed_visit", {0.0, 0.5});
  return p;
}

ToxicityParameters ReadToxicity(TomlTable table) {
  RequireSource(table);
  ToxicityParameters p;
  p.fatal = table.Number("fatal", kShare);
  for (TomlTable& row : table.Tables("event")) {
    ToxicityEvent event;
    event.term = row.Text("term");
    event.soc = row.Text("soc");
    event.arm_a = row.Number("arm_a", kShare);
    event.arm_b = row.Number("arm_b", kShare);
    event.grades = ReadShares(row, "grades", 4);
    event.immune = row.Flag("immune");
    p.events.push_back(std::move(event));
  }
  return p;
}

std::vector<Analyte> ReadPanel(TomlTable table) {
  RequireSource(table);
  std::vector<Analyte> analytes;
  for (TomlTable& row : table.Tables("analyte")) {
    Analyte a;
    a.name = row.Text("name");
    a.unit = row.Text("unit");
    a.median = row.Number("median", kPositive);
    a.spread = row.Number("spread", {0.0, 3.0});
    a.noise = row.Number("noise", {0.0, 3.0});
    a.lod_low = row.Number("lod_low", kPositive);
    a.lod_high = row.Number("lod_high", kPositive);
    a.after_rt = row.Number("after_rt", {-3.0, 3.0});
    a.progression = row.Number("progression", {-3.0, 3.0});
    a.slope = row.Number("slope", {0.0, 3.0});
    a.effect = row.Number("effect", kEffect);
    analytes.push_back(std::move(a));
  }
  return analytes;
}

SiteParameters ReadSites(TomlTable table) {
  RequireSource(table);
  SiteParameters p;
  p.size_spread = table.Number("size_spread", {0.0, 3.0});
  p.smallest = static_cast<unsigned>(table.Unsigned("smallest", {1, 1000}));
  p.kit_shift = table.Number("kit_shift", {0.0, 3.0});
  p.kit_scale = table.Number("kit_scale", {0.0, 1.0});
  p.scanner_gamma = table.Number("scanner_gamma", {0.0, 1.0});
  const auto noise = ReadNumbers(table, "scanner_noise", 2);
  p.scanner_noise = {noise[0], noise[1]};
  p.patient_missing = table.Number("patient_missing", kShare);
  return p;
}

}  // namespace

std::string_view ToString(PanelKind kind) {
  switch (kind) {
    case PanelKind::kCytokine:
      return "cytokine";
    case PanelKind::kImmune:
      return "immune";
    case PanelKind::kExosome:
      return "exosome";
    case PanelKind::kLabs:
      return "labs";
  }
  return "";
}

Result<CohortParameters> ParseCohortParameters(std::string_view toml, std::string_view file_name) {
  ASSIGN_OR_RETURN(TomlReader reader, TomlReader::Parse(toml, file_name));
  TomlTable root = reader.root();
  CohortParameters p;
  p.clinical = ReadClinical(root.Table("clinical"));
  p.genetics = ReadGenetics(root.Table("genetics"));
  p.mgmt = ReadMgmt(root.Table("mgmt"));
  p.pathology = ReadPathology(root.Table("pathology"));
  p.course = ReadCourse(root.Table("course"));
  p.response = ReadResponse(root.Table("response"));
  p.toxicity = ReadToxicity(root.Table("toxicity"));
  for (std::size_t kind = 0; kind < kPanelKinds; ++kind)
    p.panels[kind] = ReadPanel(root.Table(ToString(static_cast<PanelKind>(kind))));
  p.sites = ReadSites(root.Table("sites"));
  RETURN_IF_ERROR(reader.Finish());
  return p;
}

Result<CohortParameters> PublishedCohortParameters() {
  return ParseCohortParameters(kCohortParametersToml, "cohort_parameters.toml");
}

}  // namespace fedtrial::sim
