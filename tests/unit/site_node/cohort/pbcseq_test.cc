#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <vector>

#include "trial_folder.h"

namespace fedtrial::site {
namespace {

std::string PbcPlan() {
  std::string toml = R"([trial]
id = "pbcseq"
seed = 1
[endpoint.death]
time = "outcome.futime"
event = "outcome.death"
cuts = [1000, 2000, 4000]
[cohort]
min_patients = 10
)";
  const auto feature = [&](const std::string& name, const std::string& unit, const std::string& range) {
    toml += "[[feature]]\nname = \"" + name + "\"\nfrom = \"labs[" + name + "]\"\nunit = \"" + unit +
            "\"\ntransform = \"log1p\"\nrange = " + range + "\n";
  };
  feature("bili", "mg/dL", "[0, 5]");
  feature("albumin", "g/L", "[0, 6]");
  feature("ast", "U/L", "[0, 20]");
  feature("platelet", "10^9/L", "[0, 8]");
  return toml + R"([[block]]
name = "labs"
kind = "panel"
features = ["bili", "albumin", "ast", "platelet"]
[[block]]
name = "fusion"
kind = "fusion"
[[block]]
name = "survival"
kind = "head"
target = "endpoint.death"
[[step]]
task = "normalise"
[rules]
sites = 3
[encoding]
patient_cap = 400
)";
}

// The Mayo Clinic's 312 patients and 1,945 visits as long tables; what is counted stands in the data's README.
TEST(Pbcseq, IsReadWithEveryVisit) {
  const std::string path = FEDTRIAL_SOURCE_DIR "/tests/vectors/pbcseq/pbcseq.csv";
  std::ifstream file(path);
  ASSERT_TRUE(file.good()) << path << " is shipped, but isn't there";
  const std::map<std::string, std::pair<std::size_t, const char*>> columns = {
      {"bili", {11, "mg/dL"}}, {"albumin", {13, "g/dL"}}, {"ast", {15, "U/mL"}}, {"platelet", {16, "10^9/L"}}};
  SiteFolder folder;
  std::map<std::string, std::string> outcomes;
  std::string labs = "participant_id\tday\tanalyte\tvalue\tunit\n";
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    std::string cell;
    for (std::istringstream row(line.substr(0, line.find('\r'))); std::getline(row, cell, ',');) cells.push_back(cell);
    outcomes[cells[0]] = cells[0] + "\t" + cells[1] + "\t" + (cells[2] == "2" ? "1" : "0") + "\n";
    for (const auto& [name, column] : columns) {
      const std::string value = column.first < cells.size() ? cells[column.first] : "";
      labs += cells[0] + "\t" + cells[6] + "\t" + name + "\t" + (value.empty() ? "n/a" : value) + "\t" + column.second +
              "\n";
    }
  }
  std::string participants = "participant_id\n";
  std::string outcome = "participant_id\tfutime\tdeath\n";
  for (const auto& [id, row] : outcomes) {
    participants += id + "\n";
    outcome += row;
  }
  folder.Write("participants.tsv", participants);
  folder.Write("phenotype/outcome.tsv", outcome);
  folder.Write("phenotype/labs.tsv", labs);

  const auto reading = ReadCohort(TrialPlan(PbcPlan()), folder.path(), {.all_checks = true});
  ASSERT_TRUE(reading.ok()) << reading.error().message;
  EXPECT_FALSE(HasErrors(*reading)) << FindingsText(*reading);
  EXPECT_EQ(reading->summary.patients, 312u);
  EXPECT_EQ(reading->summary.events, 140u);
  EXPECT_EQ(reading->summary.patients_per_block.at("labs"), 312u);
  std::size_t visits = 0;
  std::map<std::size_t, std::size_t> values;
  for (const Sample& sample : reading->cohort.samples) {
    visits += sample.panel_visits.size();
    EXPECT_EQ(sample.panel_visits.front().day, 0.0);
    EXPECT_EQ(sample.panel_visits.front().values.front().value, sample.features[0]);
    for (const PanelVisit& visit : sample.panel_visits)
      for (const PanelValue& value : visit.values) ++values[value.analyte];
  }
  EXPECT_EQ(visits, 1945u);
  EXPECT_EQ(values[0], 1945u);
  EXPECT_EQ(values[3], 1945u - 73u);
}

}  // namespace
}  // namespace fedtrial::site
