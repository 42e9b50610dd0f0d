#include "coordinator/shell/enrolments.h"

#include <ctime>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/shell/test_trial.h"

namespace fedtrial::coordinator {
namespace {

class EnrolmentsTest : public testing::Test {
 protected:
  TestTrial trial;
  std::unique_ptr<Node> node = trial.Open();
  Enrolments& enrolments = node->enrolments();
  const std::time_t now = std::time(nullptr);
};

TEST_F(EnrolmentsTest, IdsFollowTheOrderOfTheInvitations) {
  for (const char* name : {"zeta", "alpha", "zeta", "mu"}) ASSERT_TRUE(enrolments.Invite(name, now, trial.random).ok());
  const auto sites = enrolments.List().value();
  ASSERT_EQ(sites.size(), 3U);
  EXPECT_EQ(sites[0].name, "zeta");
  EXPECT_EQ(sites[1].name, "alpha");
  EXPECT_EQ(sites[2].name, "mu");
  EXPECT_EQ(sites[2].id, SiteId{3});
}

TEST_F(EnrolmentsTest, ATokenLetsItsSiteInOnceAndAResendGetsTheSameAnswer) {
  const TestSite site = trial.MakeSite("a");
  const EnrolToken token = enrolments.Invite("a", now, trial.random).value();
  const Bytes request = trial.Request(site, token).Encode();
  const auto first = enrolments.Enrol(request, now);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(enrolments.Enrol(request, now)->fingerprint, first->fingerprint);
  const TestSite thief = trial.MakeSite("a");
  EXPECT_EQ(enrolments.Enrol(trial.Request(thief, token).Encode(), now).error().code, ErrorCode::kNotEnrolled);
}

TEST_F(EnrolmentsTest, AnExpiredForeignOrReplacedTokenIsRefused) {
  const TestSite site = trial.MakeSite("a");
  const EnrolToken old = enrolments.Invite("a", now, trial.random).value();
  EXPECT_EQ(enrolments.Enrol(trial.Request(site, old).Encode(), now + kTokenLifetime + 1).error().code,
            ErrorCode::kNotEnrolled);
  const EnrolToken of_b = enrolments.Invite("b", now, trial.random).value();
  EXPECT_EQ(enrolments.Enrol(trial.Request(site, of_b).Encode(), now).error().code, ErrorCode::kNotEnrolled);
  ASSERT_TRUE(enrolments.Invite("a", now, trial.random).ok());
  EXPECT_EQ(enrolments.Enrol(trial.Request(site, old).Encode(), now).error().code, ErrorCode::kNotEnrolled);
}

TEST_F(EnrolmentsTest, AnUnknownSiteAndAnAlteredRequestAreRefused) {
  const TestSite site = trial.MakeSite("a");
  const EnrolToken token = EnrolToken::Generate(trial.random);
  EXPECT_EQ(enrolments.Enrol(trial.Request(site, token).Encode(), now).error().code, ErrorCode::kNotEnrolled);
  const EnrolToken good = enrolments.Invite("a", now, trial.random).value();
  Bytes request = trial.Request(site, good).Encode();
  request.back() ^= 1;
  EXPECT_FALSE(enrolments.Enrol(request, now).ok());
  EXPECT_FALSE(enrolments.Enrol(Bytes(3), now).ok());
}

TEST_F(EnrolmentsTest, TwoSitesCannotBringOneKey) {
  TestSite site = trial.MakeSite("a");
  ASSERT_TRUE(
      enrolments.Enrol(trial.Request(site, enrolments.Invite("a", now, trial.random).value()).Encode(), now).ok());
  site.name = "b";
  EXPECT_EQ(enrolments.Enrol(trial.Request(site, enrolments.Invite("b", now, trial.random).value()).Encode(), now)
                .error()
                .code,
            ErrorCode::kInvalidInput);
}

TEST_F(EnrolmentsTest, TheConsortiumSignsOnlyWhatWasCompared) {
  const TestSite site = trial.MakeSite("a");
  const EnrolToken token = enrolments.Invite("a", now, trial.random).value();
  const EnrolledSite enrolled = enrolments.Enrol(trial.Request(site, token).Encode(), now).value();
  const Consortium consortium = trial.consortium();
  std::string other = enrolled.fingerprint;
  other[0] = other[0] == '0' ? '1' : '0';
  EXPECT_EQ(consortium.SignCertificate(enrolments.RequestOf(enrolled), other, now, trial.random).error().code,
            ErrorCode::kIntegrity);
  CertificateRequest swapped = enrolments.RequestOf(enrolled);
  swapped.signing_key[0] ^= 1;
  EXPECT_FALSE(consortium.SignCertificate(swapped, enrolled.fingerprint, now, trial.random).ok());
  EXPECT_EQ(consortium.MakeRoster("test", 1)->entries.size(), 1U);  // the coordinator alone
  EXPECT_TRUE(consortium.SignCertificate(enrolments.RequestOf(enrolled), enrolled.fingerprint, now, trial.random).ok());
  EXPECT_EQ(consortium.MakeRoster("test", 1)->entries.size(), 2U);
}

TEST_F(EnrolmentsTest, TheConsortiumKeepsEachIdForOneName) {
  const auto sites = trial.EnrolSites(*node, {"a", "b", "c"});
  const Consortium consortium = trial.consortium();
  EnrolledSite posing = *enrolments.Find(sites[0].id).value();
  posing.id = sites[1].id;
  EXPECT_EQ(
      consortium.SignCertificate(enrolments.RequestOf(posing), posing.fingerprint, now, trial.random).error().code,
      ErrorCode::kIntegrity);
}

TEST_F(EnrolmentsTest, ACertificateOfAnotherKeyOrCaIsNotStored) {
  const auto sites = trial.EnrolSites(*node, {"a", "b", "c"});
  const std::string of_b = enrolments.Find(sites[1].id).value()->certificate_pem;
  const std::string ca = trial.consortium().ca_pem();
  EXPECT_FALSE(enrolments.StoreCertificate(sites[0].fingerprint, of_b, ca, now).ok());
  TestTrial elsewhere(8);
  const std::string of_a = enrolments.Find(sites[0].id).value()->certificate_pem;
  EXPECT_FALSE(enrolments.StoreCertificate(sites[0].fingerprint, of_a, elsewhere.consortium().ca_pem(), now).ok());
  EXPECT_TRUE(enrolments.StoreCertificate(sites[0].fingerprint, of_a, ca, now).ok());
}

TEST_F(EnrolmentsTest, AFingerprintMayBeReadOutInAnyForm) {
  EXPECT_TRUE(SameFingerprint("55AA 0b43", "55aa-0b43"));
  EXPECT_FALSE(SameFingerprint("55aa-0b43", "55aa-0b44"));
}

}  // namespace
}  // namespace fedtrial::coordinator
