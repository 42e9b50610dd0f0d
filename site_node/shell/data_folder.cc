#include "site_node/shell/data_folder.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/runtime/clock.h"
#include "common/runtime/files.h"
#include "common/runtime/log.h"
#include "security/crypto/sha256.h"
#include "security/pki/approval.h"
#include "security/pki/signed_bytes.h"
#include "site_node/cache/cached_visits.h"
#include "site_node/cache/visit_entry.h"
#include "site_node/shell/commands.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxPlanBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxModelBytes = std::size_t{8} << 30;
constexpr std::size_t kHeaderPrefix = std::size_t{17} << 20;
constexpr std::string_view kModelRole = "model";

Result<ModelHeader> ReadHeader(const Sealer& sealer, const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(SealedReader reader, sealer.OpenFile(file, kModelRole));
  Bytes prefix(static_cast<std::size_t>(std::min<std::uint64_t>(reader.size(), kHeaderPrefix)));
  RETURN_IF_ERROR(reader.ReadAt(0, prefix));
  return DecodeModelHeader(prefix, reader.size());
}

}  // namespace

std::string DataStamp(const std::filesystem::path& folder, const std::filesystem::path& cache) {
  std::vector<std::string> lines;
  std::error_code error;
  const auto add = [&](const std::filesystem::directory_entry& entry) {
    if (entry.path().extension() != ".tsv" || !entry.is_regular_file(error)) return;
    lines.push_back(fmt::format("{} {} {}", entry.path().string(), entry.file_size(error),
                                entry.last_write_time(error).time_since_epoch().count()));
  };
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) add(entry);
  for (const auto& entry : std::filesystem::directory_iterator(folder / "phenotype", error)) add(entry);
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}\n{}", fmt::join(lines, "\n"), CacheStamp(cache));
}

Result<CohortReading> ReadSiteCohort(const Plan& plan, const SiteConfig& config, const std::filesystem::path& cache) {
  const CachedVisits prepared(cache, plan.imaging);
  CohortOptions options;
  options.prepared = &prepared;
  options.columns = config.columns;
  return ReadCohort(plan, config.data_folder, options);
}

Result<std::string> ReadPlanText(Node& node) {
  ASSIGN_OR_RETURN(const Bytes bytes, ReadWholeFile(node.paths().plan(), kMaxPlanBytes));
  const auto& plan = node.participant().plan();
  if (!plan || Sha256(bytes) != plan->hash)
    return Error{ErrorCode::kNotApproved,
                 fmt::format("{} isn't the plan that was approved", node.paths().plan().string())};
  return std::string(AsText(bytes));
}

Result<SealedReader> OpenModel(const Node& node, const Digest& digest) {
  return node.sealer().OpenFile(node.paths().model(digest), kModelRole);
}

Result<ModelHeader> EnsureModel(Node& node, Link& link, const Digest& digest) {
  const std::filesystem::path file = node.paths().model(digest);
  if (std::filesystem::exists(file)) return ReadHeader(node.sealer(), file);
  ASSIGN_OR_RETURN(SealedWriter writer, node.sealer().StartFile(file, kModelRole));
  Sha256Stream hash;
  std::uint64_t size = 0;
  RETURN_IF_ERROR(link.DownloadModel(digest, [&](ByteView bytes) -> Status {
    size += bytes.size();
    if (size > kMaxModelBytes)
      return Error{ErrorCode::kInvalidInput, fmt::format("the model is larger than {} bytes", kMaxModelBytes)};
    hash.Update(bytes);
    return writer.Write(bytes);
  }));
  if (hash.Finish() != digest)
    return Error{ErrorCode::kIntegrity, fmt::format("the coordinator sent another model than {}", ToHex(digest))};
  RETURN_IF_ERROR(writer.Finish());
  return ReadHeader(node.sealer(), file);
}

void DropUploads(const StatePaths& paths, std::uint64_t round) {
  const std::string words = fmt::format("{}.words", round);
  const std::string masked = fmt::format("{}-", round);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(paths.folder / "upload", error)) {
    const std::string name = entry.path().filename().string();
    if (name != words && !name.starts_with(masked)) continue;
    if (const Status removed = RemoveFile(entry.path()); !removed.ok())
      LogWarning("an old upload can't be removed", {{"why", removed.error()}});
  }
}

Status ExchangeAuditHeads(Node& node, Link& link, const VerifyKey& coordinator) {
  ASSIGN_OR_RETURN(const SignedHead mine, node.audit().Sign(node.signing_key()));
  v1::HeadsMessage heads;
  const Bytes packed = PackHead(mine);
  heads.set_head(packed.data(), packed.size());
  ASSIGN_OR_RETURN(const auto stored, node.store().Get("heads", "coordinator"));
  if (stored) {
    ASSIGN_OR_RETURN(const SignedHead seen, UnpackHead(*stored));
    const Bytes message = PackHead(CountersignedHead{seen, CountersignHead(node.signing_key(), seen)});
    heads.set_countersigned(message.data(), message.size());
  }
  ASSIGN_OR_RETURN(const v1::HeadsMessage reply, link.ExchangeHeads(heads));

  ASSIGN_OR_RETURN(const SignedHead theirs, UnpackHead(AsBytes(reply.head())));
  if (!VerifyHead(coordinator, theirs))
    return Error{ErrorCode::kIntegrity, "the coordinator's audit head isn't signed by it"};
  if (stored) {
    ASSIGN_OR_RETURN(const SignedHead seen, UnpackHead(*stored));
    RETURN_IF_ERROR(CheckNextHead(seen.head, theirs.head));
  }
  RETURN_IF_ERROR(node.store().Put("heads", "coordinator", PackHead(theirs)));
  if (reply.countersigned().empty()) return {};
  ASSIGN_OR_RETURN(const CountersignedHead ours, UnpackCountersignedHead(AsBytes(reply.countersigned())));
  if (!VerifyCountersignature(coordinator, ours.head, ours.countersignature))
    return Error{ErrorCode::kIntegrity, "the coordinator's countersignature of our audit head doesn't hold"};
  return node.audit().Countersigned(ours.head, kCoordinatorId, ours.countersignature);
}

Status SendStoredApproval(Node& node, Link& link) {
  ASSIGN_OR_RETURN(const auto stored, node.store().Get(kApprovalTable, "current"));
  if (!stored) return {};
  ASSIGN_OR_RETURN(const Approval approval, Approval::Decode(*stored));
  v1::ApproveRequest request;
  request.set_plan_hash(approval.plan_hash.data(), approval.plan_hash.size());
  request.set_approval(stored->data(), stored->size());
  request.set_name(approval.name);
  request.set_time(approval.time);
  return link.Approve(request);
}

Result<LatestModel> LoadLatestModel(const StatePaths& paths) {
  ASSIGN_OR_RETURN(const std::string text, ChangeNode(paths, "status", "{}"));
  const auto status = nlohmann::json::parse(text, nullptr, false);
  if (!status.is_object()) return Error{ErrorCode::kInternal, "the daemon's status can't be read"};
  ASSIGN_OR_RETURN(const Digest digest, DigestFromHex(status.value("model", "")));
  if (digest == Digest{}) return Error{ErrorCode::kUnavailable, "there is no model yet: no round has been committed"};
  SystemRandom random;
  ASSIGN_OR_RETURN(const Sealer sealer, Sealer::Open(paths.kek(), status.value("trial", ""), random));
  ASSIGN_OR_RETURN(Bytes model, sealer.ReadFile(paths.model(digest), kModelRole, kMaxModelBytes));
  ASSIGN_OR_RETURN(const Bytes plan, ReadWholeFile(paths.plan(), kMaxPlanBytes));
  return LatestModel{std::string(AsText(plan)), std::move(model)};
}

Result<AuditKeys> AuditKeysOf(const StatePaths& paths) {
  SystemRandom random;
  ASSIGN_OR_RETURN(const SiteKeys keys, LoadKeys(paths, random));
  AuditKeys trusted;
  trusted.owner = keys.signing.PublicKey();
  ASSIGN_OR_RETURN(
      const auto store,
      OpenSqliteStore(paths.database(),
                      {.mode = StoreOptions::Mode::kReadOnly, .trial = "", .schema = kSiteSchema, .upgrade = nullptr}));
  ASSIGN_OR_RETURN(const Enrolment enrolment, LoadEnrolment(*store));
  ASSIGN_OR_RETURN(const auto packed, store->Get(kEnrolmentTable, "roster"));
  if (!packed) return trusted;
  ASSIGN_OR_RETURN(const SignedRoster signed_roster, UnpackRoster(*packed));
  ASSIGN_OR_RETURN(const Roster roster, OpenRoster(enrolment.consortium, signed_roster));
  if (const RosterEntry* coordinator = roster.Find(kCoordinatorId))
    trusted.witnesses[kCoordinatorId] = coordinator->row.signing_key;
  return trusted;
}

nlohmann::json NodeStatus(Node& node) {
  const Participant& participant = node.participant();
  const Participant::Standing standing = participant.standing();
  nlohmann::json json = {{"trial", node.enrolment().trial_id},
                         {"site", node.enrolment().site_name},
                         {"id", node.enrolment().id},
                         {"coordinator", node.enrolment().coordinator},
                         {"plan_approved", participant.plan().has_value()},
                         {"paused", participant.paused()},
                         {"round", standing.round.round},
                         {"attempt", standing.round.attempt},
                         {"phase", ToString(standing.phase)},
                         {"in_round", standing.in_round},
                         {"last_reason", standing.last_reason},
                         {"model", ToHex(standing.model)},
                         {"rounds_contributed", standing.rounds_contributed},
                         {"audit_lines", node.audit().head().seq}};
  if (participant.plan()) json["plan_sha256"] = ToHex(participant.plan()->hash);
  if (participant.roster()) json["roster_version"] = participant.roster()->version;
  return json;
}

}  // namespace fedtrial::site
