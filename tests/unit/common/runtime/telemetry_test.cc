#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

#include "common/runtime/log.h"
#include "common/runtime/metrics.h"
#include "common/runtime/page_server.h"
#include "security/crypto/secret.h"
#include "tests/unit/common/runtime/test_folder.h"

namespace fedtrial {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What is secret or long has no way into a log line.
static_assert(std::is_constructible_v<LogField, std::string_view, int>);
static_assert(!std::is_constructible_v<LogField, std::string_view, Bytes>);
static_assert(!std::is_constructible_v<LogField, std::string_view, ByteView>);
static_assert(!std::is_constructible_v<LogField, std::string_view, Digest>);
static_assert(!std::is_constructible_v<LogField, std::string_view, const SecretBytes<32>&>);
static_assert(!std::is_constructible_v<LogField, std::string_view, const SecretBuffer&>);
static_assert(!std::is_constructible_v<LogField, std::string_view, std::vector<float>>);
static_assert(!std::is_constructible_v<LogField, std::string_view, const float*>);

class LogFile : public testing::Test {
 protected:
  ~LogFile() override { (void)StartLog({LogLevel::kWarning, false, {}}); }
  std::vector<std::string> Lines() {
    std::vector<std::string> lines;
    std::istringstream text(ReadText(folder_ / "log"));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  TestFolder folder_;
};

TEST_F(LogFile, TextLinesCarryTimeLevelEventAndFields) {
  ASSERT_TRUE(StartLog({LogLevel::kInfo, false, folder_ / "log"}).ok());
  LogDebug("not shown");
  LogInfo("round opened",
          {{"round", RoundId{3, 1}}, {"site", SiteId{7}}, {"loss", 0.5}, {"done", true}, {"bytes", 12}});
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0],
              HasSubstr("Z info    round opened round=\"3 (attempt 2)\" site=site-7 loss=0.5 done=true bytes=12"));
}

TEST_F(LogFile, JsonLinesAreJson) {
  ASSERT_TRUE(StartLog({LogLevel::kWarning, true, folder_ / "log"}).ok());
  LogInfo("not shown");
  LogError("upload refused",
           {{"site", SiteId{7}}, {"words", std::uint64_t{1} << 63}, {"loss", std::nan("")}, {"ok", false}});
  const auto line = nlohmann::json::parse(Lines().at(0));
  EXPECT_EQ(line["level"], "error");
  EXPECT_EQ(line["event"], "upload refused");
  EXPECT_EQ(line["site"], "site-7");
  EXPECT_EQ(line["words"], std::uint64_t{1} << 63);
  EXPECT_EQ(line["loss"], "nan");
  EXPECT_EQ(line["ok"], false);
}

TEST_F(LogFile, NobodyCanForgeALine) {
  for (const bool json : {false, true}) {
    ASSERT_TRUE(StartLog({LogLevel::kInfo, json, folder_ / "log"}).ok());
    LogInfo("peer\nsays", {{"reason", "x\n2030 error forged=\"yes\"\x1b[31m\xff"}, {"empty", ""}});
  }
  EXPECT_EQ(Lines().size(), 2u);
  EXPECT_THAT(Lines().at(0), HasSubstr(R"(empty="")"));
  EXPECT_THAT(Lines().at(0), Not(HasSubstr("\x1b")));
  EXPECT_TRUE(nlohmann::json::accept(Lines().at(1)));
}

TEST_F(LogFile, AFileThatCannotBeMadeAndAnUnknownLevelAreErrors) {
  const Status refused = StartLog({LogLevel::kInfo, false, "/proc/none/log"});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("/proc/none/log"));
  EXPECT_EQ(ParseLogLevel("warning").value(), LogLevel::kWarning);
  EXPECT_EQ(ParseLogLevel("loud").error().message, "log level \"loud\": wanted debug, info, warning or error");
}

TEST(Metrics, CountSetAndObserveAreInTheText) {
  constexpr Metric kRounds{"fedtrial_rounds_total", "Rounds that ended, by outcome"};
  constexpr Metric kSites{"fedtrial_sites", "Sites heard"};
  constexpr Metric kSeconds{"fedtrial_round_seconds", "Time of a round"};
  Metrics metrics;
  metrics.Count(kRounds, {{"outcome", "committed"}});
  metrics.Count(kRounds, {{"outcome", "committed"}}, 2);
  metrics.Count(kRounds, {{"outcome", "failed"}});
  metrics.Set(kSites, 5);
  metrics.Set(kSites, 4);
  metrics.Observe(kSeconds, 0.2);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("# HELP fedtrial_rounds_total Rounds that ended, by outcome\n"));
  EXPECT_THAT(text, HasSubstr("fedtrial_rounds_total{outcome=\"committed\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("fedtrial_rounds_total{outcome=\"failed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("fedtrial_sites 4\n"));
  EXPECT_THAT(text, HasSubstr("fedtrial_round_seconds_count 1\n"));
}

TEST(Metrics, ANameOfAnotherKindIsDroppedAndStopsNobody) {
  const TestFolder folder;
  ASSERT_TRUE(StartLog({LogLevel::kWarning, false, folder / "log"}).ok());
  Metrics metrics;
  metrics.Count({"fedtrial_a", "A"});
  metrics.Set({"fedtrial_a", "A"}, 7);
  metrics.Count({"not a name", "B"});
  EXPECT_THAT(metrics.Text(), HasSubstr("fedtrial_a 1\n"));
  EXPECT_THAT(ReadText(folder / "log"), HasSubstr("metric dropped"));
  ASSERT_TRUE(StartLog({LogLevel::kWarning, false, {}}).ok());
}

// Sends the bytes and returns all that comes back until the server closes.
std::string Ask(int port, const std::string& request) {
  const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "(no connection)";
  if (!WriteAll(fd.get(), AsBytes(request), "socket").ok()) return "(not sent)";
  std::string reply;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(fd.get(), buffer, sizeof buffer)) > 0;)
    reply.append(buffer, static_cast<std::size_t>(got));
  return reply;
}

std::string Get(int port, const std::string& path, const std::string& host) {
  return Ask(port, "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
}

class Pages : public testing::Test {
 protected:
  Pages() {
    routes_ = {{PageRoute::Method::kGet, "/rounds/([0-9]+)",
                [](const PageRequest& request) {
                  const auto name = request.query.find("name");
                  return PageReply{200, "text/plain",
                                   request.parts.at(0) + (name == request.query.end() ? "" : " " + name->second)};
                }},
               {PageRoute::Method::kGet, "/broken",
                [](const PageRequest&) -> PageReply { throw std::runtime_error("secret detail"); }},
               {PageRoute::Method::kPost, "/approve", [](const PageRequest& request) {
                  return PageReply{200, "text/plain", "approved " + request.body};
                }}};
  }
  std::unique_ptr<PageServer> Start(const std::string& host = "127.0.0.1") {
    auto pages = PageServer::Start(host, 0, routes_);
    if (pages.ok()) return std::move(pages).value();
    ADD_FAILURE() << pages.error().message;
    return nullptr;
  }
  std::string Post(int port, const std::string& origin) {
    return Ask(port, "POST /approve HTTP/1.1\r\nHost: localhost:" + std::to_string(port) + "\r\n" + origin +
                         "Content-Length: 3\r\nConnection: close\r\n\r\nyes");
  }
  std::vector<PageRoute> routes_;
};

TEST_F(Pages, AreServedWithPartsQueryAndSafeHeaders) {
  const auto pages = Start();
  const std::string port = std::to_string(pages->port());
  EXPECT_EQ(pages->address(), "http://127.0.0.1:" + port + "/");
  const std::string reply = Get(pages->port(), "/rounds/12?name=a%20b", "127.0.0.1:" + port);
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, testing::EndsWith("\r\n\r\n12 a b"));
  EXPECT_THAT(reply, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'"));
  EXPECT_THAT(reply, HasSubstr("X-Content-Type-Options: nosniff"));
  EXPECT_THAT(reply, HasSubstr("Cache-Control: no-store"));
  EXPECT_THAT(Get(pages->port(), "/nothing", "localhost:" + port), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Get(pages->port(), "/rounds/x", "localhost:" + port), StartsWith("HTTP/1.1 404"));
}

TEST_F(Pages, AskedForUnderAForeignNameAreRefused) {
  const auto pages = Start();
  const std::string port = std::to_string(pages->port());
  for (const std::string& host : {"evil.example:" + port, std::string("127.0.0.1"), std::string(""),
                                  "127.0.0.1.evil.example:" + port, std::string("localhost:1")}) {
    const std::string reply = Get(pages->port(), "/rounds/12", host);
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 403")) << host;
    EXPECT_THAT(reply, Not(HasSubstr("12\r\n"))) << host;
  }
}

TEST_F(Pages, AFormOfAnotherPageIsRefused) {
  const auto pages = Start();
  const std::string port = std::to_string(pages->port());
  EXPECT_THAT(Post(pages->port(), "Origin: http://localhost:" + port + "\r\n"), HasSubstr("approved yes"));
  EXPECT_THAT(Post(pages->port(), "Origin: https://evil.example\r\n"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Post(pages->port(), "Origin: null\r\n"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Post(pages->port(), ""), StartsWith("HTTP/1.1 403"));
}

TEST_F(Pages, AHandlersFaultShowsNoDetail) {
  const auto pages = Start();
  const TestFolder folder;
  ASSERT_TRUE(StartLog({LogLevel::kWarning, false, folder / "log"}).ok());
  const std::string reply = Get(pages->port(), "/broken", "localhost:" + std::to_string(pages->port()));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(reply, Not(HasSubstr("secret detail")));
  EXPECT_THAT(ReadText(folder / "log"), HasSubstr("page failed"));
  ASSERT_TRUE(StartLog({LogLevel::kWarning, false, {}}).ok());
}

TEST_F(Pages, AnOversizeBodyIsRefused) {
  const auto pages = Start();
  const std::string port = std::to_string(pages->port());
  const std::string reply =
      Ask(pages->port(), "POST /approve HTTP/1.1\r\nHost: localhost:" + port + "\r\nOrigin: http://localhost:" + port +
                             "\r\nContent-Length: 1048577\r\nConnection: close\r\n\r\n" + std::string(1048577, 'x'));
  EXPECT_THAT(reply, Not(HasSubstr("approved")));
}

TEST_F(Pages, ATakenPortIsAClearError) {
  const auto pages = Start();
  const auto second = PageServer::Start("127.0.0.1", pages->port(), routes_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error(),
            (Error{ErrorCode::kUnavailable, "cannot listen on 127.0.0.1 port " + std::to_string(pages->port()) +
                                                ": is another program using it?"}));
}

TEST_F(Pages, AreNeverServedToOtherMachines) {
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1", "hospital.example", ""})
    EXPECT_EQ(PageServer::Start(host, 0, routes_).error().code, ErrorCode::kInvalidInput) << host;
  EXPECT_EQ(PageServer::Start("localhost", 65536, routes_).error().code, ErrorCode::kInvalidInput);
}

TEST(EscapeHtml, LeavesNothingThatABrowserWouldRun) {
  EXPECT_EQ(EscapeHtml("<a href='x' & \"y\">"), "&lt;a href=&#39;x&#39; &amp; &quot;y&quot;&gt;");
}

}  // namespace
}  // namespace fedtrial
