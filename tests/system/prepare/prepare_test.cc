#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>

#include "tests/system/process.h"

namespace fedtrial::system_test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kAtlas = "/usr/share/mricron/templates/ch2.nii.gz";
constexpr std::chrono::seconds kLong(1800);

// A site folder of simulated patients whose first two visits are raw scans; the others hold prepared volumes.
class Prepare : public testing::Test {
 protected:
  // A folder with this many raw visits.
  void Make(const std::string& raw_visits) const {
    Arguments command{Program("fedtrial-sim"),
                      "cohort",
                      "--out",
                      Path("cohort"),
                      "--patients",
                      "4",
                      "--sites",
                      "2",
                      "--volume",
                      "32",
                      "--raw-visits",
                      raw_visits};
    if (raw_visits != "0") command.insert(command.end(), {"--raw-sites", "site_01"});
    const Ran made = RunToEnd(command, kLong);
    ASSERT_EQ(made.status, 0) << made.err;
    const std::string plan =
        ReadText(std::filesystem::path(FEDTRIAL_SOURCE_DIR) / "deploy/config/glioma_mri_plan.toml");
    WriteText(Path("plan.toml"), std::regex_replace(plan, std::regex("\nvoxels = \\d+"), "\nvoxels = 32"));
    const Ran init = RunToEnd({Program("fedtrial-site"), "init", "--state", Path("state"), "--name", "site_01",
                               "--data", Path("cohort/site_01")});
    ASSERT_EQ(init.status, 0) << init.err;
  }
  void SetUp() override { ASSERT_TRUE(std::filesystem::exists(kAtlas)) << "deploy/setup installs the head template"; }
  std::string Path(const std::string& name) const { return (folder_.path() / name).string(); }
  static std::string Program(const std::string& name) { return (ProgramFolder() / name).string(); }
  Arguments Command(const Arguments& more = {}) const {
    Arguments command{Program("fedtrial-site"), "prepare", "--state", Path("state"), "--plan", Path("plan.toml")};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  std::size_t Files(const std::string& below, const std::string& ending) const {
    std::size_t count = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path(below), error))
      count += entry.path().string().ends_with(ending);
    return count;
  }
  // Sealed volumes and baselines, by name, with their bytes' number.
  std::map<std::string, std::uintmax_t> Sealed() const {
    std::map<std::string, std::uintmax_t> sealed;
    for (const auto& entry : std::filesystem::directory_iterator(Path("state/cache")))
      if (entry.path().filename().string().size() == 64) sealed[entry.path().filename()] = entry.file_size();
    return sealed;
  }

  ScratchFolder folder_;
};

TEST_F(Prepare, RawScansBecomeSealedVolumesWhateverStopsIt) {
  ASSERT_NO_FATAL_FAILURE(Make("2"));
  // Ctrl-C, and a kill, while the first raw visit is in the chain.
  for (const int signal : {SIGINT, SIGKILL}) {
    Process running(Command(), {.out = Path("out"), .err = Path("err"), .folder = {}, .environment = {}});
    ASSERT_TRUE(Eventually([&] { return !ChildrenOf(running.pid()).empty(); }));
    const auto worker = ChildrenOf(running.pid()).front();
    running.SignalGroup(signal);
    const auto status = running.Wait();
    ASSERT_TRUE(status.has_value());
    EXPECT_EQ(*status, signal == SIGINT ? 3 : 128 + SIGKILL) << ReadText(Path("err"));
    EXPECT_TRUE(Eventually([&] { return kill(worker, 0) != 0; }));
  }
  EXPECT_THAT(ReadText(Path("err")), HasSubstr("the same command goes on"));

  const Ran whole = RunToEnd(Command({"--json"}), kLong);
  ASSERT_EQ(whole.status, 0) << whole.out << whole.err;
  const nlohmann::json told = whole.Json();
  EXPECT_EQ(told["failed"], 0) << whole.out;
  EXPECT_GE(told["prepared"].get<std::size_t>(), 2u);
  EXPECT_EQ(Files("state/prepared", "visit.png"), 2u);  // of the raw visits
  EXPECT_EQ(Files("state/prepared", "visit.json"), told["visits"].get<std::size_t>());
  EXPECT_EQ(Files("state/cache", ".fedtrial-tmp."), 0u);
  EXPECT_EQ(std::filesystem::status(Path("state/keys/cache.key")).permissions(), std::filesystem::perms(0600));

  const auto sealed = Sealed();
  const Ran again = RunToEnd(Command());
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr(" 0 prepared, "));
  EXPECT_EQ(Sealed(), sealed);

  const Ran check =
      RunToEnd({Program("fedtrial-site"), "check", "--state", Path("state"), "--plan", Path("plan.toml"), "--json"});
  const nlohmann::json json = check.Json();
  EXPECT_GE(json["patients_per_block"]["mri"].get<std::size_t>(), 1u) << check.out;
  EXPECT_EQ(check.out.find("aren't prepared"), std::string::npos);

  // A changed byte is found, and that file alone made again.
  const auto file = std::filesystem::path(Path("state/cache")) / sealed.begin()->first;
  std::string bytes = ReadText(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  WriteText(file, bytes);
  const Ran mended = RunToEnd(Command(), kLong);
  EXPECT_EQ(mended.status, 0) << mended.out << mended.err;
  EXPECT_THAT(mended.out, testing::Not(HasSubstr(" 0 prepared, ")));
  EXPECT_EQ(Sealed(), sealed);
}

TEST_F(Prepare, APatientWithoutScansAndAPlanWithoutImagesAreWrongUse) {
  ASSERT_NO_FATAL_FAILURE(Make("0"));
  const Ran nobody = RunToEnd(Command({"nobody"}));
  EXPECT_EQ(nobody.status, 2);
  EXPECT_THAT(nobody.err, HasSubstr("no scans of sub-nobody"));
  std::filesystem::copy_file(std::filesystem::path(FEDTRIAL_SOURCE_DIR) / "deploy/config/plan.toml",
                             Path("other.toml"));
  const Ran other =
      RunToEnd({Program("fedtrial-site"), "prepare", "--state", Path("state"), "--plan", Path("other.toml")});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.err, HasSubstr("the plan reads no scans"));
}

}  // namespace
}  // namespace fedtrial::system_test
