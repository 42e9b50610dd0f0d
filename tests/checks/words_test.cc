#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>
#include <string>
#include <vector>

#include "tests/checks/source_tree.h"

namespace fedtrial::checks {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::ptrdiff_t kMostLines = 500;

// Published data, licences and known answers keep the form they came in.
bool IsOurText(const SourceFile& file) {
  return !LiesIn(file.path, "deploy/data/glioma_hospitals") && !LiesIn(file.path, "tests/vectors") &&
         file.path != "LICENSE" && file.text.find('\0') == std::string::npos;
}

std::vector<std::string> TooLong(const std::vector<SourceFile>& files) {
  std::vector<std::string> found;
  for (const SourceFile& file : files) {
    const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
    if (IsOurText(file) && lines > kMostLines)
      found.push_back(fmt::format("{}: {} lines, at most {}", file.path, lines, kMostLines));
  }
  return found;
}

// Paths of the machine a line was written on and hosts that packages come from; put together here so that this file
// does not hold them.
const std::regex& MachineWords() {
  static const std::regex words(std::string("(^|[^A-Za-z0-9_.$}-])/(wo") + "rk|ro" + "ot|ho" + "me)/" +
                                "|(deb|snapshot|security|ftp)\\.debian" + "\\.org|registry\\.npm" + "js|pyp" +
                                "i\\.org|/tmp/bri" + "ef");
  return words;
}

std::vector<std::string> WordsOfAMachine(const std::vector<SourceFile>& files) {
  std::vector<std::string> found;
  for (const SourceFile& file : files) {
    if (file.text.find('\0') != std::string::npos) continue;
    for (auto match = std::sregex_iterator(file.text.begin(), file.text.end(), MachineWords());
         match != std::sregex_iterator(); ++match) {
      const auto line = 1 + std::count(file.text.begin(), file.text.begin() + match->position(), '\n');
      found.push_back(fmt::format("{}:{}: names a place on one machine: '{}'", file.path, line, match->str()));
    }
  }
  return found;
}

TEST(Words, NoFileHasMoreThanFiveHundredLines) {
  const std::vector<std::string> found = TooLong(ReadTree(FEDTRIAL_SOURCE_DIR, {""}));
  EXPECT_THAT(found, IsEmpty()) << fmt::format("{}", fmt::join(found, "\n"));
}

TEST(Words, NoFileNamesAPathOrPackageHostOfAMachine) {
  const std::vector<std::string> found = WordsOfAMachine(ReadTree(FEDTRIAL_SOURCE_DIR, {""}));
  EXPECT_THAT(found, IsEmpty()) << fmt::format("{}", fmt::join(found, "\n"));
}

TEST(Words, APlantedPathAndALongFileAreFound) {
  const std::string place = std::string("/wo") + "rk/";
  EXPECT_THAT(WordsOfAMachine({{"a.md", "one\nsee " + place + "main\n"}, {"b.md", "build" + place + "x ~" + "\n"}}),
              ElementsAre("a.md:2: names a place on one machine: ' " + place + "'"));
  EXPECT_THAT(TooLong({{"a.cc", std::string(501, '\n')}, {"b.cc", std::string(500, '\n')}}),
              ElementsAre("a.cc: 501 lines, at most 500"));
}

}  // namespace
}  // namespace fedtrial::checks
