#include "coordinator/shell/node.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/runtime/clock.h"
#include "common/runtime/files.h"
#include "coordinator/tasks/network_start.h"
#include "security/crypto/sha256.h"
#include "security/pki/approval.h"
#include "security/pki/certificates.h"
#include "security/pki/revocation.h"
#include "security/pki/signed_bytes.h"

namespace fedtrial::coordinator {
namespace {

// Finished attempts, one record each, never truncated; and the open attempt's records, which the next of those
// supersedes.
constexpr std::string_view kFinished = "trial";
constexpr std::string_view kOpen = "attempt";
constexpr std::string_view kTrialTable = "trial";
constexpr std::string_view kRosterTable = "roster";
constexpr std::string_view kRevocationTable = "revocations";
constexpr std::string_view kKeyRole = "signing-key";
constexpr std::size_t kMaxPlanBytes = std::size_t{1} << 20;

std::string VersionKey(std::uint64_t version) { return fmt::format("{:020}", version); }

Status WriteKeys(const NewTrial& trial, const std::string& trial_id, const Consortium& consortium, std::time_t now,
                 Random& random, TrialRecord& record) {
  const StatePaths& paths = trial.paths;
  ASSIGN_OR_RETURN(const Sealer sealer, Sealer::Create(paths.kek(), trial_id, random));
  ASSIGN_OR_RETURN(const SecretBuffer tls_key, GenerateTlsKey());
  RETURN_IF_ERROR(WriteNewFile(paths.tls_key(), tls_key.view()));
  const SigningKey signing = SigningKey::Generate(random);
  RETURN_IF_ERROR(sealer.WriteFile(paths.signing_key(), kKeyRole, signing.seed()));
  ASSIGN_OR_RETURN(record.csr_pem, MakeCsr(tls_key.view(), trial.hosts.front()));
  ASSIGN_OR_RETURN(const Digest spki, SpkiOfKey(tls_key.view()));
  record.fingerprint = EnrolmentFingerprint(spki, signing.PublicKey());
  const CertificateRequest request{trial_id,       kCoordinatorId,      trial.hosts.front(),
                                   record.csr_pem, signing.PublicKey(), trial.hosts};
  ASSIGN_OR_RETURN(const std::string certificate, consortium.SignCertificate(request, record.fingerprint, now, random));
  RETURN_IF_ERROR(WriteWholeFile(paths.certificate(), AsBytes(certificate)));
  return WriteWholeFile(paths.ca(), AsBytes(consortium.ca_pem()));
}

// Empty for a plan without one.
Result<Bytes> CheckedStartFile(const NewTrial& trial, const Plan& plan) {
  if (!plan.network.start) return Bytes();
  ASSIGN_OR_RETURN(Bytes file, ReadWholeFile(trial.plan_folder / plan.network.start->file, kMaxModelBytes));
  if (const auto tensors = ReadStartFile(plan, file); !tensors.ok()) return tensors.error();
  return file;
}

}  // namespace

std::string TrialRecord::ToJson() const {
  return nlohmann::json{{"trial", trial_id},
                        {"consortium", ToHex(consortium)},
                        {"plan_signature", ToHex(plan_signature)},
                        {"hosts", hosts},
                        {"csr", csr_pem},
                        {"fingerprint", fingerprint}}
      .dump();
}

Result<TrialRecord> TrialRecord::FromJson(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    TrialRecord record;
    record.trial_id = json.at("trial").get<std::string>();
    ASSIGN_OR_RETURN(record.consortium, DigestFromHex(json.at("consortium").get<std::string>()));
    ASSIGN_OR_RETURN(record.plan_signature, FromHex(json.at("plan_signature").get<std::string>()));
    record.hosts = json.at("hosts").get<std::vector<std::string>>();
    record.csr_pem = json.at("csr").get<std::string>();
    record.fingerprint = json.at("fingerprint").get<std::string>();
    return record;
  } catch (const nlohmann::json::exception&) {
    return Error{ErrorCode::kIntegrity, "the trial's record in trial.db can't be read"};
  }
}

Status CreateTrial(const NewTrial& trial, const Consortium& consortium, std::time_t now, Random& random) {
  const StatePaths& paths = trial.paths;
  ASSIGN_OR_RETURN(const Plan plan, ParsePlan(trial.plan_toml, trial.plan_name));
  ASSIGN_OR_RETURN(const Bytes start_file, CheckedStartFile(trial, plan));
  if (std::error_code error; std::filesystem::exists(paths.database(), error))
    return Error{ErrorCode::kInvalidInput, fmt::format("{} holds a trial already", paths.folder.string())};
  if (std::error_code error; std::filesystem::exists(paths.keys(), error))
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} holds keys but no trial (an `init` that was interrupted?): remove "
                             "the folder, or choose another",
                             paths.folder.string())};
  for (const auto& folder : {paths.folder, paths.keys(), paths.models(), paths.server_states(), paths.spools()})
    RETURN_IF_ERROR(EnsurePrivateFolder(folder));
  ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(paths.folder, "fedtrial-coordinator init"));
  TrialRecord record;
  record.trial_id = plan.trial_id;
  record.consortium = consortium.verify_key();
  record.plan_signature = ToBytes(SignPlan(consortium.key(), plan.hash));
  record.hosts = trial.hosts;
  RETURN_IF_ERROR(WriteKeys(trial, plan.trial_id, consortium, now, random, record));
  if (plan.network.start) {
    ASSIGN_OR_RETURN(const Sealer sealer, Sealer::Open(paths.kek(), plan.trial_id, random));
    RETURN_IF_ERROR(ModelFiles(paths, sealer).WriteStart(start_file));
  }
  RETURN_IF_ERROR(WriteWholeFile(paths.plan(), AsBytes(trial.plan_toml)));
  RETURN_IF_ERROR(WriteWholeFile(paths.config(), AsBytes(trial.config_toml)));
  ASSIGN_OR_RETURN(const auto audit, AuditFile::Open(paths.folder, ToString(kCoordinatorId), plan.trial_id));
  RETURN_IF_ERROR(audit->Append("create", 0, plan.hash));
  ASSIGN_OR_RETURN(const auto store, OpenSqliteStore(paths.database(), {.mode = StoreOptions::Mode::kCreate,
                                                                        .trial = plan.trial_id,
                                                                        .schema = kCoordinatorSchema,
                                                                        .upgrade = nullptr}));
  return store->Put(kTrialTable, "self", AsBytes(record.ToJson()));
}

Result<std::unique_ptr<Node>> Node::Open(const StatePaths& paths, Mode mode, Duration patience) {
  if (std::error_code error; !std::filesystem::exists(paths.database(), error))
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} holds no trial: make one with `fedtrial-coordinator init`", paths.folder.string())};
  std::unique_ptr<Node> node(new Node(paths));
  RETURN_IF_ERROR(node->OpenParts(mode, patience));
  node->trial_.emplace(TrialIdentity{node->plan_, node->record_.consortium, [&] {
                                       auto key = SigningKey::FromSeed(node->signing_.seed());
                                       return std::move(key).value();
                                     }()});
  RETURN_IF_ERROR(node->Replay());
  return node;
}

Status Node::OpenParts(Mode mode, Duration patience) {
  const bool locked = mode == Mode::kLocked;
  if (locked) {
    ASSIGN_OR_RETURN(lock_, FolderLock::Take(paths_.folder, "fedtrial-coordinator", patience));
  }
  ASSIGN_OR_RETURN(const Bytes plan_bytes, ReadWholeFile(paths_.plan(), kMaxPlanBytes));
  plan_toml_ = std::string(AsText(plan_bytes));
  ASSIGN_OR_RETURN(plan_, ParsePlan(plan_toml_, paths_.plan().string()));
  ASSIGN_OR_RETURN(store_, OpenSqliteStore(paths_.database(),
                                           {.mode = locked ? StoreOptions::Mode::kOpen : StoreOptions::Mode::kReadOnly,
                                            .trial = plan_.trial_id,
                                            .schema = kCoordinatorSchema,
                                            .upgrade = nullptr}));
  ASSIGN_OR_RETURN(const auto record, store_->Get(kTrialTable, "self"));
  if (!record)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} holds half a trial (an `init` that was interrupted?): remove the "
                             "folder, or choose another",
                             paths_.folder.string())};
  ASSIGN_OR_RETURN(record_, TrialRecord::FromJson(AsText(*record)));
  if (!VerifyPlan(record_.consortium, plan_.hash, record_.plan_signature))
    return Error{
        ErrorCode::kIntegrity,
        fmt::format("{} isn't the plan that the consortium signed: a trial's plan is locked", paths_.plan().string())};
  ASSIGN_OR_RETURN(sealer_, Sealer::Open(paths_.kek(), plan_.trial_id, random_));
  Bytes seed;
  ASSIGN_OR_RETURN(seed, sealer_->ReadFile(paths_.signing_key(), kKeyRole, 32));
  auto signing = SigningKey::FromSeed(seed);
  Wipe(seed);
  if (!signing.ok()) return signing.error().In(paths_.signing_key().string());
  signing_ = std::move(signing).value();
  models_.emplace(paths_, *sealer_);
  if (locked && plan_.network.start) {
    ASSIGN_OR_RETURN(const Bytes start_file, models_->ReadStart());
    if (const auto tensors = ReadStartFile(plan_, start_file); !tensors.ok()) return tensors.error();
  }
  enrolments_.emplace(*store_, plan_.trial_id);
  ledger_.emplace(*store_);
  if (!locked) return {};
  ASSIGN_OR_RETURN(audit_, AuditFile::Open(paths_.folder, ToString(kCoordinatorId), plan_.trial_id));
  for (const auto& folder : {paths_.models(), paths_.server_states()}) RETURN_IF_ERROR(RemoveTemporaryFiles(folder));
  return {};
}

Status Node::Replay() {
  for (const std::string_view stream : {kFinished, kOpen}) {
    ASSIGN_OR_RETURN(const auto records, store_->Read(stream));
    for (const JournalRecord& record : records) {
      const auto where = [&] {
        return fmt::format("{}, journal {}, record {}", paths_.database().string(), stream, record.sequence);
      };
      const auto plain = sealer_->OpenColumn(stream, record.bytes);
      if (!plain.ok()) return plain.error().In(where());
      if (const Status replayed = trial_->Replay(plain->view()); !replayed.ok()) return replayed.error().In(where());
    }
  }
  return {};
}

Status Node::Apply(const Input& input, Time now, const OtherEffect& other, bool& fatal) {
  fatal = false;
  ASSIGN_OR_RETURN(Effects effects, trial_->Handle(input, now));
  const Status done = CarryOut(std::move(effects), other);
  fatal = !done.ok();
  return done;
}

Status Node::CarryOut(Effects effects, const OtherEffect& other) {
  for (Effect& effect : effects) {
    if (const auto* journal = std::get_if<Journal>(&effect)) {
      ASSIGN_OR_RETURN(const Bytes sealed, sealer_->SealColumn(kOpen, journal->record));
      RETURN_IF_ERROR(store_->Append(kOpen, sealed));
    } else if (const auto* compact = std::get_if<CompactJournal>(&effect)) {
      ASSIGN_OR_RETURN(const Bytes sealed, sealer_->SealColumn(kFinished, compact->record));
      RETURN_IF_ERROR(store_->Transaction([&]() -> Status {
        RETURN_IF_ERROR(store_->Truncate(kOpen));
        ASSIGN_OR_RETURN([[maybe_unused]] const auto sequence, store_->Append(kFinished, sealed));
        return {};
      }));
    } else if (const auto* audit = std::get_if<Audit>(&effect)) {
      RETURN_IF_ERROR(audit_->Append(audit->action, audit->round.round, audit->detail));
    } else {
      RETURN_IF_ERROR(other(std::move(effect)));
    }
  }
  return {};
}

Status Node::PublishRoster(ByteView packed, const std::function<Status(Input)>& apply) {
  ASSIGN_OR_RETURN(const SignedRoster signed_roster, UnpackRoster(packed));
  ASSIGN_OR_RETURN(const Roster next, OpenRoster(record_.consortium, signed_roster));
  if (next.trial_id != plan_.trial_id)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the roster is of trial {}, this is {}", next.trial_id, plan_.trial_id)};
  if (trial_->roster()) RETURN_IF_ERROR(CheckNextRoster(*trial_->roster(), next));
  RETURN_IF_ERROR(store_->Put(kRosterTable, VersionKey(next.version), packed));
  return apply(RosterPublished{ToBytes(packed)});
}

Status Node::PublishRevocations(ByteView packed, const std::function<Status(Input)>& apply) {
  ASSIGN_OR_RETURN(const SignedRevocationList signed_list, UnpackRevocationList(packed));
  ASSIGN_OR_RETURN(const RevocationList next, OpenRevocationList(record_.consortium, signed_list));
  if (next.trial_id != plan_.trial_id)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the revocation list is of trial {}, this is {}", next.trial_id, plan_.trial_id)};
  ASSIGN_OR_RETURN(const auto current, Revocations());
  if (current) RETURN_IF_ERROR(CheckNextRevocationList(*current, next));
  RETURN_IF_ERROR(apply(SiteRevoked{ToBytes(packed)}));
  return store_->Put(kRevocationTable, "now", packed);
}

Result<std::optional<Bytes>> Node::SignedRosterNow() const {
  if (!trial_->roster()) return std::optional<Bytes>();
  return store_->Get(kRosterTable, VersionKey(trial_->roster()->version));
}

Result<std::optional<Bytes>> Node::RevocationsNow() const { return store_->Get(kRevocationTable, "now"); }

Result<std::optional<RevocationList>> Node::Revocations() const {
  ASSIGN_OR_RETURN(const auto packed, RevocationsNow());
  if (!packed) return std::optional<RevocationList>();
  ASSIGN_OR_RETURN(const SignedRevocationList signed_list, UnpackRevocationList(*packed));
  ASSIGN_OR_RETURN(RevocationList list, OpenRevocationList(record_.consortium, signed_list));
  return std::optional(std::move(list));
}

std::string Node::NameOf(SiteId site) const {
  const RosterEntry* entry = trial_->roster() ? trial_->roster()->Find(site) : nullptr;
  return entry == nullptr ? ToString(site) : entry->name;
}

}  // namespace fedtrial::coordinator
