#include <cstdlib>
#include <gtest/gtest.h>

#include "tests/system/federation_fixture.h"

namespace fedtrial::system_test {
namespace {

// The first fenced block of shell after a heading; "" if there is none.
std::string BlockAfter(const std::string& text, const std::string& heading) {
  const std::size_t at = text.find("\n## " + heading + "\n");
  if (at == std::string::npos) return "";
  const std::size_t next = text.find("\n## ", at + 4);
  const std::size_t open = text.find("\n```sh\n", at);
  if (open == std::string::npos || open > next) return "";
  const std::size_t begin = open + 7;
  const std::size_t end = text.find("\n```\n", begin);
  return end == std::string::npos ? "" : text.substr(begin, end + 1 - begin);
}

TEST(Readme, ItsCommandsForACoordinatorAndThreeSitesRunAsTheyStand) {
  const std::string commands = BlockAfter(ReadText(FEDTRIAL_SOURCE_DIR "/README.md"), "Your own trial");
  ASSERT_NE(commands, "") << "README.md has no block of commands under \"Your own trial\"";

  const ScratchFolder folder;
  TrialOptions options;
  options.patients = {14, 17, 20};
  WriteText(folder.path() / "plan.toml", PlanText(options));
  for (unsigned i = 0; i < 3; ++i) WriteSiteTables(folder.path() / "data" / SiteName(i), i, options.patients[i]);
  WriteText(folder.path() / "commands.sh", commands);

  StartOptions start;
  start.folder = folder.path();
  start.out = start.err = folder.path() / "output";
  start.environment["PATH"] = ProgramFolder().string() + ":" + std::getenv("PATH");
  Process bash({"bash", "-euo", "pipefail", "commands.sh"}, start);
  EXPECT_EQ(bash.Wait(std::chrono::seconds(400)), 0)
      << ReadText(start.out) << ReadText(folder.path() / "coordinator.log");
  bash.KillGroup();

  const Ran status = RunToEnd(
      {ProgramFolder() / "fedtrial-coordinator", "status", "--json", "--state", folder.path() / "coordinator"});
  ASSERT_TRUE(status.Json().is_object()) << status.err;
  EXPECT_EQ(status.Json().value("state", ""), "finished");
  EXPECT_TRUE(RunToEnd({"sha256sum", folder.path() / "model.safetensors"})
                  .out.starts_with(status.Json().value("model", "none")));
}

}  // namespace
}  // namespace fedtrial::system_test
