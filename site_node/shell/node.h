#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/runtime/audit_file.h"
#include "common/runtime/credentials.h"
#include "common/runtime/folder_lock.h"
#include "common/runtime/sealed_file.h"
#include "common/runtime/store.h"
#include "security/crypto/system_random.h"
#include "site_node/core/participant.h"

namespace fedtrial::site {

inline constexpr std::uint32_t kSiteSchema = 1;
inline constexpr std::string_view kEnrolmentTable =
    "enrolment";                                                // "self": Enrolment, "roster": as enrolment brought it
inline constexpr std::string_view kApprovalTable = "approval";  // "current": the operator's, as encoded

// Where everything of a site's state folder lies.
struct StatePaths {
  std::filesystem::path folder;

  std::filesystem::path config() const { return folder / "site.toml"; }
  std::filesystem::path database() const { return folder / "site.db"; }
  std::filesystem::path kek() const { return folder / "keys" / "kek"; }
  std::filesystem::path tls_key() const { return folder / "keys" / "tls.key"; }
  std::filesystem::path signing_key() const { return folder / "keys" / "signing.key"; }  // sealed seed
  std::filesystem::path cache_key() const { return folder / "keys" / "cache.key"; }      // sealed
  std::filesystem::path cache() const { return folder / "cache"; }                       // prepared volumes, sealed
  std::filesystem::path prepared() const { return folder / "prepared"; }  // what a person may see of them
  std::filesystem::path certificate() const { return folder / "keys" / "tls.crt"; }
  std::filesystem::path ca() const { return folder / "keys" / "ca.crt"; }
  std::filesystem::path plan() const { return folder / "plan.toml"; }
  std::filesystem::path model(const Digest& digest) const { return folder / "models" / ToHex(digest); }
  std::filesystem::path words(std::uint64_t round) const;
  std::filesystem::path masked(const RoundId& round) const;
};

// What enrolment left behind: table "enrolment" of site.db.
struct Enrolment {
  std::string trial_id, site_name, coordinator;
  VerifyKey consortium{};
  std::uint32_t id = 0;  // row of the roster; 0 until it is signed
  std::string fingerprint;
  Bytes plan_signature;  // the consortium's over plan.toml

  std::string ToJson() const;
  static Result<Enrolment> FromJson(std::string_view json);
};

// The keys made by `init`, which never leave the folder.
struct SiteKeys {
  SecretBuffer tls_key_pem;
  SigningKey signing;
};

// Creates the folders, KEK, TLS key and signing key. Refuses a folder that has them.
Status CreateState(const StatePaths& paths, Random& random);
Result<SiteKeys> LoadKeys(const StatePaths& paths, Random& random);

// The state folder, locked and opened, with the participant as the journal left it. One thread (the driver's) calls
// Apply; audit and sealer may be used from any.
class Node {
 public:
  // kUnavailable if another process has the folder for `patience`; kNotEnrolled before `enrol` is done.
  static Result<std::unique_ptr<Node>> Open(const StatePaths& paths, Duration patience = Duration(0));

  using OtherEffect = std::function<void(Effect&&)>;
  // Handles the input and carries out its effects in order: Journal, CompactJournal and Audit here, durably, the others
  // by `other`. An error after the journal is written is a failing disk: the caller stops, and the journal brings it
  // back.
  Status Apply(const Input& input, Time now, const OtherEffect& other);
  Status CarryOut(Effects effects, const OtherEffect& other);

  Participant& participant() { return *participant_; }
  const Enrolment& enrolment() const { return enrolment_; }
  const StatePaths& paths() const { return paths_; }
  const SigningKey& signing_key() const { return signing_; }
  const Sealer& sealer() const { return *sealer_; }
  Store& store() { return *store_; }
  AuditFile& audit() { return *audit_; }
  TlsFiles tls_files() const;
  const VerifyKey* CoordinatorKey() const;  // null before a roster is pinned
  std::optional<Digest> CoordinatorSpki() const;

 private:
  explicit Node(StatePaths paths) : paths_(std::move(paths)), signing_(SigningKey::Generate(random_)) {}
  Status Replay();
  Status PinRoster();

  StatePaths paths_;
  SystemRandom random_;
  std::optional<FolderLock> lock_;
  std::unique_ptr<Store> store_;
  std::optional<Sealer> sealer_;
  SigningKey signing_;  // replaced by the folder's on Open
  Enrolment enrolment_;
  std::unique_ptr<AuditFile> audit_;
  std::optional<Participant> participant_;
};

// SHA-256 of this program's file: what a Hello says of the software.
Result<Digest> SoftwareDigest();

Result<Enrolment> LoadEnrolment(Store& store);

}  // namespace fedtrial::site
