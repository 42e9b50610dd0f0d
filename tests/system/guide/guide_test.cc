#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/text_files.h"
#include "tests/system/archive/orthanc.h"
#include "tests/system/archive/series.h"

namespace fedtrial::system_test {
namespace {

// All fenced blocks of shell, in order.
std::string Commands(const std::string& page) {
  constexpr std::string_view kOpen = "\n```sh\n", kClose = "\n```\n";
  std::string commands;
  for (std::size_t at = page.find(kOpen); at != std::string::npos; at = page.find(kOpen, at)) {
    at += kOpen.size();
    const std::size_t end = page.find(kClose, at);
    if (end == std::string::npos) break;
    commands += page.substr(at, end + 1 - at);
    at = end;
  }
  return commands;
}

TEST(SiteDataGuide, ItsCommandsMakeAFolderThatIsCheckedWithoutErrors) {
  std::string name = (std::filesystem::temp_directory_path() / "fedtrial-guide-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::filesystem::path folder = name;
  const std::filesystem::path source = FEDTRIAL_SOURCE_DIR;
  std::filesystem::copy_file(source / "deploy/config/glioma_mri_plan.toml", folder / "plan.toml");
  const std::string commands = Commands(ReadText(source / "deploy/guide/site-data.md"));
  ASSERT_NE(commands, "");
  ASSERT_TRUE(Orthanc::Installed()) << "deploy/setup --tests installs Orthanc";
  Orthanc archive(folder / "orthanc");
  WriteScanned(folder / "scanned/1", {"4711", "1.2.826.1", "20240302", "1.2.826.1.1"});
  WriteScanned(folder / "scanned/2", {"0815", "1.2.826.2", "20240708", "1.2.826.2.1"});
  ASSERT_NO_FATAL_FAILURE(archive.Upload(folder / "scanned"));
  WriteText(folder / "commands.sh", Replaced(Replaced(commands, "\"pacs.hospital.example\"", "\"127.0.0.1\""),
                                             "port = 104", fmt::format("port = {}", archive.port())));

  const char* programs = std::getenv("FEDTRIAL_BIN");
  const std::string run = fmt::format("cd '{}' && PATH='{}':\"$PATH\" bash -euo pipefail commands.sh > output 2>&1",
                                      folder.string(), programs == nullptr ? FEDTRIAL_BINARY_DIR : programs);
  const int status = std::system(run.c_str());
  const std::string output = ReadText(folder / "output");
  EXPECT_EQ(status, 0) << output;
  EXPECT_NE(output.find("This site has 3 patients"), std::string::npos) << output;
  EXPECT_NE(output.find("cytokine[Interleukin 6]"), std::string::npos) << output;
  EXPECT_NE(output.find("What leaves this hospital under plan glioma-mri"), std::string::npos) << output;
  EXPECT_EQ(output.find("(error)"), std::string::npos) << output;
  EXPECT_NE(output.find("2 patients, series: 2 fetched"), std::string::npos) << output;
  EXPECT_TRUE(std::filesystem::exists(folder / "data/sourcedata/sub-p001/ses-BL"));
  EXPECT_TRUE(std::filesystem::exists(folder / "data/sourcedata/sub-p002/ses-d056"));
  EXPECT_TRUE(ReadText(folder / "report.html").starts_with("<!doctype html>"));
  const auto json = nlohmann::json::parse(ReadText(folder / "report.json"), nullptr, false);
  EXPECT_EQ(json.is_object() ? json.value("patients", 0) : 0, 3);
  archive.Stop();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace fedtrial::system_test
