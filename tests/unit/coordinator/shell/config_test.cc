#include "coordinator/shell/config.h"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace fedtrial::coordinator {
namespace {

TEST(CoordinatorConfig, TheSampleReadsBack) {
  const auto config = ParseConfig(SampleConfig("0.0.0.0:7443", "trial.example.org:7443"), "coordinator.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->listen, "0.0.0.0:7443");
  EXPECT_EQ(config->address, "trial.example.org:7443");
  EXPECT_EQ(config->page_port, 0);
  EXPECT_EQ(config->threads, 2U);
}

TEST(CoordinatorConfig, TheDeliveredSampleReads) {
  std::ifstream file(FEDTRIAL_SOURCE_DIR "/deploy/config/coordinator.toml");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto config = ParseConfig(text, "coordinator.toml");
  EXPECT_TRUE(config.ok()) << config.error().message;
}

TEST(CoordinatorConfig, EveryProblemIsToldAtOnceWithItsPlace) {
  const auto config = ParseConfig(R"([server]
listen = "7443"
adress = "a:1"
[pages]
port = 70000
[work]
threads = "two"
[log]
level = "loud"
)",
                                  "coordinator.toml");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, ErrorCode::kInvalidInput);
  for (const char* wanted :
       {"coordinator.toml:2:", "server.listen", "server.adress", "server.address", "coordinator.toml:5:", "pages.port",
        "70000", "coordinator.toml:7:", "work.threads", "coordinator.toml:9:", "loud"})
    EXPECT_NE(config.error().message.find(wanted), std::string::npos) << wanted << "\n" << config.error().message;
}

TEST(CoordinatorConfig, HostAndPortAreTakenApart) {
  EXPECT_EQ(ParseHostPort("localhost:0")->host, "localhost");
  EXPECT_EQ(ParseHostPort("[2001:db8::1]:443")->port, 443);
  for (const char* bad : {"", "host", ":1", "host:", "host:x", "host:65536", "host:-1", "2001:db8::1:443", "[]:1"})
    EXPECT_FALSE(ParseHostPort(bad).ok()) << bad;
}

}  // namespace
}  // namespace fedtrial::coordinator
