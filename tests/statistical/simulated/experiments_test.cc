// The multimodal network on simulated cohorts, three seeds of each effect: the short form of
// `tests/statistical/experiments`.
#include <cmath>
#include <gtest/gtest.h>

#include "tests/statistical/program.h"

namespace fedtrial {
namespace {

using nlohmann::json;

class Experiments : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch_ = new ScratchFolder;
    const Ran ran = RunProgram("FEDTRIAL_SIM='" FEDTRIAL_BINARY_DIR "/fedtrial-sim' '" +
                               (SourceFolder() / "tests/statistical/experiments").string() +
                               "' --seeds 3 --signals linear,slope,none --out '" + (*scratch_ / "out").string() + "'");
    ASSERT_EQ(ran.exit_status, 0) << ran.err;
    table_ = ran.out;
    summary_ = json::parse(ReadText(*scratch_ / "out/summary.json"));
  }
  static void TearDownTestSuite() {
    delete scratch_;
    scratch_ = nullptr;
  }
  static double C(const char* signal, const char* model) {
    return summary_["signals"][signal]["concordance"][model]["mean"].get<double>();
  }
  static double Minus(const char* signal, const char* model) {
    return summary_["signals"][signal]["federated_minus"][model]["mean"].get<double>();
  }

  static ScratchFolder* scratch_;
  static inline std::string table_;
  static inline json summary_;
};
ScratchFolder* Experiments::scratch_ = nullptr;

TEST_F(Experiments, TheFederatedNetworkIsAsGoodAsThePooledOneAndBetterThanSingleSites) {
  for (const char* signal : {"linear", "slope"}) {
    EXPECT_GE(Minus(signal, "pooled"), -0.02) << table_;
    EXPECT_GE(Minus(signal, "local_mean"), 0.03) << table_;
  }
  EXPECT_GE(Minus("linear", "local_mean"), 0.05) << table_;
}

TEST_F(Experiments, WhereTheTruthIsLinearTheNetworkKeepsUpWithTheLinearModel) {
  EXPECT_GE(Minus("linear", "linear"), -0.015) << table_;  // three seeds of the twenty that the goal of -0.01 is of
}

TEST_F(Experiments, WithoutASignalNothingIsFound) {
  EXPECT_NEAR(C("none", "truth"), 0.5, 1e-9) << "no risk is planted";
  EXPECT_NEAR(C("none", "federated"), 0.5, 0.04) << table_;
}

TEST_F(Experiments, PredictionsBeatKaplanMeierAndAreCalibratedWhereThereIsASignal) {
  const json& linear = summary_["signals"]["linear"];
  for (const char* of : {"federated", "recalibrated"})
    EXPECT_EQ(linear["brier_below_kaplan_meier"][of].get<double>(), 1.0) << table_;
  EXPECT_NEAR(linear["calibration_slope"]["recalibrated"]["mean"].get<double>(), 1.0, 0.3) << table_;
}

TEST_F(Experiments, AModalityThatSaysNothingCostsLittleWhenItIsMissing) {
  for (const auto& [modality, loss] : summary_["signals"]["none"]["without"].items())
    EXPECT_LE(loss.get<double>(), 0.02) << modality;
}

TEST_F(Experiments, ThePageLoadsNothingAndSaysThatPatientsAreSimulated) {
  const std::string page = ReadText(*scratch_ / "out/experiments.html");
  EXPECT_NE(page.find("Everything here is simulated"), std::string::npos);
  EXPECT_NE(page.find("Chart.js v3"), std::string::npos);
  EXPECT_EQ(page.find(" src="), std::string::npos);
}

}  // namespace
}  // namespace fedtrial
