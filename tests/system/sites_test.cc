#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/federation_fixture.h"

namespace fedtrial::system_test {
namespace {

// Sites that don't take part, and why: the trial of the others goes on.
class Sites : public testing::Test {
 protected:
  // Site d takes part in no round, and the record of each says why.
  static void ExpectOnlySiteDRefused(const Federation& federation, const std::string& reason) {
    const auto report = federation.Coordinator({"report", "--json"}).Json();
    ASSERT_TRUE(report.is_object());
    for (const auto& round : report.at("rounds")) {
      EXPECT_EQ(round.at("included"), nlohmann::json({"site-a", "site-b", "site-c"}));
      const auto& site = round.at("sites").at("site-d");
      EXPECT_EQ(site.at("outcome"), "refused");
      EXPECT_NE(site.value("reason", "").find(reason), std::string::npos) << site.dump();
    }
  }
};

// Sends bytes that are no TLS to the coordinator's port.
void SendGarbage(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string garbage(4096, '\x16');
  EXPECT_GT(send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL), 0);
  close(fd);
}

TEST_F(Sites, WithFewerPatientsThanThePlanWantsDeclineAndTheTrialGoesOn) {
  TrialOptions options;
  options.patients = {14, 17, 20, 5};
  Federation federation(options);
  ASSERT_TRUE(federation.Start());
  ASSERT_TRUE(federation.Finishes());
  ExpectOnlySiteDRefused(federation, "patients");
  EXPECT_TRUE(federation.AuditsHold());
}

TEST_F(Sites, WithEmptyTablesOrNoEventDontStopTheTrial) {
  TrialOptions options;
  options.patients = {14, 17, 20, 0};
  Federation federation(options);
  const std::string outcome = federation.path("data/site-c/phenotype/outcome.tsv");
  std::string text = ReadText(outcome);
  for (std::size_t at = 0; (at = text.find("\t1\n", at)) != std::string::npos;) text[at + 1] = '0';
  WriteText(outcome, text);
  ASSERT_TRUE(federation.Start());
  ASSERT_TRUE(federation.Finishes());
  ExpectOnlySiteDRefused(federation, "patients");
}

TEST_F(Sites, ThatHaveNotApprovedThePlanSendNothing) {
  TrialOptions options;
  options.not_approved = {3};
  Federation federation(options);
  ASSERT_TRUE(federation.Start());
  ASSERT_TRUE(federation.Finishes());
  ExpectOnlySiteDRefused(federation, "approve");
  EXPECT_EQ(federation.Site(3, {"status", "--json"}).Json().value("rounds_contributed", -1), 0);
}

TEST_F(Sites, ThatAreRevokedAreShutOutAndTheTrialGoesOn) {
  TrialOptions options;
  options.rounds = 16;
  options.min_open = "0s";
  Federation federation(options);
  ASSERT_TRUE(federation.Start());
  ASSERT_TRUE(Eventually([&] { return federation.Status().value("rounds_committed", 0) >= 2; }));
  const Ran revoked = federation.Consortium({"revoke", "site-d"});
  ASSERT_EQ(revoked.status, 0) << revoked.err;
  EXPECT_TRUE(Eventually([&] { return federation.SiteLog(3).find("revoked") != std::string::npos; }))
      << federation.SiteLog(3);
  ASSERT_TRUE(federation.Finishes());
  const auto report = federation.Coordinator({"report", "--json"}).Json();
  EXPECT_EQ(report.at("rounds").back().at("included"), nlohmann::json({"site-a", "site-b", "site-c"}));
}

TEST_F(Sites, ArentDisturbedByGarbageSentToTheCoordinatorsPort) {
  Federation federation({});
  ASSERT_TRUE(federation.Init());
  for (int i = 0; i < 20; ++i) SendGarbage(federation.port());
  ASSERT_TRUE(federation.Enrol());
  for (std::size_t i = 0; i < federation.sites(); ++i) federation.StartSite(i);
  for (int i = 0; i < 20; ++i) SendGarbage(federation.port());
  ASSERT_TRUE(federation.Finishes());
  EXPECT_TRUE(federation.AuditsHold());
}

}  // namespace
}  // namespace fedtrial::system_test
