#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "gtest/gtest.h"
#include "site_node/cohort/cohort.h"
#include "tests/simulation/cohort/generate.h"
#include "tests/unit/simulation_cohort/cohort_folder.h"
#include "tests/unit/simulation_cohort/published.h"

namespace fedtrial::sim {
namespace {

CohortSettings Tables(unsigned patients = 100, unsigned sites = 10) {
  CohortSettings settings;
  settings.patients = patients;
  settings.sites = sites;
  settings.volume = 0;
  return settings;
}

Status Generate(const CohortSettings& settings, const std::filesystem::path& out, const GenerateOptions& options = {}) {
  return GenerateCohort(Published(), settings, SimulateCohort(Published(), settings), out, nullptr, options);
}

Plan WidePlan() {
  Plan plan;
  plan.trial_id = "wide";
  plan.seed = 7;
  plan.endpoints = {
      {.name = "os", .time_column = "outcome.os_day", .event_column = "outcome.os_event", .cuts = {200.0}}};
  const auto number = [&](const char* name, const char* from, double low, double high) {
    Feature feature;
    feature.name = name;
    feature.from = from;
    feature.low = low;
    feature.high = high;
    plan.features.push_back(feature);
  };
  number("age", "participants.age_y", 18, 100);
  number("kps", "participants.kps", 0, 100);
  number("idh", "genetics.idh", 0, 1);
  number("tmb", "genetics.tmb_mut_per_mb", 0, 100);
  number("pdl1", "ihc.pdl1_tps_pct", 0, 100);
  number("mgmt", "mgmt.mgmt_pct", 0, 100);
  Feature arm;
  arm.name = "arm";
  arm.from = "participants.arm";
  arm.levels = {"A", "B"};
  arm.high = 1.0;
  plan.features.push_back(arm);
  plan.blocks = {{.name = "risk", .kind = BlockKind::kLinear, .features = {0, 1, 2, 3, 4, 5, 6}}};
  return plan;
}

TEST(SimulatedCohort, IsReadByASitesReaderWithoutErrors) {
  const TestFolder folder;
  CohortSettings settings = Tables();
  settings.missing = 0.4;
  ASSERT_TRUE(Generate(settings, folder / "cohort").ok());
  std::size_t patients = 0, with_idh = 0;
  for (unsigned site = 1; site <= settings.sites; ++site) {
    const auto reading = site::ReadCohort(WidePlan(), folder / "cohort" / SiteName(site));
    ASSERT_TRUE(reading.ok()) << reading.error().message;
    EXPECT_FALSE(site::HasErrors(*reading)) << site::FindingsText(*reading);
    EXPECT_EQ(reading->left_out + reading->no_outcome, 0u);
    EXPECT_TRUE(reading->clipped.empty());
    patients += reading->cohort.samples.size();
    with_idh += reading->summary.patients_per_block.at("feature_idh");
  }
  EXPECT_EQ(patients, settings.patients);
  EXPECT_GT(with_idh, 30u);
  EXPECT_LT(with_idh, 80u) << "four of ten sites have no genetics";
}

TEST(SimulatedCohort, PassesEveryCheckOfTheMultimodalPlan) {
  const std::filesystem::path file = std::filesystem::path(FEDTRIAL_SOURCE_DIR) / "deploy/config/glioma_mri_plan.toml";
  const auto plan = ParsePlan(TextOf(file), file.filename().string());
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const TestFolder folder;
  const CohortSettings settings = Tables();
  ASSERT_TRUE(Generate(settings, folder / "cohort").ok());
  std::size_t courses = 0, cytokine_visits = 0, pseudo = 0, progressions = 0;
  for (unsigned site = 1; site <= settings.sites; ++site) {
    const auto reading = site::ReadCohort(*plan, folder / "cohort" / SiteName(site), {.all_checks = true});
    ASSERT_TRUE(reading.ok()) << reading.error().message;
    EXPECT_FALSE(site::HasErrors(*reading)) << site::FindingsText(*reading);
    EXPECT_EQ(reading->left_out + reading->no_outcome, 0u);
    EXPECT_TRUE(reading->left_out_of.empty());
    for (const Sample& sample : reading->cohort.samples) {
      courses += sample.course.has_value();
      const auto settled = sample.suspicion ? sample.suspicion->pseudo : std::nullopt;
      pseudo += settled == true;
      progressions += settled == false;
      cytokine_visits += static_cast<std::size_t>(
          std::ranges::count_if(sample.panel_visits, [](const PanelVisit& visit) { return visit.panel == 0; }));
    }
  }
  EXPECT_EQ(courses, settings.patients);
  EXPECT_GT(cytokine_visits, 300u);
  const auto planted = CountsOf(SimulateCohort(Published(), settings));
  EXPECT_EQ(pseudo, planted.pseudo_progressions) << "each is planted within 16 weeks, before any progression";
  EXPECT_GT(pseudo, 0u);
  EXPECT_GT(progressions, 10u);
}

TEST(SimulatedCohort, HasTheSameBytesForTheSameSeedAndOthersForAnother) {
  const TestFolder folder;
  CohortSettings settings = Tables(40, 4);
  ASSERT_TRUE(Generate(settings, folder / "one").ok());
  ASSERT_TRUE(Generate(settings, folder / "two").ok());
  settings.seed = 2;
  ASSERT_TRUE(Generate(settings, folder / "three").ok());
  EXPECT_TRUE(FilesOf(folder / "one") == FilesOf(folder / "two"));
  EXPECT_TRUE(FilesOf(folder / "one") != FilesOf(folder / "three"));
}

TEST(SimulatedCohort, SaysThatItIsSimulatedAndKeepsTheTruthOutOfTheSites) {
  const TestFolder folder;
  ASSERT_TRUE(Generate(Tables(20, 2), folder / "cohort").ok());
  EXPECT_NE(TextOf(folder / "cohort/README.md").find("SIMULATED"), std::string::npos);
  for (const auto& [name, bytes] : FilesOf(folder / "cohort")) {
    if (name.ends_with("dataset_description.json")) {
      EXPECT_TRUE(nlohmann::json::parse(bytes).at("Simulated"));
    }
    if (name.starts_with("site_")) {
      EXPECT_EQ(bytes.find("\"risk\""), std::string::npos) << name;
    }
  }
  const auto truth = nlohmann::json::parse(TextOf(folder / "cohort/sealed_truth.json"));
  EXPECT_EQ(truth.at("patients").size(), 20u);
  EXPECT_TRUE(truth.at("patients")[0].at("risk").is_number());
}

TEST(SimulatedCohort, LacksEveryModalityAtTheShareOfSitesAskedFor) {
  CohortSettings settings = Tables();
  settings.missing = 0.4;
  settings.volume = 32;
  settings.raw_visits = 1;
  settings.raw_sites = {"site_02"};
  settings.dicom_site = "site_02";
  std::array<int, kModalities> lacking{};
  for (const SimulatedSite& site : SimulateCohort(Published(), settings)) {
    for (std::size_t i = 0; i < kModalities; ++i) lacking[i] += site.site.has[i] ? 0 : 1;
    if (site.site.name == "site_02") {
      EXPECT_TRUE(site.site.has[0]) << "raw scans are wanted of it";
    }
    EXPECT_EQ(site.site.raw_visits, site.site.name == "site_02" ? 1u : 0u);
  }
  for (const int sites : lacking) EXPECT_EQ(sites, 4);
}

TEST(SimulatedCohort, HasSitesOfUnlikeSizesThatAddUp) {
  std::set<unsigned> sizes;
  unsigned patients = 0;
  for (const SimulatedSite& site : SimulateCohort(Published(), Tables())) {
    patients += site.site.patients;
    sizes.insert(site.site.patients);
    EXPECT_GE(site.site.patients, 3u);
    EXPECT_EQ(site.patients.size(), site.site.patients);
  }
  EXPECT_EQ(patients, 100u);
  EXPECT_GT(sizes.size(), 3u);
}

TEST(SimulatedTables, HaveNothingAfterDeathAndGradeFiveOnlyWithIt) {
  const TestFolder folder;
  ASSERT_TRUE(Generate(Tables(400, 2), folder / "cohort").ok());
  std::size_t fatal = 0, below = 0;
  for (const char* site : {"site_01", "site_02"}) {
    const auto phenotype = folder / "cohort" / site / "phenotype";
    std::map<std::string, std::pair<int, bool>> last;
    for (auto& row : RowsOf(phenotype / "outcome.tsv"))
      last[row["participant_id"]] = {std::stoi(row["os_day"]), row["os_event"] == "1"};
    const auto expect_within = [&](const std::string& table, const std::string& column, bool on_the_day) {
      for (auto& row : RowsOf(phenotype / table)) {
        const auto [day, died] = last.at(row["participant_id"]);
        EXPECT_LE(std::stoi(row[column]), died && !on_the_day ? day - 1 : day) << table << " " << column;
      }
    };
    for (const char* table : {"cytokine.tsv", "immune.tsv", "exosome.tsv", "labs.tsv"})
      expect_within(table, "day", false);
    expect_within("response.tsv", "scan_day", false);
    expect_within("ae.tsv", "end_day", true);
    expect_within("conmed.tsv", "end_day", true);
    expect_within("treatment.tsv", "start_day", true);
    for (auto& row : RowsOf(phenotype / "ae.tsv"))
      if (row["grade"] == "5") {
        ++fatal;
        EXPECT_TRUE(last.at(row["participant_id"]).second);
        EXPECT_EQ(std::stoi(row["end_day"]), last.at(row["participant_id"]).first);
      }
    for (auto& row : RowsOf(phenotype / "cytokine.tsv")) {
      below += row["qualifier"] == "<";
      EXPECT_GE(std::stod(row["value"]), std::stod(row["lod_low"]) * 0.999);
      if (row["qualifier"] == "<") {
        EXPECT_EQ(row["value"], row["lod_low"]);
      }
    }
  }
  EXPECT_GT(fatal, 0u);
  EXPECT_GT(below, 20u);
}

TEST(SimulatedTables, GiveDurvalumabToArmBAlone) {
  const TestFolder folder;
  ASSERT_TRUE(Generate(Tables(60, 1), folder / "cohort").ok());
  std::map<std::string, std::string> arm;
  for (auto& row : RowsOf(folder / "cohort/site_01/participants.tsv")) arm[row["participant_id"]] = row["arm"];
  std::set<std::string> treated;
  for (auto& row : RowsOf(folder / "cohort/site_01/phenotype/treatment.tsv")) treated.insert(row["participant_id"]);
  std::size_t in_b = 0;
  for (const auto& [patient, which] : arm) {
    EXPECT_EQ(treated.contains(patient), which == "B");
    in_b += which == "B";
  }
  EXPECT_EQ(in_b, 30u);
}

TEST(Generate, RefusesAFilledFolderAndSettingsThatDontFit) {
  const TestFolder folder;
  std::filesystem::create_directories(folder / "filled");
  std::ofstream(folder / "filled/mine.txt") << "mine";
  EXPECT_EQ(Generate(Tables(20, 2), folder / "filled").error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(TextOf(folder / "filled/mine.txt"), "mine");
  std::filesystem::create_directories(folder / "empty");
  EXPECT_TRUE(Generate(Tables(20, 2), (folder / "empty").string() + "/").ok());
  EXPECT_TRUE(std::filesystem::exists(folder / "empty/site_02/participants.tsv"));

  const auto refused = [](auto change) {
    CohortSettings settings = Tables();
    change(settings);
    return CheckCohortSettings(settings).ok() ? std::string() : CheckCohortSettings(settings).error().message;
  };
  EXPECT_EQ(refused([](CohortSettings&) {}), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.sites = 0; }), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.sites = 100; }), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.patients = 9; }), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.missing = 1.0; }), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.missing = -0.1; }), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.missing = std::nan(""); }), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.volume = 48; }), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.raw_visits = 2; }), "") << "raw scans without images";
  EXPECT_NE(refused([](CohortSettings& s) { s.volume = 32, s.dicom_site = "site_03"; }), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.volume = 32, s.raw_visits = 1, s.dicom_site = "site_11"; }), "");
  EXPECT_NE(refused([](CohortSettings& s) { s.volume = 32, s.raw_visits = 1, s.raw_sites = {"charite"}; }), "");
}

TEST(Generate, LeavesNothingWhenItIsStopped) {
  const TestFolder folder;
  int asked = 0;
  const auto stopped = Generate(Tables(20, 4), folder / "cohort", {.stopped = [&] { return ++asked == 3; }});
  EXPECT_EQ(stopped.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(std::filesystem::is_empty(folder / ""));
}

TEST(CohortParameters, AreRefusedWithEveryProblemAtOnce) {
  std::string text = kCohortParametersToml;
  const auto replace = [&](const std::string& from, const std::string& to) {
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
  };
  replace("male = 0.618", "male = 1.618");
  replace("h12 = 0.150", "h12 = 0.150\nh21 = 0.1");
  replace("kps_shares = [0.208", "kps_shares = [0.908");
  const auto parameters = ParseCohortParameters(text, "changed.toml");
  ASSERT_FALSE(parameters.ok());
  for (const char* part : {"clinical.male", "course.h21", "clinical.kps_shares"})
    EXPECT_NE(parameters.error().message.find(part), std::string::npos) << parameters.error().message;
}

}  // namespace
}  // namespace fedtrial::sim
