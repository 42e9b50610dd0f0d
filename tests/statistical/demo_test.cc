// The demo's federation on its site folders, in one process.
#include <algorithm>
#include <cmath>
#include <regex>

#include "gtest/gtest.h"
#include "model/params/model.h"
#include "proto/plan/layout.h"
#include "tests/statistical/program.h"

namespace fedtrial {
namespace {

using nlohmann::json;

class Demo : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch_ = new ScratchFolder;
    const Ran laid =
        RunProgram((SourceFolder() / "deploy/data/lay_out").string() + " " + (*scratch_ / "sites").string());
    ASSERT_EQ(laid.exit_status, 0) << laid.err;
  }
  static void TearDownTestSuite() {
    delete scratch_;
    scratch_ = nullptr;
  }
  static std::filesystem::path At(const std::string& name) { return *scratch_ / name; }
  static std::string PlanText() { return ReadText(SourceFolder() / "deploy/config/plan.toml"); }

  static Ran Run(const std::string& name, const std::string& plan, const std::vector<std::string>& more = {}) {
    WriteText(At(name + ".toml"), plan);
    std::vector<std::string> arguments = {
        "run", "--sites", At("sites"), "--plan", At(name + ".toml"), "--out", At(name + ".safetensors"), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunSim(arguments);
  }
  // The step of the network taken out: the linear model doesn't depend on it.
  static std::string WithoutNetwork(std::string plan) {
    const std::size_t step = plan.find("[[step]]\ntask = \"train\"\nblock = \"fusion\"");
    EXPECT_NE(step, std::string::npos);
    return step == std::string::npos ? plan : plan.erase(step, plan.find("[[step]]", step + 1) - step);
  }
  // Largest difference of the full model's coefficients and intercepts from the reference.
  static double Distance(const std::string& name) {
    const json wanted =
        json::parse(ReadText(SourceFolder() / "deploy/data/glioma_hospitals/reference.json"))["models"]["fedavg"];
    const std::string bytes = ReadText(At(name + ".safetensors"));
    const auto model = DecodeModel(AsBytes(bytes));
    EXPECT_TRUE(model.ok());
    if (!model.ok()) return INFINITY;
    double distance = 0.0;
    for (const auto& [tensor, key] :
         {std::pair(BetaName({}, "risk"), "beta"), {InterceptName({}, "risk"), "intercepts"}}) {
      const auto got = model->Find(tensor);
      EXPECT_TRUE(got.ok());
      if (!got.ok() || (*got)->size() != wanted[key].size()) return INFINITY;
      for (std::size_t j = 0; j < wanted[key].size(); ++j)
        distance = std::max(distance, std::abs((*got)->at(j) - wanted[key][j].get<double>()));
    }
    return distance;
  }

  static ScratchFolder* scratch_;
};
ScratchFolder* Demo::scratch_ = nullptr;

TEST_F(Demo, GivesTheReferenceCoefficientsInFloat64AndItsReport) {
  const Ran ran = Run("float64", PlanText());
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_LE(Distance("float64"), 1e-8);
  WriteText(At("run.json"), ran.out);

  const Ran compared = RunSim({"compare", "--model", At("float64.safetensors"), "--plan", At("float64.toml"), "--sites",
                               At("sites"), "--run", At("run.json"), "--out", At("report"), "--bootstrap", "400"});
  ASSERT_EQ(compared.exit_status, 0) << compared.err;
  EXPECT_NE(compared.out.find("molecular columns show no demonstrated gain"), std::string::npos) << compared.out;
  const json report = json::parse(ReadText(At("report") / "report.json"));
  const json& crossed = report["concordance"]["cross_validated"];
  const auto value = [](const json& figure) { return figure["value"].get<double>(); };
  EXPECT_NEAR(value(crossed["federated"]), value(crossed["pooled"]), 0.005);
  EXPECT_GE(value(crossed["federated"]), value(crossed["local_mean"]) + 0.04);
  EXPECT_NEAR(value(crossed["federated"]), 0.666, 0.001);
  EXPECT_NEAR(value(crossed["reduced"]["age_y,kps"]), 0.663, 0.001);
  EXPECT_NEAR(value(crossed["federated_within"]), 0.654, 0.001);
  EXPECT_NEAR(crossed["federated"]["low"].get<double>(), 0.632, 0.01);
  EXPECT_NEAR(crossed["federated"]["high"].get<double>(), 0.698, 0.01);
  EXPECT_NEAR(value(report["concordance"]["outside"]["federated"]), 0.736, 0.001);
  EXPECT_EQ(crossed["local"].size(), 11u);
  EXPECT_EQ(report["rounds"].size(), 68u) << "normalise, grid, and twice 30 of training and 3 of evaluation";
  const json& network = report["network"]["cross_validated"];
  EXPECT_GE(value(network["federated"]), value(network["pooled"]) - 0.01);
  EXPECT_GE(value(network["federated"]), value(network["linear"]) - 0.01);
  EXPECT_EQ(network["without"].size(), 4u);
  EXPECT_TRUE(report["network"].contains("outside"));
  EXPECT_NE(compared.out.find("The network adds"), std::string::npos) << "it says whether it adds to the linear model";
  EXPECT_EQ(report["rounds"][0]["included"].size(), 11u);
  EXPECT_EQ(report["upload_bytes"].size(), 11u);
  EXPECT_EQ(report["plan_sha256"].get<std::string>().size(), 64u);
  EXPECT_EQ(report["risk_groups"].size(), 3u);
  EXPECT_EQ(report["calibration"].size(), 3u);

  const std::string page = ReadText(At("report") / "report.html");
  EXPECT_FALSE(std::regex_search(page, std::regex("<(script|link|img|iframe)[^>]*(src|href)="))) << "loads something";
  EXPECT_NE(page.find("Chart.js v3"), std::string::npos);
}

TEST_F(Demo, StaysWithinFixedPointInFloat32And32BitWords) {
  std::string plan = Replaced(PlanText(), "precision = \"float64\"", "precision = \"float32\"");
  plan = WithoutNetwork(Replaced(plan, "word_bits = 64", "word_bits = 32"));
  const Ran ran = Run("float32", plan);
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_LE(Distance("float32"), 1e-5);
}

TEST_F(Demo, GoesOnWithoutASiteWhoseUploadIsLost) {
  std::string plan = Replaced(WithoutNetwork(PlanText()), "rounds = 30", "rounds = 3");
  plan = plan.substr(0, plan.find("\n[folds]"));
  const Ran ran = Run("faults", plan, {"--faults", "duke:4"});
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  const json run = ran.Json();
  std::vector<std::string> without;
  for (const json& round : run["rounds"]) {
    const auto names = round["included"].get<std::vector<std::string>>();
    if (std::find(names.begin(), names.end(), "duke") == names.end()) without.push_back(round["round"].dump());
  }
  EXPECT_EQ(without, std::vector<std::string>{"4"});
}

TEST_F(Demo, RefusesAFaultOfASiteThatTakesNoPart) {
  const Ran ran = Run("nofault", PlanText(), {"--faults", "unc:4"});
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_NE(ran.err.find("unc:4"), std::string::npos) << ran.err;
}

TEST_F(Demo, StartModelHasEveryCoefficientAtZero) {
  WriteText(At("plan.toml"), PlanText());
  ASSERT_EQ(RunSim({"start-model", "--plan", At("plan.toml"), "--out", At("start.safetensors")}).exit_status, 0);
  const std::string bytes = ReadText(At("start.safetensors"));
  const auto model = DecodeModel(AsBytes(bytes));
  ASSERT_TRUE(model.ok());
  std::size_t linear = 0;
  for (const auto& [name, tensor] : model->tensors) {
    if (!name.ends_with("risk/beta")) continue;
    ++linear;
    for (const double beta : tensor.ToDoubles()) EXPECT_EQ(beta, 0.0) << name;
  }
  EXPECT_EQ(linear, 51u) << "the full model and 10 x 5 replicas";
}

TEST_F(Demo, ComparesOnlyAModelOfThisPlan) {
  WriteText(At("plan.toml"), PlanText());
  ASSERT_EQ(RunSim({"start-model", "--plan", At("plan.toml"), "--out", At("start.safetensors")}).exit_status, 0);
  const Ran ran =
      RunSim({"compare", "--model", At("start.safetensors"), "--plan", At("plan.toml"), "--sites", At("sites")});
  EXPECT_NE(ran.exit_status, 0);
  EXPECT_NE(ran.err.find("constants/cuts.os"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace fedtrial
