#pragma once

#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "security/crypto/ed25519.h"
#include "security/pki/roster.h"

namespace fedtrial::coordinator {

// A request for a certificate as it lies at the coordinator, to be signed by the consortium.
struct CertificateRequest {
  std::string trial_id;
  SiteId id;
  std::string name;  // the site's; of the coordinator (id 0) the first name that it is dialled by
  std::string csr_pem;
  VerifyKey signing_key{};
  std::vector<std::string> hosts;  // of the coordinator: DNS names and addresses

  std::string ToJson() const;
  static Result<CertificateRequest> FromJson(std::string_view json);
};

// The consortium's folder: its CA, the key that signs rosters, plans and revocation lists, and signed.jsonl, its own
// record of whom it has let in, from which alone rosters are made. No daemon opens it.
class Consortium {
 public:
  static Status Create(const std::filesystem::path& folder, std::string_view name, std::time_t now, Random& random);
  static Result<Consortium> Open(const std::filesystem::path& folder);

  const std::string& ca_pem() const { return ca_pem_; }
  const SigningKey& key() const { return key_; }
  const VerifyKey& verify_key() const { return key_.PublicKey(); }

  // kIntegrity unless `fingerprint`, which a person has compared, is that of the request's two keys. Written to
  // signed.jsonl before the certificate is given out.
  Result<std::string> SignCertificate(const CertificateRequest& request, std::string_view fingerprint, std::time_t now,
                                      Random& random) const;

  // Everybody signed for this trial so far.
  Result<Roster> MakeRoster(std::string_view trial_id, std::uint32_t version) const;

 private:
  Consortium(std::filesystem::path folder, std::string ca_pem, SecretBuffer ca_key, SigningKey key)
      : folder_(std::move(folder)), ca_pem_(std::move(ca_pem)), ca_key_(std::move(ca_key)), key_(std::move(key)) {}
  Result<std::vector<RosterEntry>> Signed(std::string_view trial_id) const;

  std::filesystem::path folder_;
  std::string ca_pem_;
  SecretBuffer ca_key_;
  SigningKey key_;
};

// Spaces, dashes and case are a matter of how it was read out.
bool SameFingerprint(std::string_view a, std::string_view b);

}  // namespace fedtrial::coordinator
