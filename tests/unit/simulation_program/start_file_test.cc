#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "model/params/network_shape.h"
#include "proto/plan/network.h"
#include "security/crypto/sha256.h"
#include "tests/simulation/program/play.h"
#include "tests/simulation/program/trial_files.h"
#include "tests/unit/proto/plan/sample_plan.h"

namespace fedtrial::sim {
namespace {

namespace fs = std::filesystem;

std::string PlanText(unsigned seed, const std::string& start, const std::string& training = "rounds = 2\n") {
  return SmallNetwork{.seed = seed, .network = start + "\n", .training = training}.Toml();
}

SiteCohort Site(const std::string& name, std::size_t patients) {
  SiteCohort site{name, {{"age"}, {}, {}}, {}};
  for (std::size_t i = 0; i < patients; ++i) {
    Sample sample;
    sample.key = name + std::to_string(i);
    sample.features = {50.0 + 3.0 * static_cast<double>(i % 7)};
    sample.time_days = 60.0 + 40.0 * static_cast<double>((i * 3) % 11);
    sample.event = i % 4 != 0;
    site.cohort.samples.push_back(std::move(sample));
  }
  site.summary.patients = patients;
  for (const char* block : {"clinical", "fusion", "survival", "feature_age"})
    site.summary.patients_per_block[block] = patients;
  site.summary.digest[0] = static_cast<std::uint8_t>(patients);
  return site;
}

class StartFile : public testing::Test {
 protected:
  StartFile() {
    std::string name = (fs::temp_directory_path() / "fedtrial-start-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~StartFile() override { fs::remove_all(folder_); }

  Result<Played> Run(const std::string& toml) {
    EXPECT_TRUE(WriteTextFile(folder_ / "plan.toml", toml).ok());
    ASSIGN_OR_RETURN(const TrialFiles files, ReadPlanFile(folder_ / "plan.toml"));
    PlayOptions options;
    options.start = files.start;
    return Play(files.plan_toml, files.plan, sites_, options);
  }
  std::string StartEntry() const {
    const std::string bytes = ReadTextFile(folder_ / "former.safetensors").value();
    return fmt::format("start = {{ file = \"former.safetensors\", sha256 = \"{}\" }}", ToHex(Sha256(AsBytes(bytes))));
  }

  fs::path folder_;
  const std::vector<SiteCohort> sites_ = {Site("a", 12), Site("b", 9), Site("c", 15)};
};

TEST_F(StartFile, ATrialBeginsWithExactlyTheBitsOfAFormerTrialsModel) {
  const auto former = Run(PlanText(3, ""));
  ASSERT_TRUE(former.ok()) << former.error().message;
  ASSERT_TRUE(WriteModelFile(former->model, folder_ / "former.safetensors").ok());
  const std::string toml = PlanText(4, StartEntry(), "");
  const auto next = Run(toml);
  ASSERT_TRUE(next.ok()) << next.error().message;
  const auto fresh = Run(PlanText(4, "", ""));
  ASSERT_TRUE(fresh.ok()) << fresh.error().message;
  const auto plan = ParsePlan(toml, "plan.toml");
  const auto tensors = NetworkTensors(NetworkOf(*plan, {}).value(), plan->precision).value();
  bool other = false;
  for (const NetworkTensor& tensor : tensors) {
    EXPECT_EQ(next->model.tensors.at(tensor.spec.name), former->model.tensors.at(tensor.spec.name)) << tensor.spec.name;
    other = other || !(fresh->model.tensors.at(tensor.spec.name) == former->model.tensors.at(tensor.spec.name));
  }
  EXPECT_TRUE(other) << "without the file it starts elsewhere";
}

TEST_F(StartFile, ThatIsNotThePlansIsRefusedBeforeTheFirstRound) {
  const auto plan = [this] { return PlanText(4, StartEntry()); };
  ASSERT_TRUE(WriteTextFile(folder_ / "former.safetensors", "no model").ok());
  const auto no_model = Run(plan());
  ASSERT_FALSE(no_model.ok());
  EXPECT_NE(no_model.error().message.find("start file former.safetensors"), std::string::npos)
      << no_model.error().message;
  const std::string wanted = plan();
  ASSERT_TRUE(WriteTextFile(folder_ / "former.safetensors", "another").ok());
  const auto changed = Run(wanted);
  ASSERT_FALSE(changed.ok());
  EXPECT_NE(changed.error().message.find("its SHA-256 is"), std::string::npos) << changed.error().message;
  fs::remove(folder_ / "former.safetensors");
  EXPECT_FALSE(Run(wanted).ok());
}

}  // namespace
}  // namespace fedtrial::sim
