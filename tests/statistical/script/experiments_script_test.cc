// tests/statistical/experiments with a stand-in for fedtrial-sim.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>

#include "tests/statistical/program.h"

namespace fedtrial {
namespace {

class ExperimentsScript : public ::testing::Test {
 protected:
  // `seed` is what the stand-in does for a seed, in bash.
  void WithSim(const std::string& seed) const {
    const auto sim = scratch_ / "sim";
    WriteText(sim, fmt::format("#!/bin/bash\n"
                               "case $1 in\n"
                               "  experiment) {} ;;\n"
                               "  experiment-summary) echo \"$(wc -l < $2) records\" ;;\n"
                               "esac\n",
                               seed));
    std::filesystem::permissions(sim, std::filesystem::perms::owner_all);
  }
  std::string Script() const {
    return fmt::format("FEDTRIAL_SIM='{}' '{}' --signals none --seeds 2 --jobs 1 --out '{}'",
                       (scratch_ / "sim").string(), (SourceFolder() / "tests/statistical/experiments").string(),
                       (scratch_ / "out").string());
  }
  const ScratchFolder scratch_;
};

TEST_F(ExperimentsScript, RunsEachSeedOnce) {
  WithSim("echo '{}'; echo ran >> " + (scratch_ / "ran").string());
  const Ran first = RunProgram(Script()), second = RunProgram(Script());
  EXPECT_EQ(first.exit_status, 0) << first.err;
  EXPECT_NE(first.out.find("2 records"), std::string::npos) << first.out;
  EXPECT_EQ(second.exit_status, 0) << second.err;
  EXPECT_EQ(ReadText(scratch_ / "ran"), "ran\nran\n");
}

TEST_F(ExperimentsScript, FailsWithWhatASeedThatFailedSaid) {
  WithSim("echo out of luck >&2; exit 1");
  const Ran ran = RunProgram(Script());
  EXPECT_NE(ran.exit_status, 0);
  EXPECT_NE(ran.err.find("experiments: none, seed 1: out of luck"), std::string::npos) << ran.err;
}

TEST_F(ExperimentsScript, EndsItsSeedsWhenItIsEnded) {
  const std::string fifo = (scratch_ / "fifo").string();
  WithSim("echo $$ > " + fifo + "; exec sleep 600");
  const Ran ran =
      RunProgram(fmt::format("(mkfifo {0}; {1} & read -r seed < {0}; kill $!; wait $!; status=$?; "
                             "timeout 60 tail --pid=$seed -f /dev/null && exit $status)",
                             fifo, Script()));
  EXPECT_EQ(ran.exit_status, 143) << ran.err;
}

}  // namespace
}  // namespace fedtrial
