#include "coordinator/web/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedtrial::coordinator {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Dashboard : public testing::Test {
 protected:
  PageReply Get(const std::string& path, const std::map<std::string, std::string>& query = {}) const {
    for (const PageRoute& route : routes_)
      if (route.pattern == path) return route.handler({path, {}, query, ""});
    ADD_FAILURE() << "no page " << path;
    return {404, "", ""};
  }

  std::size_t since_ = 99;
  bool gone_ = false;
  const std::vector<PageRoute> routes_ =
      MakePages({.status = [this](std::size_t since) -> Result<std::string> {
                   since_ = since;
                   if (gone_) return Error{ErrorCode::kUnavailable, "the coordinator is stopping"};
                   return std::string(R"({"trial":"t"})");
                 },
                 .report = []() -> Result<std::string> { return std::string(R"({"rounds":[]})"); },
                 .metrics = [] { return std::string("rounds_total 3\n"); }});
};

TEST_F(Dashboard, OnlyReads) {
  for (const PageRoute& route : routes_) EXPECT_EQ(route.method, PageRoute::Method::kGet) << route.pattern;
}

TEST_F(Dashboard, GivesMachinesStatusReportAndMetrics) {
  EXPECT_EQ(Get("/status.json").body, R"({"trial":"t"})");
  EXPECT_EQ(Get("/status.json").type, "application/json");
  EXPECT_EQ(Get("/report.json").body, R"({"rounds":[]})");
  EXPECT_EQ(Get("/metrics").body, "rounds_total 3\n");
  EXPECT_THAT(Get("/metrics").type, HasSubstr("text/plain"));
}

TEST_F(Dashboard, AsksOnlyForTheAttemptsThatAReaderDoesNotHave) {
  Get("/status.json", {{"since", "7"}});
  EXPECT_EQ(since_, 7u);
  for (const char* nonsense : {"", "x", "-1", "99999999999999999999999"}) {
    Get("/status.json", {{"since", nonsense}});
    EXPECT_EQ(since_, 0u) << nonsense;
  }
}

TEST_F(Dashboard, SaysWhyItHasNoStatus) {
  gone_ = true;
  EXPECT_EQ(Get("/status.json").status, 503);
  EXPECT_EQ(Get("/status.json").body, "the coordinator is stopping");
}

TEST_F(Dashboard, LoadsNothingFromOutsideAndMakesNoMarkupOfWhatSitesSay) {
  for (const char* path : {"/", "/dashboard.css", "/dashboard.js"}) {
    EXPECT_EQ(Get(path).status, 200);
    EXPECT_THAT(Get(path).body, Not(HasSubstr("http:"))) << path;
    EXPECT_THAT(Get(path).body, Not(HasSubstr("https:"))) << path;
  }
  EXPECT_THAT(Get("/").body, HasSubstr("src=\"/dashboard.js\""));
  EXPECT_THAT(Get("/dashboard.js").body, Not(HasSubstr("innerHTML")));
}

}  // namespace
}  // namespace fedtrial::coordinator
