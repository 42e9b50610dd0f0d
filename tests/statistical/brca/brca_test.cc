// Fed-TCGA-BRCA over the published seeds.
#include <algorithm>
#include <numeric>

#include "gtest/gtest.h"
#include "tests/statistical/program.h"
#include "tests/support/data_folders.h"

namespace fedtrial {
namespace {

using nlohmann::json;

TEST(FedTcgaBrca, ReachesTheBarOverFiveSeedsAndStaysWithPooled) {
  const auto data = SharedFolder() / "data/fed_tcga_brca";
  if (!exists(data)) GTEST_SKIP() << "fed_tcga_brca may not be shipped, and " << data << " isn't there";
  const ScratchFolder scratch;
  const auto sites = scratch / "sites";
  const Ran laid =
      RunProgram((SourceFolder() / "deploy/data/lay_out").string() + " --brca " + data.string() + " " + sites.string());
  ASSERT_EQ(laid.exit_status, 0) << laid.err;

  std::vector<double> federated, pooled;
  for (int seed = 42; seed <= 46; ++seed) {
    const auto plan = scratch / "plan.toml", model = scratch / "model.safetensors";
    WriteText(plan, Replaced(ReadText(SourceFolder() / "deploy/config/brca_plan.toml"), "seed = 42",
                             "seed = " + std::to_string(seed)));
    const Ran ran = RunSim({"run", "--sites", sites, "--plan", plan, "--out", model});
    ASSERT_EQ(ran.exit_status, 0) << ran.err;
    const Ran compared =
        RunSim({"compare", "--model", model, "--plan", plan, "--sites", sites, "--bootstrap", "0", "--json"});
    ASSERT_EQ(compared.exit_status, 0) << compared.err;
    const json concordance = compared.Json()["concordance"];
    federated.push_back(concordance["test"]["federated"]["value"].get<double>());
    pooled.push_back(concordance["test"]["pooled"]["value"].get<double>());
    EXPECT_EQ(concordance["test"]["federated"]["events"], 32);
    EXPECT_GT(concordance["cross_validated"]["federated"]["value"].get<double>(), 0.66);
  }
  const auto mean = [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  EXPECT_GE(mean(federated), 0.84);
  EXPECT_GE(*std::min_element(federated.begin(), federated.end()), 0.83);
  EXPECT_NEAR(mean(federated), mean(pooled), 0.01);
}

}  // namespace
}  // namespace fedtrial
