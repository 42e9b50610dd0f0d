#include "proto/plan/toml_reader.h"

#include <gtest/gtest.h>

namespace fedtrial {
namespace {

using namespace std::chrono_literals;

TomlReader Read(const std::string& text) {
  auto reader = TomlReader::Parse(text, "site.toml");
  EXPECT_TRUE(reader.ok()) << reader.error().message;
  return std::move(reader).value();
}

TEST(TomlReader, GivesWhatIsThereAndTheFallbackForWhatIsNot) {
  TomlReader reader =
      Read("port = 7443\nrate = 2\nname = \"a\"\non = true\nwait = \"90s\"\nwords = [\"x\", \"y\"]\nlevel = \"warn\"");
  TomlTable root = reader.root();
  EXPECT_EQ(root.Unsigned("port", {1, 65535}), 7443u);
  EXPECT_EQ(root.Unsigned("other_port", {1, 65535}, 443), 443u);
  EXPECT_EQ(root.Number("rate", {0.0, 10.0}), 2.0);
  EXPECT_EQ(root.Text("name"), "a");
  EXPECT_EQ(root.Text("title", "none"), "none");
  EXPECT_TRUE(root.Flag("on"));
  EXPECT_FALSE(root.Flag("off", false));
  EXPECT_EQ(root.Time("wait", {1s, 1h}), 90s);
  EXPECT_EQ(root.Texts("words"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(root.Choice("level", {"debug", "warn"}), 1u);
  EXPECT_TRUE(root.Numbers("cuts", false).empty());
  EXPECT_FALSE(root.Table("tls", false).present());
  EXPECT_TRUE(reader.Finish().ok());
}

TEST(TomlReader, TellsEveryProblemInTheOrderOfTheFile) {
  TomlReader reader = Read("[b]\nport = 70000\nhost = 3\n\n[a]\ncolour = \"red\"\nlate = \"5\"\n");
  TomlTable a = reader.root().Table("a");
  a.Time("late", {1s, 1h});
  a.Text("name");
  TomlTable b = reader.root().Table("b");
  b.Text("host");
  b.Unsigned("port", {1, 65535});
  b.Report("port", "is taken");
  const Status status = reader.Finish();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message,
            "site.toml:2:8: b.port: got 70000, wanted a whole number from 1 to 65535\n"
            "site.toml:2:8: b.port: is taken\n"
            "site.toml:3:8: b.host: got 3, wanted a text in quotes\n"
            "site.toml:5:1: a.name: is missing, wanted a text in quotes\n"
            "site.toml:6:1: a.colour: unknown key, known here are late, name\n"
            "site.toml:7:8: a.late: got \"5\", wanted a time from \"1s\" to \"1h\" in ms, s, m, h or d");
}

TEST(TomlReader, AnAbsentTableAsksForNothingMore) {
  TomlReader reader = Read("");
  TomlTable missing = reader.root().Table("server");
  missing.Text("host");
  missing.Table("tls").Text("key");
  missing.Report("host", "never told");
  EXPECT_EQ(reader.Finish().error().message, "site.toml:1:1: server: is missing, wanted a table");
}

TEST(TomlReader, AnUnknownTableIsOneProblem) {
  TomlReader reader = Read("[extra]\na = 1\nb = 2\n");
  reader.root();
  EXPECT_EQ(reader.Finish().error().message, "site.toml:1:2: extra: unknown key, known here are ");
}

TEST(TomlReader, TablesInAListAreNumberedFromOne) {
  TomlReader reader = Read("[[step]]\ntask = \"a\"\n[[step]]\ntask = 2\n");
  std::vector<TomlTable> steps = reader.root().Tables("step");
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].Text("task"), "a");
  steps[1].Text("task");
  EXPECT_EQ(reader.Finish().error().message, "site.toml:4:8: step[2].task: got 2, wanted a text in quotes");
}

TEST(TomlReader, AValueOfTheWrongKindIsRefused) {
  for (const char* text : {"x = 1.5", "x = -1", "x = true", "x = [1]", "x = {}", "x = 1979-05-27", "x = \"1\""}) {
    TomlReader reader = Read(text);
    reader.root().Unsigned("x", {0, 10});
    EXPECT_FALSE(reader.Finish().ok()) << text;
  }
  for (const char* text : {"x = nan", "x = inf", "x = -inf", "x = 10.5", "x = \"1\""}) {
    TomlReader reader = Read(text);
    reader.root().Number("x", {0.0, 10.0});
    EXPECT_FALSE(reader.Finish().ok()) << text;
  }
  TomlReader reader = Read("[x]\n");
  reader.root().Tables("x");
  EXPECT_FALSE(reader.Finish().ok());
}

TEST(TomlReader, WhatIsNotTomlIsRefusedWithItsLine) {
  for (const char* text : {"a = ", "= 1", "[a\n", "a = 1\na = 2", "a = \"\xff\"", "\x01"}) {
    const auto reader = TomlReader::Parse(text, "site.toml");
    ASSERT_FALSE(reader.ok()) << text;
    EXPECT_EQ(reader.error().code, ErrorCode::kInvalidInput);
    EXPECT_EQ(reader.error().message.rfind("site.toml:", 0), 0u) << reader.error().message;
  }
  EXPECT_FALSE(TomlReader::Parse(std::string(100'000, '['), "site.toml").ok());
  EXPECT_FALSE(TomlReader::Parse("a = " + std::string(100'000, '['), "site.toml").ok());
}

TEST(Durations, AreAWholeNumberAndAUnit) {
  EXPECT_EQ(ParseDuration("250ms").value(), 250ms);
  EXPECT_EQ(ParseDuration("60s").value(), 60s);
  EXPECT_EQ(ParseDuration("10m").value(), 10min);
  EXPECT_EQ(ParseDuration("1h").value(), 1h);
  EXPECT_EQ(ParseDuration("2d").value(), 48h);
  for (const char* bad :
       {"", "s", "10", "1.5h", "-1s", "1 h", "1h ", "99999999999999999999s", "9223372036854775807d", "3661d"})
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  for (const char* text : {"0s", "250ms", "90s", "10m", "1h", "2d"})
    EXPECT_EQ(FormatDuration(ParseDuration(text).value()), text);
}

}  // namespace
}  // namespace fedtrial
