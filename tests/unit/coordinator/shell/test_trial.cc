#include "tests/unit/coordinator/shell/test_trial.h"

#include <ctime>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "common/runtime/clock.h"
#include "common/runtime/files.h"
#include "coordinator/shell/config.h"
#include "security/pki/signed_bytes.h"

namespace fedtrial::coordinator {

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "fedtrial-XXXXXX").string();
  path = mkdtemp(name.data());
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string TestPlan() {
  std::string text = R"([trial]
id = "test"
title = "A test"
seed = 1
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [10.0, 20.0, 30.0]
[[feature]]
name = "age"
from = "participants.age"
range = [0.0, 100.0]
[[block]]
name = "risk"
kind = "linear"
features = ["age"]
[[step]]
task = "normalise"
[[step]]
task = "grid"
[[step]]
task = "train"
rounds = 2
[cohort]
min_patients = 5
[encoding]
word_bits = 32
patient_cap = 100
[rules]
sites = 3
min_sites = 3
threshold = 3
retry_after = "1s"
)";
  for (const char* phase : {"hello", "keys", "shares", "masked", "agree", "unmask"})
    text += "[rules." + std::string(phase) + "]\nmin_open = \"0s\"\nmax_open = \"60s\"\n";
  return text;
}

Manifest TestManifest(unsigned word_bits, std::uint64_t values) {
  Manifest manifest;
  manifest.task = "train";
  manifest.encoding = {word_bits, 0, 8.0};
  manifest.tensors = {TensorSpec{"block/values", {values}, ScalarType::kFloat32}};
  return manifest;
}

TestTrial::TestTrial(std::uint64_t seed) : random(seed) {
  EXPECT_TRUE(Consortium::Create(folder / "consortium", "test consortium", std::time(nullptr), random).ok());
  const Status made = CreateTrial(
      {paths(), TestPlan(), "plan.toml", {"localhost", "127.0.0.1"}, SampleConfig("127.0.0.1:0", "127.0.0.1:0")},
      consortium(), std::time(nullptr), random);
  EXPECT_TRUE(made.ok()) << made.error().message;
}

Consortium TestTrial::consortium() const {
  auto opened = Consortium::Open(folder / "consortium");
  EXPECT_TRUE(opened.ok());
  return std::move(opened).value();
}

std::unique_ptr<Node> TestTrial::Open() const {
  auto node = Node::Open(paths(), Node::Mode::kLocked);
  EXPECT_TRUE(node.ok()) << node.error().message;
  return std::move(node).value();
}

TestSite TestTrial::MakeSite(const std::string& name) {
  TestSite site{name, GenerateTlsKey().value(), SigningKey::Generate(random), {}, "", folder / name};
  EXPECT_TRUE(EnsurePrivateFolder(site.folder).ok());
  EXPECT_TRUE(WriteWholeFile(site.folder / "tls.key", site.tls_key.view()).ok());
  EXPECT_TRUE(WriteWholeFile(site.folder / "ca.crt", AsBytes(consortium().ca_pem())).ok());
  return site;
}

EnrolRequest TestTrial::Request(const TestSite& site, const EnrolToken& token) {
  return MakeEnrolRequest(site.name, token.Clone(), site.tls_key.view(), site.signing).value();
}

std::vector<TestSite> TestTrial::EnrolSites(Node& node, const std::vector<std::string>& names) {
  const std::time_t now = std::time(nullptr);
  const Consortium keys = consortium();
  std::vector<TestSite> sites;
  for (const std::string& name : names) {
    TestSite site = MakeSite(name);
    const EnrolToken token = node.enrolments().Invite(name, now, random).value();
    const EnrolledSite enrolled = node.enrolments().Enrol(Request(site, token).Encode(), now).value();
    site.id = enrolled.id;
    site.fingerprint = enrolled.fingerprint;
    const std::string pem =
        keys.SignCertificate(node.enrolments().RequestOf(enrolled), enrolled.fingerprint, now, random).value();
    EXPECT_TRUE(node.enrolments().StoreCertificate(enrolled.fingerprint, pem, keys.ca_pem(), now).ok());
    EXPECT_TRUE(WriteWholeFile(site.folder / "tls.crt", AsBytes(pem)).ok());
    sites.push_back(std::move(site));
  }
  const std::uint32_t version = node.trial().roster() ? node.trial().roster()->version + 1 : 1;
  const SignedRoster roster = SignRoster(keys.key(), keys.MakeRoster("test", version).value()).value();
  bool fatal = false;
  const Status published = node.PublishRoster(Pack(roster), [&](const Input& input) {
    return node.Apply(
        input, SteadyNow(), [](Effect&&) { return Status(); }, fatal);
  });
  EXPECT_TRUE(published.ok()) << published.error().message;
  return sites;
}

}  // namespace fedtrial::coordinator
