#include "real_patients.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <set>

#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"
#include "tests/simulation/program/patients.h"
#include "tests/support/data_folders.h"

namespace fedtrial {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kYear = 365.25;
constexpr unsigned kFolds = 5;

using Row = std::map<std::string, std::string>;

std::vector<Row> Rows(const std::filesystem::path& file) {
  const auto table = sim::ReadCsv(file);
  EXPECT_TRUE(table.ok()) << table.error().message;
  std::vector<Row> rows;
  for (std::size_t i = 1; table.ok() && i < table->size(); ++i) {
    Row& row = rows.emplace_back();
    for (std::size_t j = 0; j < (*table)[0].fields.size(); ++j) row[(*table)[0].fields[j]] = (*table)[i].fields[j];
  }
  return rows;
}

double Number(const std::string& text) { return text.empty() ? kMissing : std::stod(text); }

void AddBlock(Plan& plan, const std::string& name, BlockKind kind, const std::vector<std::string>& features) {
  Block block{name, kind, {}};
  for (const std::string& feature : features) {
    block.features.push_back(plan.features.size());
    Feature added{feature, "table." + feature, "", Transform::kNone, -1e4, 1e5, {}};
    if (kind == BlockKind::kPanel) added.analyte = feature;
    plan.features.push_back(std::move(added));
  }
  plan.blocks.push_back(std::move(block));
}

// Blocks are there; fusion, head, linear block and steps are added.
void Complete(Plan& plan, std::vector<double> cuts_days, unsigned repeats) {
  plan.trial_id = "real";
  plan.seed = 20;
  plan.endpoints = {{"os", "outcome.os_day", "outcome.os_event", std::move(cuts_days)}};
  plan.network.preset = Preset::kTiny;
  plan.blocks.push_back({"fusion", BlockKind::kFusion, {}});
  Block head{"survival", BlockKind::kHead, {}};
  head.target = HeadTarget::kEndpoint;
  head.endpoint = "os";
  plan.blocks.push_back(std::move(head));
  Block linear{"linear", BlockKind::kLinear, {}};
  for (std::size_t j = 0; j < plan.features.size(); ++j) linear.features.push_back(j);
  plan.blocks.push_back(std::move(linear));
  plan.folds = {repeats, kFolds, ""};
  plan.encoding = {64, 8.0, 1000};
  plan.rules.sites = 40;
  GridStep grid;
  grid.endpoint = "os";
  TrainStep network, line;
  network.block = "fusion";
  network.endpoint = line.endpoint = "os";
  network.rounds = line.rounds = 30;
  network.network.linear_rate = line.local.rate = 0.3;
  network.network.rate_half = line.local.rate_half = 10.0;
  network.network.ridge = line.local.ridge = 10.0;  // as the references
  line.block = "linear";
  line.local.steps = 5;
  plan.steps = {{"normalise", NormaliseStep{}}, {"grid", grid}, {"train", network}, {"train", line}};
}

// The range of each feature: what was ever measured.
void FitRanges(RealPatients& real) {
  const std::vector<const Block*> panels = real.plan.Panels();
  for (std::size_t j = 0; j < real.plan.features.size(); ++j) {
    double low = INFINITY, high = -INFINITY;
    const auto take = [&](double value) {
      if (std::isnan(value)) return;
      low = std::min(low, value);
      high = std::max(high, value);
    };
    for (const auto& [name, cohort] : real.sites)
      for (const Sample& sample : cohort.samples) {
        take(sample.features[j]);
        for (const PanelVisit& visit : sample.panel_visits)
          for (const PanelValue& value : visit.values)
            if (panels[visit.panel]->features[value.analyte] == j) take(value.value);
      }
    real.plan.features[j].low = low < high ? low : low - 1.0;
    real.plan.features[j].high = low < high ? high : low + 1.0;
  }
}

}  // namespace

constexpr char kPbcseq[] = FEDTRIAL_SOURCE_DIR "/tests/vectors/pbcseq/";

RealPatients PbcseqAt(int landmark_years, unsigned repeats, bool last_values) {
  const std::vector<std::string> labs = {"bili",    "albumin", "alk.phos", "ast",   "platelet", "protime",
                                         "ascites", "hepato",  "spiders",  "edema", "stage"};
  const std::set<std::string> logs = {"bili", "alk.phos", "ast", "platelet", "protime"};
  RealPatients real;
  AddBlock(real.plan, "clinical", BlockKind::kStatic, {"age", "sex", "trt"});
  AddBlock(real.plan, "labs", BlockKind::kPanel, labs);
  Complete(real.plan, {365, 730, 1095, 1460, 1825, 2555, 3650, 5000}, repeats);

  const double landmark = kYear * landmark_years;
  std::map<std::string, std::vector<int>> folds;
  for (const Row& row : Rows(std::string(kPbcseq) + "folds.csv"))
    if (row.at("landmark_years") == std::to_string(landmark_years))
      for (unsigned r = 1; r <= repeats; ++r)
        folds[row.at("id")].push_back(std::stoi(row.at("repeat" + std::to_string(r))));
  std::map<std::string, Sample> samples;
  for (const Row& row : Rows(std::string(kPbcseq) + "pbcseq.csv")) {
    const double followed = Number(row.at("futime")), day = Number(row.at("day"));
    if (followed <= landmark || day > landmark) continue;
    Sample& sample = samples[row.at("id")];
    const bool first = sample.key.empty();
    if (first) {
      sample.key = row.at("id");
      sample.time_days = followed - landmark;
      sample.event = row.at("status") == "2";
      sample.folds = folds.at(row.at("id"));
      sample.features = {Number(row.at("age")), row.at("sex") == "f" ? 1.0 : 0.0, Number(row.at("trt"))};
      sample.features.resize(3 + labs.size(), kMissing);
    }
    PanelVisit visit{0, day - landmark, {}};
    for (std::size_t a = 0; a < labs.size(); ++a) {
      double value = Number(row.at(labs[a]));
      if (logs.contains(labs[a])) value = std::log(value);
      if (std::isnan(value)) continue;
      visit.values.push_back({a, value, false});
      if (first || last_values) sample.features[3 + a] = value;
    }
    sample.panel_visits.push_back(std::move(visit));
  }
  Cohort& cohort = real.sites["mayo"];
  for (const Feature& feature : real.plan.features) cohort.feature_names.push_back(feature.name);
  cohort.panels = {{"labs", labs}};
  for (auto& [id, sample] : samples) cohort.samples.push_back(std::move(sample));
  FitRanges(real);
  return real;
}

RealPatients TcgaGlioma(bool lower_grade, unsigned repeats, std::size_t min_patients) {
  RealPatients real;
  AddBlock(real.plan, "clinical", BlockKind::kStatic,
           {"age", "male", "kps", "kps_missing", "grade_3", "grade_4", "oligodendroglioma", "oligoastrocytoma"});
  AddBlock(real.plan, "core", BlockKind::kStatic,
           {"idh", "idh_missing", "codel_1p19q", "mgmt", "mgmt_missing", "chr7_gain_chr10_loss"});
  Complete(real.plan, {120, 240, 365, 480, 600, 730, 1000, 1400, 2000, 3000}, repeats);

  const std::filesystem::path folder = SharedFolder() / "data/tcga_glioma";
  std::map<std::string, Row> outcome, genetics;
  for (Row& row : Rows(folder / "outcome.csv")) outcome[row.at("patient")] = row;
  for (Row& row : Rows(folder / "molecular/genetics.csv")) genetics[row.at("patient")] = row;
  const auto is = [](const std::string& text, const char* value) {
    return text.empty() ? kMissing : text == value ? 1.0 : 0.0;
  };
  const auto missing = [](const std::string& text) { return text.empty() ? 1.0 : 0.0; };
  std::map<std::string, std::vector<Sample>> hospitals;
  for (const Row& row : Rows(folder / "clinical.csv")) {
    const Row& g = genetics.at(row.at("patient"));
    const Row& o = outcome.at(row.at("patient"));
    if ((lower_grade && row.at("study") == "GBM") || o.at("os_days").empty()) continue;
    Sample sample;
    sample.key = row.at("patient");
    sample.time_days = Number(o.at("os_days"));
    sample.event = o.at("os_event") == "1";
    sample.features = {Number(row.at("age_years")),
                       is(row.at("sex"), "male"),
                       Number(row.at("kps")),
                       missing(row.at("kps")),
                       is(row.at("grade"), "G3"),
                       is(row.at("grade"), "G4"),
                       is(row.at("histology"), "oligodendroglioma"),
                       is(row.at("histology"), "oligoastrocytoma"),
                       is(g.at("idh_status"), "mutant"),
                       missing(g.at("idh_status")),
                       Number(g.at("codel_1p19q")),
                       is(g.at("mgmt_promoter"), "methylated"),
                       missing(g.at("mgmt_promoter")),
                       Number(g.at("chr7_gain_chr10_loss"))};
    hospitals[row.at("hospital")].push_back(std::move(sample));
  }
  SeededRandom random(Sha256(AsBytes("tcga_glioma folds")));
  std::map<bool, std::vector<Sample*>> by_event;
  for (auto& [name, samples] : hospitals)
    for (Sample& sample : samples) by_event[sample.event].push_back(&sample);
  for (unsigned r = 0; r < repeats; ++r)
    for (auto& [event, samples] : by_event) {
      for (std::size_t i = samples.size(); i > 1; --i) std::swap(samples[i - 1], samples[UniformBelow(i, random)]);
      for (std::size_t i = 0; i < samples.size(); ++i) samples[i]->folds.push_back(1 + static_cast<int>(i % kFolds));
    }
  for (auto& [name, samples] : hospitals) {
    Cohort& cohort = real.sites[samples.size() >= min_patients ? name : "others"];
    for (Sample& sample : samples) cohort.samples.push_back(std::move(sample));
  }
  for (auto& [name, cohort] : real.sites)
    for (const Feature& feature : real.plan.features) cohort.feature_names.push_back(feature.name);
  FitRanges(real);
  return real;
}

}  // namespace fedtrial
