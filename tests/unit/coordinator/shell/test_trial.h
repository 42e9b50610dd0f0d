#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "coordinator/shell/consortium.h"
#include "coordinator/shell/node.h"
#include "security/crypto/ed25519.h"
#include "security/crypto/seeded_random.h"

// A trial on disk, with a consortium and sites that hold real keys and certificates.
namespace fedtrial::coordinator {

// A new folder, removed at the end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path / name; }

  std::filesystem::path path;
};

std::string TestPlan();  // three sites, threshold 3, one round of each step
Manifest TestManifest(unsigned word_bits, std::uint64_t values);

struct TestSite {
  std::string name;
  SecretBuffer tls_key;
  SigningKey signing;
  SiteId id;
  std::string fingerprint;
  std::filesystem::path folder;  // tls.key, tls.crt and ca.crt, as fedtrial-site keeps them

  TlsFiles Tls() const { return {folder / "tls.crt", folder / "tls.key", folder / "ca.crt"}; }
  TlsFiles TlsWithoutCertificate() const { return {"", folder / "tls.key", folder / "ca.crt"}; }
};

class TestTrial {
 public:
  explicit TestTrial(std::uint64_t seed = 7);  // of keys and tokens

  Consortium consortium() const;
  StatePaths paths() const { return {folder / "state"}; }
  std::unique_ptr<Node> Open() const;

  // New keys and the enrolment request of a site with this token.
  TestSite MakeSite(const std::string& name);
  EnrolRequest Request(const TestSite& site, const EnrolToken& token);
  // Invites, enrols and signs without a network; then publishes a roster of them.
  std::vector<TestSite> EnrolSites(Node& node, const std::vector<std::string>& names);

  TempFolder folder;
  SeededRandom random;
};

}  // namespace fedtrial::coordinator
