#include "site_node/web/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedtrial::site {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SitePage, SaysWhereTheSiteStandsAndWhatLeavesIt) {
  const PageReply page = StatusPage(R"({"site":"north","connected":true,"paused":false,"rounds_contributed":7})",
                                    "feature age: 5 numbers");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<tr><th>Site</th><td>north</td></tr>"));
  EXPECT_THAT(page.body, HasSubstr("<tr><th>Connected</th><td>yes</td></tr>"));
  EXPECT_THAT(page.body, HasSubstr("<tr><th>Paused</th><td>no</td></tr>"));
  EXPECT_THAT(page.body, HasSubstr("<tr><th>Rounds contributed</th><td>7</td></tr>"));
  EXPECT_THAT(page.body, HasSubstr("feature age: 5 numbers"));
}

TEST(SitePage, WhatTheCoordinatorSaysIsTextAndNoMarkup) {
  const PageReply page = StatusPage(R"({"last_reason":"<script>alert(1)</script>"})", "a < b & \"c\"");
  EXPECT_THAT(page.body, Not(HasSubstr("<script>")));
  EXPECT_THAT(page.body, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_THAT(page.body, HasSubstr("a &lt; b &amp; "));
}

TEST(SitePage, ADaemonInTroubleAnswersWithItsErrorAndNoSuccess) {
  EXPECT_EQ(StatusPage(R"({"error":"the disk is full"})", "").status, 503);
  EXPECT_THAT(StatusPage(R"({"error":"the disk is full"})", "").body, HasSubstr("the disk is full"));
  EXPECT_EQ(StatusPage("no json", "plan").status, 200) << "it shows the plan, and no line";
}

TEST(SitePage, LoadsNothingFromOutside) {
  const std::string body = StatusPage("{}", "").body;
  EXPECT_THAT(body, Not(HasSubstr("http:")));
  EXPECT_THAT(body, Not(HasSubstr("https:")));
  EXPECT_THAT(body, Not(HasSubstr("//")));
}

}  // namespace
}  // namespace fedtrial::site
