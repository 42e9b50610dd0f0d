#include <csignal>
#include <gtest/gtest.h>

#include "tests/system/federation_fixture.h"

namespace fedtrial::system_test {
namespace {

TEST(Trial, OfThreeSitesRunsToItsEndWithTheSameModelEverywhere) {
  TrialOptions options;
  options.patients = {14, 17, 20};
  Federation federation(options);
  ASSERT_TRUE(federation.Start());
  ASSERT_TRUE(federation.Finishes());

  const std::string model = federation.FinalModel();
  const std::string file = federation.path("model.safetensors");
  const Ran exported = federation.Coordinator({"model", "export", "--out", file});
  ASSERT_EQ(exported.status, 0) << exported.err;
  EXPECT_TRUE(exported.out.starts_with(model));
  EXPECT_TRUE(RunToEnd({"sha256sum", file}).out.starts_with(model)) << "the exported file isn't the model of that name";
  for (std::size_t i = 0; i < federation.sites(); ++i) {
    EXPECT_TRUE(Eventually([&] {
      return federation.Site(i, {"status", "--json"}).Json().value("model", "") == model;
    })) << SiteName(i);
    const Ran predicted = federation.Site(i, {"predict", "--all", "--json"});
    ASSERT_EQ(predicted.status, 0) << predicted.err;
    EXPECT_EQ(predicted.Json().at("patients").size(), options.patients[i]);
  }

  const auto report = federation.Coordinator({"report", "--json"}).Json();
  ASSERT_TRUE(report.is_object());
  EXPECT_EQ(report.at("audit").at("coordinator"), "ok");
  EXPECT_EQ(report.at("failed_attempts").size(), 0U);
  for (const auto& round : report.at("rounds")) EXPECT_EQ(round.at("included").size(), federation.sites());
  EXPECT_TRUE(federation.AuditsHold());
}

}  // namespace
}  // namespace fedtrial::system_test
