#include "hospitals.h"

#include <fstream>
#include <limits>
#include <sstream>

namespace fedtrial::site {
namespace {

const std::string kFolder = FEDTRIAL_SOURCE_DIR "/deploy/data/glioma_hospitals/";

std::vector<std::string> Fields(std::string line) {
  if (line.ends_with('\r')) line.pop_back();
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, ',');) fields.push_back(field);
  if (line.ends_with(',')) fields.emplace_back();
  return fields;
}

// Rows of a CSV file as column -> text.
std::vector<std::map<std::string, std::string>> Rows(const std::string& file) {
  std::ifstream in(kFolder + file);
  std::string line;
  std::getline(in, line);
  const auto header = Fields(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(in, line)) {
    const auto fields = Fields(line);
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < header.size(); ++i) row[header[i]] = fields.at(i);
  }
  return rows;
}

}  // namespace

Plan GliomaPlan(ScalarType precision) {
  Plan plan;
  plan.trial_id = "glioma";
  plan.seed = 1;
  plan.precision = precision;
  Endpoint os{"os", "outcome.os_day", "outcome.os_event", {}};
  for (const double weeks : {8, 16, 24, 32, 40, 52, 64, 78, 104, 130, 156}) os.cuts.push_back(7.0 * weeks);
  plan.endpoints = {os};
  const std::vector<std::tuple<std::string, double, double>> features = {{"age_y", 0, 120},
                                                                         {"sex", 0, 1},
                                                                         {"kps", 0, 100},
                                                                         {"idh_mutant", 0, 1},
                                                                         {"mgmt_methylated", 0, 1},
                                                                         {"chr7_gain_chr10_loss", 0, 1},
                                                                         {"chr19_20_gain", 0, 1},
                                                                         {"log_mutation_count", 0, 12},
                                                                         {"percent_aneuploidy", 0, 1},
                                                                         {"estimate_immune", -5000, 5000},
                                                                         {"estimate_stromal", -5000, 5000}};
  Block risk{"risk", BlockKind::kLinear, {}};
  for (const auto& [name, low, high] : features) {
    risk.features.push_back(plan.features.size());
    plan.features.push_back({name, "participants." + name, "", Transform::kNone, low, high, {}});
  }
  plan.blocks = {risk};
  TrainStep train;
  train.block = "risk";
  train.endpoint = "os";
  train.rounds = 30;
  train.local.steps = 5;
  train.local.rate = 0.3;
  train.local.rate_half = 5.0;
  train.local.ridge = 10.0;
  train.evaluate_every = 30;
  GridStep grid;
  grid.endpoint = "os";
  plan.steps = {{"normalise", NormaliseStep{}}, {"grid", grid}, {"train", train}};
  plan.rules.sites = 12;
  plan.encoding.train_word_bits = 64;
  plan.encoding.patient_cap = 200;
  plan.folds = {10, 5, "folds.repeat{}"};
  return plan;
}

std::map<std::string, Cohort> GliomaHospitals(const Plan& plan) {
  std::map<std::string, std::vector<int>> folds;
  for (const auto& row : Rows("folds.csv"))
    for (unsigned repeat = 1; repeat <= plan.folds.repeats; ++repeat)
      folds[row.at("patient")].push_back(std::stoi(row.at("repeat" + std::to_string(repeat))));
  std::map<std::string, Cohort> hospitals;
  for (const auto& row : Rows("gbm.csv")) {
    const auto dealt = folds.find(row.at("patient"));
    if (dealt == folds.end()) continue;  // of a hospital with fewer than 12
    Sample sample;
    sample.key = row.at("patient");
    sample.time_days = std::stod(row.at("time"));
    sample.event = row.at("event") == "1";
    sample.folds = dealt->second;
    for (const Feature& feature : plan.features) {
      const std::string& text = row.at(feature.name);
      sample.features.push_back(text.empty() ? kMissing : std::stod(text));
    }
    hospitals[row.at("hospital")].samples.push_back(std::move(sample));
  }
  return hospitals;
}

Plan TinyPlan(unsigned repeats) {
  Plan plan;
  plan.trial_id = "tiny";
  plan.precision = ScalarType::kFloat64;
  plan.endpoints = {{"os", "outcome.os_day", "outcome.os_event", {10.0, 20.0, 30.0}}};
  plan.features = {{"a", "participants.a", "", Transform::kNone, -10.0, 10.0, {}},
                   {"b", "participants.b", "", Transform::kNone, 0.0, 4.0, {}}};
  plan.blocks = {{"risk", BlockKind::kLinear, {0, 1}}};
  TrainStep train;
  train.block = "risk";
  train.endpoint = "os";
  train.rounds = 2;
  train.local.steps = 3;
  train.local.ridge = 1.0;
  train.evaluate_every = 1;
  GridStep grid;
  grid.endpoint = "os";
  grid.width_days = 10.0;
  grid.horizon_days = 50.0;
  plan.steps = {{"normalise", NormaliseStep{}}, {"grid", grid}, {"train", train}};
  plan.rules.sites = 3;
  plan.encoding.train_word_bits = 64;
  plan.encoding.patient_cap = 100;
  plan.folds = {repeats, 2, ""};
  return plan;
}

Cohort TinyCohort(std::size_t patients, unsigned repeats) {
  Cohort cohort;
  cohort.feature_names = {"a", "b"};
  for (std::size_t i = 0; i < patients; ++i) {
    Sample sample;
    sample.key = "p" + std::to_string(i);
    sample.features = {static_cast<double>(i % 5) - 2.0, i % 3 == 0 ? kMissing : static_cast<double>(i % 4)};
    sample.time_days = 3.0 + 7.0 * static_cast<double>(i % 6);
    sample.event = i % 2 == 0;
    for (unsigned r = 0; r < repeats; ++r) sample.folds.push_back(1 + static_cast<int>((i + r) % 2));
    cohort.samples.push_back(sample);
  }
  return cohort;
}

}  // namespace fedtrial::site
