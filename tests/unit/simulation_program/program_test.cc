#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/simulation/program/closing_table.h"
#include "tests/simulation/program/model_card.h"
#include "tests/simulation/program/patients.h"
#include "tests/simulation/program/report_page.h"
#include "tests/simulation/program/scoreboard.h"
#include "tests/simulation/program/table_plan.h"

namespace fedtrial::sim {
namespace {

class CsvFile : public ::testing::Test {
 protected:
  CsvFile() {
    std::string name = (std::filesystem::temp_directory_path() / "fedtrial-csv-XXXXXX").string();
    folder_ = mkdtemp(name.data()) == nullptr ? "" : name;
  }
  ~CsvFile() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path Write(const std::string& text, const std::string& name = "table.csv") const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  CsvColumns Columns(std::vector<std::string> covariates, std::size_t min_patients = 1) const {
    return {"site", "id", "time", "event", std::move(covariates), {}, min_patients};
  }
  std::filesystem::path folder_;
};

TEST_F(CsvFile, IsReadWithQuotesCarriageReturnsAndAByteOrderMark) {
  const auto rows =
      ReadCsv(Write("\xef\xbb\xbf"
                    "a,\"b, c\"\r\n1,\"two \"\"lines\"\"\nhere\"\r\n\r\n3,\r\n4,x"));
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  ASSERT_EQ(rows->size(), 4u);
  EXPECT_EQ((*rows)[0].fields, (std::vector<std::string>{"a", "b, c"}));
  EXPECT_EQ((*rows)[1].fields[1], "two \"lines\"\nhere");
  EXPECT_EQ((*rows)[2].fields, (std::vector<std::string>{"3", ""}));
  EXPECT_EQ((*rows)[3].line, 6u) << "a field with a line end and an empty line count";
}

TEST_F(CsvFile, IsRefusedWhenAQuotationMarkIsOpenOrARowIsShort) {
  EXPECT_NE(ReadCsv(Write("a,b\n1,\"x\n")).error().message.find("isn't closed"), std::string::npos);
  EXPECT_NE(ReadCsv(Write("a,b\n1,2\n3\n")).error().message.find("table.csv:3: 1 fields, the header has 2"),
            std::string::npos);
  EXPECT_EQ(ReadCsv(folder_ / "absent.csv").error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(ReadCsv(folder_).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(ReadCsv(Write("")).error().code, ErrorCode::kInvalidInput);
}

TEST_F(CsvFile, HasMissingValuesAsNaNAndSitesInTheOrderOfTheirNumbers) {
  const auto patients = ReadCsvPatients(
      Write("id,site,time,event,age\n1,10,5,1,\n2,9,6,0,61.5\n3,,7,1,50\n4,9,8,1,40\n"), Columns({"age"}, 2));
  ASSERT_TRUE(patients.ok()) << patients.error().message;
  EXPECT_EQ(patients->sites, (std::vector<std::string>{"9", "10"}));
  EXPECT_EQ(patients->size(), 3u) << "a patient without a site is left out";
  EXPECT_TRUE(std::isnan(patients->raw(0, 0)));
  EXPECT_EQ(patients->raw(1, 0), 61.5);
  EXPECT_EQ(patients->inside, (std::vector<bool>{false, true, true}));
}

TEST_F(CsvFile, IsRefusedForOutcomesAndValuesThatCannotBe) {
  const auto message = [&](const std::string& row) {
    const auto patients = ReadCsvPatients(Write("id,site,time,event,age\n" + row + "\n"), Columns({"age"}));
    return patients.ok() ? std::string() : patients.error().message;
  };
  EXPECT_EQ(message("1,a,0,1,5"), "");
  for (const char* time : {"-1", "nan", "inf", "", "1e999", "5d"})
    EXPECT_NE(message("1,a," + std::string(time) + ",1,5").find("time: "), std::string::npos) << time;
  for (const char* event : {"2", "", "yes", "0.5"})
    EXPECT_NE(message("1,a,3," + std::string(event) + ",5").find("event: "), std::string::npos) << event;
  for (const char* age : {"inf", "nan", "x"})
    EXPECT_NE(message("1,a,3,1," + std::string(age)).find("age: "), std::string::npos) << age;
  EXPECT_NE(message("1,a,3,1,5\n1,a,3,1,5").find("table.csv:3: patient 1 a second time"), std::string::npos);
}

TEST_F(CsvFile, OfFoldsHasAFoldForEveryPatientWhoTrains) {
  CsvColumns columns = Columns({"age"});
  columns.folds = Write("patient,site,repeat1\n1,a,1\n", "folds.csv");
  const auto table = Write("id,site,time,event,age\n1,a,5,1,50\n2,a,6,0,60\n");
  EXPECT_NE(ReadCsvPatients(table, columns).error().message.find("patient 2 has no fold"), std::string::npos);
  Write("patient,site,repeat1\n1,a,0\n2,a,1\n", "folds.csv");
  EXPECT_NE(ReadCsvPatients(table, columns).error().message.find("folds.csv:2: repeat1: \"0\""), std::string::npos);
}

// Four patients of two sites, the older the earlier.
Patients FourPatients() {
  Patients patients;
  patients.covariates = {"age"};
  patients.sites = {"a", "b"};
  patients.ids = {"1", "2", "3", "4"};
  patients.site = {0, 0, 1, 1};
  patients.raw = Matrix(4, 1);
  patients.raw.values = {80, 70, 60, 50};
  patients.outcomes = {{100, true}, {200, true}, {300, true}, {400, false}};
  patients.folds.resize(4);
  patients.test.assign(4, false);
  patients.inside.assign(4, true);
  return patients;
}

TEST(Scoreboard, CountsPairsOfOneTestSetAcrossSites) {
  const Patients patients = FourPatients();
  Scoreboard board(patients, 0, 1);
  const std::vector<double> right = {4, 3, 2, 1}, wrong = {1, 2, 3, 4}, tied = {0, 0, 0, 0};
  ASSERT_TRUE(board.AddRepeat({{{0, 1, 2, 3}, {{"federated", right}, {"pooled", wrong}, {"cox", tied}}}}, 1.0).ok());
  const auto figures = board.Finish();
  ASSERT_TRUE(figures.ok());
  EXPECT_EQ(figures->of.at("federated").value, 1.0);
  EXPECT_EQ(figures->of.at("pooled").value, 0.0);
  EXPECT_EQ(figures->of.at("cox").value, 0.5);
  EXPECT_EQ(figures->gain.at("pooled").value, 1.0);
  EXPECT_EQ(figures->pairs, 6.0);
  EXPECT_EQ(figures->of.at("federated").events, 3u);
}

TEST(Scoreboard, AveragesRepeatsAndTheSitesOwnModels) {
  const Patients patients = FourPatients();
  Scoreboard board(patients, 50, 1);
  const std::vector<double> right = {4, 3, 2, 1}, half = {4, 1, 2, 3};
  const Scores scores = {{"federated", right}, {"local/a", right}, {"local/b", half}};
  ASSERT_TRUE(board.AddRepeat({{{0, 1}, scores}, {{2, 3}, scores}}, 0.5).ok());
  ASSERT_TRUE(board.AddRepeat({{{0, 1, 2, 3}, scores}}, 0.5).ok());
  const auto figures = board.Finish();
  ASSERT_TRUE(figures.ok());
  EXPECT_DOUBLE_EQ(figures->of.at("local/b").value, (0.5 + 0.5) / 2) << "1 of 2 pairs, then 3 of 6";
  EXPECT_DOUBLE_EQ(figures->local_mean.value, 0.75);
  EXPECT_EQ(figures->pairs, 4.0);
  ASSERT_TRUE(figures->of.at("federated").interval.has_value());
  EXPECT_EQ(figures->of.at("federated").interval->low, 1.0) << "always right, in every resample";
}

TEST(Scoreboard, RefusesATestSetWithoutAPair) {
  const Patients patients = FourPatients();
  Scoreboard board(patients, 0, 1);
  EXPECT_EQ(board.AddRepeat({{{3}, {{"federated", {1, 2, 3, 4}}}}}, 1.0).error().code, ErrorCode::kInvalidInput);
  EXPECT_FALSE(board.Finish().ok());
}

TEST(TablePlan, IsAPlanWhateverTheColumnsAreCalled) {
  Patients patients = FourPatients();
  patients.covariates = {"weight, \"kg\" \\ day", "weight, 'kg' / day", "empty"};
  patients.sites = {"a", "b", "c"};
  patients.site = {0, 1, 2, 2};
  patients.raw = Matrix(4, 3);
  for (std::size_t i = 0; i < 4; ++i) {
    patients.raw(i, 0) = static_cast<double>(i);
    patients.raw(i, 1) = 5.0;
    patients.raw(i, 2) = NAN;
  }
  const auto text = PlanOfTable(patients, {});
  ASSERT_TRUE(text.ok()) << text.error().message;
  const auto plan = ParsePlan(*text, "plan");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->features[0].from, "participants.weight, \"kg\" \\ day");
  EXPECT_NE(plan->features[0].name, plan->features[1].name);
  EXPECT_EQ(plan->features[0].low, 0.0);
  EXPECT_EQ(plan->features[0].high, 3.0);
  EXPECT_LT(plan->features[1].low, 5.0) << "a constant column has a range too";
  EXPECT_EQ(plan->precision, ScalarType::kFloat64);
  EXPECT_EQ(plan->encoding.train_word_bits, 64u);
}

TEST(ReportPage, HoldsItsDataWithoutLettingItEndTheScript) {
  const std::string page = ReportPage({{"title", "</script><script>alert(1)</script>"}});
  EXPECT_EQ(page.find("</script><script>alert"), std::string::npos);
  EXPECT_NE(page.find("\\u003c/script>"), std::string::npos);
  for (const char* mark : {"/*CHART_JS*/", "/*REPORT_JS*/", "/*REPORT_JSON*/"})
    EXPECT_EQ(page.find(mark), std::string::npos) << mark;
}

TEST(ClosingTable, LeavesOutWhatIsNotThere) {
  EXPECT_EQ(ClosingTable(nlohmann::json::object()), "");
  const std::string text = ClosingTable(
      {{"concordance",
        {{"outside", {{"federated", {{"value", 0.7}, {"low", nullptr}, {"high", nullptr}, {"events", 9}}}}}}},
       {"upload_bytes", {{"duke", {{"sent", 200}, {"plain_float32", 0}}}}},
       {"rounds", {{{"seconds", nullptr}}}}});
  EXPECT_NE(text.find("0.700"), std::string::npos);
  EXPECT_EQ(text.find("["), text.find("[95 %]")) << "no interval without bootstrap";
  EXPECT_EQ(text.find("cross-validated"), std::string::npos);
  EXPECT_EQ(text.find("s a round"), std::string::npos);
}

TEST(ModelCard, SaysWhatTheReportSaysAndWhatAPersonMustWrite) {
  const nlohmann::json report = {
      {"title", "A trial"},
      {"trial", "t"},
      {"plan_sha256", "ab"},
      {"patients", 12},
      {"rounds", {1, 2, 3}},
      {"modalities", {{"site_01", {{"patients", 7}, {"have", {{"mri", 4}}}}}}},
      {"network", {{"outside", {{"federated", {{"value", 0.7}, {"low", 0.6}, {"high", 0.8}}}}}}},
      {"calibration", {{{"week", 52.0}, {"groups", {{{"predicted", 0.5}, {"observed", 0.4}}}}}}},
      {"remarks", {"The network adds nothing demonstrable."}}};
  const std::string card = ModelCard(report);
  EXPECT_NE(card.find("plan SHA-256 `ab`, 3 rounds"), std::string::npos);
  EXPECT_NE(card.find("| network | hospitals outside | 0.700 [0.600, 0.800] | - | - |"), std::string::npos) << card;
  EXPECT_NE(card.find("| site_01 | 7 | 4 |"), std::string::npos);
  EXPECT_NE(card.find("predicted and observed 0.100"), std::string::npos);
  EXPECT_NE(card.find("- The network adds nothing demonstrable."), std::string::npos);
  EXPECT_NE(card.find("_to be written_"), std::string::npos);
}

}  // namespace
}  // namespace fedtrial::sim
