// `fedtrial-sim table` on two real trials, against what their folders' reference.json says.
#include "gtest/gtest.h"
#include "tests/statistical/program.h"
#include "tests/support/data_folders.h"

namespace fedtrial {
namespace {

using nlohmann::json;

constexpr double kFigure = 1e-4;  // reference.json has four decimals
constexpr double kCoefficient = 1e-6;

struct Trial {
  std::string folder, table, site;
};

void PrintTo(const Trial& trial, std::ostream* out) { *out << trial.folder; }

std::string Joined(const json& list) {
  std::string text;
  for (const json& item : list)
    text += (text.empty() ? "" : ",") + (item.is_string() ? item.get<std::string>() : item.dump());
  return text;
}

class Table : public ::testing::TestWithParam<Trial> {
 protected:
  void SetUp() override {
    folder_ = FindFolder(GetParam().folder, "reference.json");
    ASSERT_FALSE(folder_.empty()) << GetParam().folder << " is shipped, but isn't there";
    reference_ = json::parse(ReadText(folder_ / "reference.json"));
  }
  std::vector<std::string> Arguments() const {
    const json& recipe = reference_["recipe"];
    return {"table",        folder_ / GetParam().table,
            "--site",       GetParam().site,
            "--patient",    "patient",
            "--time",       "time",
            "--event",      "event",
            "--covariates", Joined(recipe["covariates"]),
            "--cuts",       Joined(recipe["cuts_weeks"]),
            "--folds",      folder_ / "folds.csv",
            "--json"};
  }
  static void ExpectFit(const json& got, const json& wanted, double tolerance) {
    ASSERT_EQ(got["beta"].size(), wanted["beta"].size());
    for (std::size_t j = 0; j < wanted["beta"].size(); ++j)
      EXPECT_NEAR(got["beta"][j].get<double>(), wanted["beta"][j].get<double>(), tolerance) << j;
    if (wanted.value("intercepts", json()).is_null()) return;
    ASSERT_EQ(got["intercepts"].size(), wanted["intercepts"].size());
    for (std::size_t k = 0; k < wanted["intercepts"].size(); ++k)
      EXPECT_NEAR(got["intercepts"][k].get<double>(), wanted["intercepts"][k].get<double>(), tolerance) << k;
  }

  std::filesystem::path folder_;
  json reference_;
};

TEST_P(Table, GivesTheFiguresAndCoefficientsOfTheReference) {
  const Ran ran = RunSim(Arguments());
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  const json got = ran.Json();
  const json& crossed = reference_["cross_validated"];
  for (const auto& [ours, theirs] : {std::pair("federated", "fedavg"),
                                     {"pooled", "pooled"},
                                     {"cox", "cox_site_stratified"},
                                     {"local_mean", "local_same_recipe"}}) {
    EXPECT_NEAR(got["cross_validated"][ours]["value"].get<double>(),
                crossed[theirs]["across_sites"]["mean"].get<double>(), kFigure)
        << ours;
    EXPECT_NEAR(got["outside"][ours]["value"].get<double>(), reference_["external"][theirs]["c"].get<double>(), kFigure)
        << ours;
    EXPECT_TRUE(got["cross_validated"][ours]["low"].is_null()) << "intervals only with --bootstrap";
  }
  for (const auto& [site, c] : reference_["external"]["local_same_recipe"]["by_site"].items())
    EXPECT_NEAR(got["outside"]["local"][site]["value"].get<double>(), c.get<double>(), kFigure) << site;
  EXPECT_EQ(got["cross_validated"]["federated"]["events"], reference_["design"]["events"]);
  EXPECT_EQ(got["outside"]["federated"]["events"], reference_["design"]["external_events"]);

  ExpectFit(got["models"]["federated"], reference_["models"]["fedavg"], kCoefficient);
  ExpectFit(got["models"]["pooled"], reference_["models"]["pooled"], kCoefficient);
  ExpectFit(got["models"]["cox_site_stratified"], reference_["models"]["cox_site_stratified"], kCoefficient);
}

INSTANTIATE_TEST_SUITE_P(Trials, Table,
                         ::testing::Values(Trial{"ncctg_lung", "lung.csv", "inst"},
                                           Trial{"glioma_hospitals", "gbm.csv", "hospital"}),
                         [](const auto& info) { return info.param.folder; });

class SmallTable : public ::testing::Test {
 protected:
  // Three sites of twelve patients and one of two: older patients die earlier.
  void SetUp() override {
    std::string text = "id,clinic,days,dead,age,\"weight, kg\"\r\n";
    for (int i = 0; i < 38; ++i) {
      const int age = 40 + (i * 7) % 40;
      text += std::to_string(i) + "," + (i < 36 ? std::to_string(1 + i % 3) : "4") + "," +
              std::to_string(900 - 10 * age + (i * 13) % 50) + "," + std::to_string(i % 4 == 0 ? 0 : 1) + "," +
              std::to_string(age) + "," + (i % 5 == 0 ? "" : std::to_string(60 + i)) + "\r\n";
    }
    WriteText(scratch_ / "small.csv", text);
  }
  Ran RunTable(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {
        "table", scratch_ / "small.csv", "--site", "clinic", "--patient", "id", "--time", "days", "--event", "dead"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunSim(arguments);
  }
  ScratchFolder scratch_;
};

TEST_F(SmallTable, IsPlayedWithDealtFoldsAndIntervals) {
  const Ran ran =
      RunTable({"--covariates", "age", "--cuts", "20,40,60,80", "--repeats", "2", "--bootstrap", "200", "--json"});
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  const json got = ran.Json();
  const json& figure = got["cross_validated"]["federated"];
  EXPECT_GT(figure["value"].get<double>(), 0.8);
  EXPECT_LE(figure["low"].get<double>(), figure["value"].get<double>());
  EXPECT_GE(figure["high"].get<double>(), figure["value"].get<double>());
  EXPECT_EQ(got["cross_validated"]["local"].size(), 3u) << "the site of two is outside";
  EXPECT_EQ(got["cross_validated"]["patients"], 36);
}

TEST_F(SmallTable, PrintsTheSameFiguresAgain) {
  const std::vector<std::string> arguments = {"--covariates", "age", "--cuts", "20,40,60,80",
                                              "--repeats",    "1",   "--json"};
  const Ran first = RunTable(arguments), second = RunTable(arguments);
  ASSERT_EQ(first.exit_status, 0) << first.err;
  EXPECT_EQ(first.out, second.out);
}

TEST_F(SmallTable, SaysWhichColumnIsNotThere) {
  const Ran ran = RunTable({"--covariates", "age,height"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_NE(ran.err.find("no column \"height\""), std::string::npos) << ran.err;
}

TEST_F(SmallTable, SaysFileLineAndValueOfABadNumber) {
  WriteText(scratch_ / "small.csv", "id,clinic,days,dead,age\n1,a,10,1,50\n2,a,12,1,5o\n");
  const Ran ran = RunTable({"--covariates", "age"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_NE(ran.err.find("small.csv:3: age: \"5o\""), std::string::npos) << ran.err;
}

TEST_F(SmallTable, SaysThatAFederationWantsThreeSites) {
  const Ran ran = RunTable({"--covariates", "age", "--min-patients", "13"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_NE(ran.err.find("0 sites have 13 patients or more"), std::string::npos) << ran.err;
}

TEST_F(SmallTable, WritesThePlanItPlayed) {
  const std::filesystem::path plan = scratch_ / "plan.toml";
  const Ran ran =
      RunTable({"--covariates", "age,weight, kg", "--cuts", "20,40,60,80", "--repeats", "0", "--write-plan", plan});
  EXPECT_EQ(ran.exit_status, 2) << "a comma inside a name separates columns";
  const Ran age = RunTable({"--covariates", "age", "--cuts", "20,40,60,80", "--repeats", "0", "--write-plan", plan});
  ASSERT_EQ(age.exit_status, 0) << age.err;
  EXPECT_NE(ReadText(plan).find("name = \"age\""), std::string::npos);
}

}  // namespace
}  // namespace fedtrial
