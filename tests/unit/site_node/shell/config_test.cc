#include "site_node/shell/config.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace fedtrial::site {
namespace {

TEST(SiteConfig, TheSampleThatInitWritesIsReadBack) {
  const auto config = ParseSiteConfig(SampleSiteConfig("emory", "/srv/data"), "/srv/state/site.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->name, "emory");
  EXPECT_EQ(config->data_folder, "/srv/data");
  EXPECT_EQ(config->device, "cpu");
  EXPECT_EQ(config->threads, 1u);
  EXPECT_EQ(config->worker_idle_seconds, 300u);
  EXPECT_EQ(config->page_port, 0);
}

TEST(SiteConfig, AllProblemsAreSaidAtOnceWithFileLineAndKey) {
  const auto config = ParseSiteConfig(
      "[site]\nname = \"a b\"\ndata = 3\n[worker]\ndevice = \"gpu\"\nthreads = 0\ncolour = \"red\"\n", "site.toml");
  ASSERT_FALSE(config.ok());
  const std::string& message = config.error().message;
  EXPECT_EQ(config.error().code, ErrorCode::kInvalidInput);
  for (const char* wanted :
       {"site.toml:2", "site.name", "site.toml:3", "site.data", "site.toml:5", "worker.device",
        "wanted cpu, cuda or cuda:N", "site.toml:6", "worker.threads", "site.toml:7", "worker.colour"})
    EXPECT_NE(message.find(wanted), std::string::npos) << wanted << " in:\n" << message;
}

TEST(SiteConfig, ARelativeDataFolderIsBesideTheFile) {
  const auto config = ParseSiteConfig("[site]\nname = \"a\"\ndata = \"tables\"\n", "/srv/state/site.toml");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->data_folder, "/srv/state/tables");
}

TEST(SiteConfig, AnArchiveIsReadWhereThereIsOne) {
  const std::string site = "[site]\nname = \"a\"\ndata = \"d\"\n";
  EXPECT_FALSE(ParseSiteConfig(site, "site.toml")->archive.has_value());
  const auto config = ParseSiteConfig(
      site + "[archive]\nhost = \"pacs\"\ncalled = \"PACS 1\"\nown = \"US\"\npatients = \"patients.tsv\"\n",
      "/srv/state/site.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->archive->host, "pacs");
  EXPECT_EQ(config->archive->port, 104);
  EXPECT_EQ(config->archive->called, "PACS 1");
  EXPECT_EQ(config->archive->own, "US");
  EXPECT_EQ(config->archive->timeout_seconds, 30u);
  EXPECT_EQ(config->archive->patient_key, "/srv/state/patients.tsv");
}

TEST(SiteConfig, AnArchivesEntriesHaveBounds) {
  const auto config = ParseSiteConfig(
      "[site]\nname = \"a\"\ndata = \"d\"\n[archive]\nhost = \"pacs:104\"\nport = 0\n"
      "called = \"LONGER THAN SIXTEEN\"\nown = \"A\\\\B\"\ntimeout = \"1s\"\n",
      "site.toml");
  ASSERT_FALSE(config.ok());
  for (const char* wanted : {"archive.host", "archive.port", "archive.called", "archive.own", "archive.timeout",
                             "archive.patients", "wanted 1 to 16 characters"})
    EXPECT_NE(config.error().message.find(wanted), std::string::npos) << wanted << " in:\n" << config.error().message;
}

TEST(SiteConfig, TheSamplesArchiveIsReadOnceItIsNoRemark) {
  std::string sample = SampleSiteConfig("emory", "/srv/data");
  const std::size_t archive = sample.find("# [archive]");
  ASSERT_NE(archive, std::string::npos);
  for (std::size_t line = archive; line < sample.size(); line = sample.find('\n', line) + 1) sample.erase(line, 2);
  const auto config = ParseSiteConfig(sample, "/srv/state/site.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  ASSERT_TRUE(config->archive.has_value());
  EXPECT_EQ(config->archive->called, "PACS");
}

TEST(SiteConfig, TheWorkerIsToldOfDataAndDeviceAndNothingElse) {
  const auto config = ParseSiteConfig(
      "[site]\nname = \"a\"\ndata = \"/d\"\n[columns]\n\"participants.kps\" = \"participants.karnofsky\"\n",
      "site.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const auto json = nlohmann::json::parse(config->WorkerJson());
  EXPECT_EQ(json.size(), 4u);
  EXPECT_EQ(json.at("data_folder"), "/d");
  EXPECT_EQ(json.at("columns").at("participants.kps"), "participants.karnofsky");
  EXPECT_EQ(nlohmann::json::parse(config->WorkerJson("/s/cache")).at("cache_folder"), "/s/cache");
}

}  // namespace
}  // namespace fedtrial::site
