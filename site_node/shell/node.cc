#include "site_node/shell/node.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/runtime/clock.h"
#include "common/runtime/files.h"
#include "security/crypto/sha256.h"
#include "security/pki/certificates.h"

namespace fedtrial::site {
namespace {

constexpr std::string_view kJournal = "participant";
constexpr std::size_t kMaxSeedFile = 4096;

}  // namespace

std::filesystem::path StatePaths::words(std::uint64_t round) const {
  return folder / "upload" / fmt::format("{}.words", round);
}

std::filesystem::path StatePaths::masked(const RoundId& round) const {
  return folder / "upload" / fmt::format("{}-{}.masked", round.round, round.attempt);
}

std::string Enrolment::ToJson() const {
  return nlohmann::json({{"trial", trial_id},
                         {"site", site_name},
                         {"coordinator", coordinator},
                         {"consortium", ToHex(consortium)},
                         {"id", id},
                         {"fingerprint", fingerprint},
                         {"plan_signature", ToHex(plan_signature)}})
      .dump();
}

Result<Enrolment> Enrolment::FromJson(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const Error bad{ErrorCode::kIntegrity, "the enrolment record in site.db can't be read"};
  if (!json.is_object()) return bad;
  for (const char* key : {"trial", "site", "coordinator", "consortium", "fingerprint", "plan_signature"})
    if (!json.contains(key) || !json.at(key).is_string()) return bad;
  if (!json.contains("id") || !json.at("id").is_number_unsigned()) return bad;
  Enrolment enrolment;
  enrolment.trial_id = json.at("trial").get<std::string>();
  enrolment.site_name = json.at("site").get<std::string>();
  enrolment.coordinator = json.at("coordinator").get<std::string>();
  enrolment.fingerprint = json.at("fingerprint").get<std::string>();
  enrolment.id = json.at("id").get<std::uint32_t>();
  ASSIGN_OR_RETURN(enrolment.consortium, DigestFromHex(json.at("consortium").get<std::string>()));
  ASSIGN_OR_RETURN(enrolment.plan_signature, FromHex(json.at("plan_signature").get<std::string>()));
  return enrolment;
}

Status CreateState(const StatePaths& paths, Random& random) {
  for (const char* name : {"keys", "models", "cache", "upload"})
    RETURN_IF_ERROR(EnsurePrivateFolder(paths.folder / name));
  ASSIGN_OR_RETURN(const Sealer sealer, Sealer::Create(paths.kek(), "", random));
  ASSIGN_OR_RETURN(const SecretBuffer tls_key, GenerateTlsKey());
  RETURN_IF_ERROR(WriteNewFile(paths.tls_key(), tls_key.view()));
  const SigningKey signing = SigningKey::Generate(random);
  return sealer.WriteFile(paths.signing_key(), "signing-key", signing.seed());
}

Result<SiteKeys> LoadKeys(const StatePaths& paths, Random& random) {
  // The keys are older than the enrolment, so they are sealed without a trial.
  ASSIGN_OR_RETURN(const Sealer sealer, Sealer::Open(paths.kek(), "", random));
  ASSIGN_OR_RETURN(Bytes seed, sealer.ReadFile(paths.signing_key(), "signing-key", kMaxSeedFile));
  auto signing = SigningKey::FromSeed(seed);
  Wipe(seed);
  if (!signing.ok()) return signing.error();
  ASSIGN_OR_RETURN(SecretBuffer tls_key, ReadKeyFile(paths.tls_key()));
  return SiteKeys{std::move(tls_key), std::move(signing).value()};
}

Result<Enrolment> LoadEnrolment(Store& store) {
  ASSIGN_OR_RETURN(const auto record, store.Get(kEnrolmentTable, "self"));
  if (!record)
    return Error{ErrorCode::kNotEnrolled, "this site isn't enrolled in a trial yet: run `fedtrial-site enrol` first"};
  return Enrolment::FromJson(AsText(*record));
}

Result<Digest> SoftwareDigest() {
  ASSIGN_OR_RETURN(const Bytes program, ReadWholeFile("/proc/self/exe", std::size_t{1} << 30));
  return Sha256(program);
}

Result<std::unique_ptr<Node>> Node::Open(const StatePaths& paths, Duration patience) {
  std::unique_ptr<Node> node(new Node(paths));
  if (!std::filesystem::exists(paths.database()))
    return Error{
        ErrorCode::kNotEnrolled,
        fmt::format("{} holds no enrolled site: run `fedtrial-site init` and `enrol` first", paths.folder.string())};
  ASSIGN_OR_RETURN(node->lock_, FolderLock::Take(paths.folder, "fedtrial-site", patience));
  ASSIGN_OR_RETURN(
      node->store_,
      OpenSqliteStore(paths.database(),
                      {.mode = StoreOptions::Mode::kOpen, .trial = "", .schema = kSiteSchema, .upgrade = nullptr}));
  ASSIGN_OR_RETURN(node->enrolment_, LoadEnrolment(*node->store_));
  if (node->enrolment_.id == 0)
    return Error{ErrorCode::kNotEnrolled, "the enrolment isn't finished: run `fedtrial-site enrol` again, it goes on"};
  ASSIGN_OR_RETURN(SiteKeys keys, LoadKeys(paths, node->random_));
  ASSIGN_OR_RETURN(const SigningKey participant_key, SigningKey::FromSeed(keys.signing.seed()));
  ASSIGN_OR_RETURN(node->sealer_, Sealer::Open(paths.kek(), node->enrolment_.trial_id, node->random_));
  ASSIGN_OR_RETURN(node->audit_,
                   AuditFile::Open(paths.folder, ToString(SiteId{node->enrolment_.id}), node->enrolment_.trial_id));
  ASSIGN_OR_RETURN(const Digest software, SoftwareDigest());
  for (const char* name : {"models", "upload"}) RETURN_IF_ERROR(RemoveTemporaryFiles(paths.folder / name));
  ASSIGN_OR_RETURN(SigningKey core_key, SigningKey::FromSeed(participant_key.seed()));
  node->signing_ = std::move(keys.signing);
  node->participant_.emplace(SiteIdentity{SiteId{node->enrolment_.id}, node->enrolment_.trial_id, std::move(core_key),
                                          node->enrolment_.consortium, software},
                             node->random_);
  RETURN_IF_ERROR(node->Replay());
  RETURN_IF_ERROR(node->PinRoster());
  return node;
}

// The roster that enrolment brought is the first the participant knows.
Status Node::PinRoster() {
  if (participant_->roster()) return {};
  ASSIGN_OR_RETURN(const auto roster, store_->Get(kEnrolmentTable, "roster"));
  if (!roster) return {};
  return Apply(RosterReceived{*roster, /*pinned_by_operator=*/true}, SteadyNow(), [](Effect&&) {});
}

Status Node::Replay() {
  ASSIGN_OR_RETURN(const auto records, store_->Read(kJournal));
  for (const JournalRecord& record : records) {
    auto plain = sealer_->OpenColumn(kJournal, record.bytes);
    if (!plain.ok()) return plain.error().In(fmt::format("site.db, journal record {}", record.sequence));
    const Status replayed = participant_->Replay(plain->view());
    if (!replayed.ok()) return replayed.error().In(fmt::format("site.db, journal record {}", record.sequence));
  }
  return {};
}

Status Node::Apply(const Input& input, Time now, const OtherEffect& other) {
  ASSIGN_OR_RETURN(Effects effects, participant_->Handle(input, now));
  return CarryOut(std::move(effects), other);
}

Status Node::CarryOut(Effects effects, const OtherEffect& other) {
  for (Effect& effect : effects) {
    if (auto* journal = std::get_if<Journal>(&effect)) {
      ASSIGN_OR_RETURN(const Bytes sealed, sealer_->SealColumn(kJournal, journal->record));
      Wipe(journal->record);
      RETURN_IF_ERROR(store_->Append(kJournal, sealed));
    } else if (auto* compact = std::get_if<CompactJournal>(&effect)) {
      ASSIGN_OR_RETURN(const Bytes sealed, sealer_->SealColumn(kJournal, compact->record));
      RETURN_IF_ERROR(store_->Transaction([&]() -> Status {
        RETURN_IF_ERROR(store_->Truncate(kJournal));
        RETURN_IF_ERROR(store_->Append(kJournal, sealed));
        return {};
      }));
    } else if (const auto* audit = std::get_if<Audit>(&effect)) {
      RETURN_IF_ERROR(audit_->Append(audit->action, audit->round.round, audit->detail));
    } else {
      other(std::move(effect));
    }
  }
  return {};
}

TlsFiles Node::tls_files() const { return {paths_.certificate(), paths_.tls_key(), paths_.ca()}; }

const VerifyKey* Node::CoordinatorKey() const {
  const auto& roster = participant_->roster();
  const RosterEntry* entry = roster ? roster->Find(kCoordinatorId) : nullptr;
  return entry == nullptr ? nullptr : &entry->row.signing_key;
}

std::optional<Digest> Node::CoordinatorSpki() const {
  const auto& roster = participant_->roster();
  const RosterEntry* entry = roster ? roster->Find(kCoordinatorId) : nullptr;
  if (entry == nullptr) return std::nullopt;
  return entry->row.spki;
}

}  // namespace fedtrial::site
