#include <csignal>
#include <gtest/gtest.h>

#include "tests/system/federation_fixture.h"

namespace fedtrial::system_test {
namespace {

void ExpectSays(const Ran& ran, int status, const std::string& words) {
  EXPECT_EQ(ran.status, status) << ran.out << ran.err;
  EXPECT_NE((ran.out + ran.err).find(words), std::string::npos)
      << "wanted \"" << words << "\" in: " << ran.out << ran.err;
}

class Enrolment : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(federation_.Init()); }

  // Another state folder with keys of its own.
  std::string NewSite(const std::string& name) {
    const std::string state = federation_.path("other-" + name);
    const Ran made = RunToEnd(
        {Program(), "init", "--state", state, "--name", name, "--data", federation_.path("data") / SiteName(0)});
    EXPECT_EQ(made.status, 0) << made.err;
    return state;
  }
  static std::string Program() { return ProgramFolder() / "fedtrial-site"; }

  Federation federation_{{}};
};

TEST_F(Enrolment, ATokenIsGoodForOneSitesKeysOnly) {
  ASSERT_TRUE(federation_.AskToEnrol(0));
  ExpectSays(RunToEnd({Program(), "enrol", "--state", NewSite("site-a"), federation_.path("site-a.json")}), 1,
             "has been used already");
  EXPECT_EQ(federation_.Status().at("sites").size(), 1U);
}

TEST_F(Enrolment, ATokenOfAnotherNameIsRefused) {
  const std::string file = federation_.path("a.json");
  ASSERT_EQ(federation_.Coordinator({"enrol-token", "site-a", "--out", file}).status, 0);
  ASSERT_EQ(federation_.Coordinator({"enrol-token", "site-b"}).status, 0);
  WriteText(file, Replaced(ReadText(file), "site-a", "site-b"));
  ExpectSays(RunToEnd({Program(), "enrol", "--state", NewSite("site-b"), file}), 1, "the token isn't one for");
  for (const auto& site : federation_.Status().at("sites")) EXPECT_EQ(site.at("enrolment"), "invited");
}

TEST_F(Enrolment, AWrongFingerprintIsNotSigned) {
  ASSERT_EQ(federation_.Coordinator({"enrol-token", "site-a"}).status, 0);
  ExpectSays(federation_.Consortium({"consortium", "sign", "--fingerprint", "0000-1111-2222-3333"}), 2,
             "no site has asked");
}

TEST_F(Enrolment, ARosterOfTwoSitesOpensNoRound) {
  ASSERT_TRUE(federation_.AskToEnrol(0));
  ASSERT_TRUE(federation_.AskToEnrol(1));
  federation_.Consortium({"consortium", "roster"});
  EXPECT_EQ(federation_.Status().value("rounds_committed", -1), 0);
}

TEST_F(Enrolment, TheCertificateOfAnotherConsortiumIsRefused) {
  Federation other{{}};
  ASSERT_TRUE(other.Init());
  ASSERT_TRUE(other.Enrol());
  ASSERT_TRUE(federation_.Enrol());
  for (const char* file : {"tls.crt", "tls.key"})
    std::filesystem::copy_file(other.state_of(0) / "keys" / file, federation_.state_of(0) / "keys" / file,
                               std::filesystem::copy_options::overwrite_existing);
  const Ran ran = federation_.Site(0, {"run"});
  EXPECT_NE(ran.status, 0);
  EXPECT_NE(ran.err.find("tls.crt"), std::string::npos) << ran.err;
}

TEST_F(Enrolment, AnEnrolledFolderIsntEnrolledAgain) {
  ASSERT_TRUE(federation_.Enrol());
  const std::string before = ReadText(federation_.state_of(0) / "keys/tls.crt");
  ASSERT_EQ(federation_.Coordinator({"enrol-token", "site-x", "--out", federation_.path("x.json")}).status, 0);
  const Ran again = federation_.Site(0, {"enrol", federation_.path("x.json")});
  EXPECT_EQ(again.status, 2) << again.out << again.err;
  EXPECT_EQ(ReadText(federation_.state_of(0) / "keys/tls.crt"), before);
}

TEST_F(Enrolment, ACertificateIsRenewedForTheSameKeyAndTheTrialGoesOn) {
  ASSERT_TRUE(federation_.Enrol());
  const auto file = federation_.state_of(0) / "keys/tls.crt";
  const std::string before = ReadText(file), key = ReadText(federation_.state_of(0) / "keys/tls.key");
  const std::string said = ReadText(federation_.path("logs/site-a.enrol"));
  const std::string fingerprint = said.substr(12, said.find('\n') - 12);
  ASSERT_EQ(federation_.Consortium({"consortium", "sign", "--fingerprint", fingerprint}).status, 0);
  ExpectSays(federation_.Site(0, {"enrol", federation_.path("site-a.json")}), 0, "is good for");
  EXPECT_NE(ReadText(file), before);
  EXPECT_EQ(ReadText(federation_.state_of(0) / "keys/tls.key"), key);
  for (std::size_t i = 0; i < federation_.sites(); ++i) federation_.StartSite(i);
  ASSERT_TRUE(federation_.Finishes());
  const auto report = federation_.Coordinator({"report", "--json"}).Json();
  EXPECT_EQ(report.at("rounds").front().at("included").size(), federation_.sites());
}

TEST_F(Enrolment, APlanThatWasEditedIsRefusedOnBothSides) {
  ASSERT_TRUE(federation_.Enrol());
  const std::string sha256 = federation_.Status().value("plan_sha256", "");
  for (const auto& file : {federation_.state_of(0) / "plan.toml", federation_.path("state/plan.toml")})
    WriteText(file, ReadText(file) + "# one more line\n");
  ExpectSays(federation_.Site(0, {"approve", "--by", "Dr Test", "--plan-sha256", sha256}), 1, "has SHA-256");
  federation_.coordinator().Signal(SIGTERM);
  EXPECT_EQ(federation_.coordinator().Wait(), 0);
  ExpectSays(federation_.Coordinator({"run"}), 1, "isn't the plan that the consortium signed");
}

}  // namespace
}  // namespace fedtrial::system_test
