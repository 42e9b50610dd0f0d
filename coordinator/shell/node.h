#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/runtime/audit_file.h"
#include "common/runtime/credentials.h"
#include "common/runtime/folder_lock.h"
#include "common/runtime/sealed_file.h"
#include "common/runtime/store.h"
#include "coordinator/core/trial.h"
#include "coordinator/shell/consortium.h"
#include "coordinator/shell/enrolments.h"
#include "coordinator/shell/ledger.h"
#include "coordinator/shell/model_files.h"
#include "coordinator/shell/state_paths.h"
#include "security/crypto/system_random.h"
#include "security/pki/revocation.h"

namespace fedtrial::coordinator {

inline constexpr std::uint32_t kCoordinatorSchema = 1;

// What `init` left in table "trial" of trial.db.
struct TrialRecord {
  std::string trial_id;
  VerifyKey consortium{};
  Bytes plan_signature;            // the consortium's (SignPlan)
  std::vector<std::string> hosts;  // names in the coordinator's certificate; the first is what sites dial
  std::string csr_pem;             // of the coordinator's TLS key, for the next certificate
  std::string fingerprint;         // over the coordinator's own two keys

  std::string ToJson() const;
  static Result<TrialRecord> FromJson(std::string_view json);
};

// Makes the state folder of a new trial: checks the plan and its start file and locks them, makes this coordinator's
// keys and has them and the plan signed by the consortium. Refuses a folder that holds a trial. trial.db comes last:
// without it there is none.
struct NewTrial {
  StatePaths paths;
  std::string plan_toml;
  std::string plan_name;  // of the file, for what is said of its problems
  std::vector<std::string> hosts;
  std::string config_toml;
  std::filesystem::path plan_folder = {};  // where a start file of the plan lies
};
Status CreateTrial(const NewTrial& trial, const Consortium& consortium, std::time_t now, Random& random);

// The state folder with its trial as the journal left it. One thread (the driver's) applies inputs; files, sealer,
// audit file and the plan's text may be used from any.
class Node {
 public:
  enum class Mode {
    kLocked,    // kUnavailable if another process has the folder for `patience`; checks the start file once more
    kReadOnly,  // beside a daemon or without one: shows what was committed; Apply is not to be called
  };
  static Result<std::unique_ptr<Node>> Open(const StatePaths& paths, Mode mode, Duration patience = Duration(0));

  using OtherEffect = std::function<Status(Effect&&)>;
  // Handles the input and carries out its effects in order: Journal, CompactJournal and Audit here, durably, the others
  // by `other`. `fatal` tells an input refused (nothing has changed) from a failing disk: then the trial may be ahead
  // of its journal, and the process must end.
  Status Apply(const Input& input, Time now, const OtherEffect& other, bool& fatal);
  Status CarryOut(Effects effects, const OtherEffect& other);

  // Both check and store before the trial is told. The bytes are Pack's (security/pki/signed_bytes.h).
  Status PublishRoster(ByteView packed, const std::function<Status(Input)>& apply);
  Status PublishRevocations(ByteView packed, const std::function<Status(Input)>& apply);
  Result<std::optional<Bytes>> SignedRosterNow() const;
  Result<std::optional<Bytes>> RevocationsNow() const;  // packed
  Result<std::optional<RevocationList>> Revocations() const;

  Trial& trial() { return *trial_; }
  const Trial& trial() const { return *trial_; }
  const Plan& plan() const { return plan_; }
  const std::string& plan_toml() const { return plan_toml_; }
  const TrialRecord& record() const { return record_; }
  const StatePaths& paths() const { return paths_; }
  const SigningKey& signing_key() const { return signing_; }
  const ModelFiles& models() const { return *models_; }
  Store& store() { return *store_; }
  AuditFile& audit() { return *audit_; }  // only kLocked
  Enrolments& enrolments() { return *enrolments_; }
  Ledger& ledger() { return *ledger_; }
  Random& random() { return random_; }
  TlsFiles tls_files() const { return {paths_.certificate(), paths_.tls_key(), paths_.ca()}; }
  std::string NameOf(SiteId site) const;  // the roster's, or "site-7"

 private:
  explicit Node(StatePaths paths) : paths_(std::move(paths)), signing_(SigningKey::Generate(random_)) {}
  Status OpenParts(Mode mode, Duration patience);
  Status Replay();

  const StatePaths paths_;
  SystemRandom random_;
  std::optional<FolderLock> lock_;
  std::unique_ptr<Store> store_;
  std::optional<Sealer> sealer_;
  SigningKey signing_;  // replaced by the folder's on Open
  TrialRecord record_;
  std::string plan_toml_;
  Plan plan_;
  std::optional<ModelFiles> models_;
  std::optional<Enrolments> enrolments_;
  std::optional<Ledger> ledger_;
  std::unique_ptr<AuditFile> audit_;
  std::optional<Trial> trial_;
};

}  // namespace fedtrial::coordinator
