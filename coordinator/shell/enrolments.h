#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/runtime/store.h"
#include "coordinator/shell/consortium.h"
#include "security/pki/enrolment.h"

namespace fedtrial::coordinator {

// One invited site, from its token to its approval.
struct EnrolledSite {
  SiteId id;
  std::string name;
  Digest token_hash{};
  std::time_t token_issued = 0;
  bool token_used = false;
  std::string fingerprint;  // "" until it asked to be let in
  std::string csr_pem;
  VerifyKey signing_key{};
  Digest spki{};
  std::string certificate_pem;  // "" until the consortium signed
  std::string approved_by;      // "" until its operator approved the plan
  std::string approved_at;

  std::string ToJson() const;
  static Result<EnrolledSite> FromJson(std::string_view json);
};

// Table "site" of trial.db. An id is given with the first token, in the order of the invitations, and stays: so it
// doesn't depend on who enrols first. One thread (the driver's).
class Enrolments {
 public:
  Enrolments(Store& store, std::string trial_id) : store_(store), trial_id_(std::move(trial_id)) {}

  // A new token for this name; an older one no longer counts. For a site that is enrolled already it lets new keys in,
  // with the next roster.
  Result<EnrolToken> Invite(std::string_view name, std::time_t now, Random& random);
  // EncodeEnrolRequest's bytes: signatures, name and token are checked; the token is used up. The same request again
  // gets the same answer.
  Result<EnrolledSite> Enrol(ByteView request, std::time_t now);
  // kInvalidInput if nobody has this fingerprint.
  Result<EnrolledSite> FindByFingerprint(std::string_view fingerprint) const;
  Result<std::optional<EnrolledSite>> Find(SiteId id) const;
  Result<std::vector<EnrolledSite>> List() const;  // by id
  // What the consortium is asked to sign.
  CertificateRequest RequestOf(const EnrolledSite& site) const;
  // Refuses a certificate that isn't for this site's key and name or not of `ca_pem`.
  Status StoreCertificate(std::string_view fingerprint, std::string_view certificate_pem, std::string_view ca_pem,
                          std::time_t now);
  Status Approved(SiteId id, std::string_view name, std::string_view time);

 private:
  Result<std::optional<EnrolledSite>> Get(std::string_view name) const;
  Status Put(const EnrolledSite& site);

  Store& store_;
  const std::string trial_id_;
};

}  // namespace fedtrial::coordinator
