#include "coordinator/shell/service.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <utility>

#include "common/runtime/credentials.h"
#include "coordinator/shell/downloads.h"
#include "coordinator/shell/heads.h"
#include "proto/codec/rpc_status.h"
#include "security/crypto/sha256.h"
#include "security/masking/envelope.h"
#include "security/pki/approval.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::uint32_t kProtocol = 1;
constexpr Duration kCollectPatience = std::chrono::seconds(30);
constexpr std::size_t kMaxWaiting = 256;  // Collect calls, which need no certificate

Result<Digest> DigestOf(const std::string& bytes, std::string_view what) {
  Digest digest{};
  if (bytes.size() != digest.size())
    return Error{ErrorCode::kInvalidInput, fmt::format("{} has {} bytes, wanted 32", what, bytes.size())};
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

void SetBytes(std::string& field, ByteView bytes) { field.assign(AsText(bytes)); }

}  // namespace

// One Collect that waits. Finished on the driver's thread, exactly once; its memory is gRPC's until then.
class FederationService::CollectWaiter final : public grpc::ServerUnaryReactor {
 public:
  CollectWaiter(std::string fingerprint, v1::CollectReply* reply)
      : fingerprint(std::move(fingerprint)), reply(*reply) {}
  void OnDone() override { delete this; }

  const std::string fingerprint;
  v1::CollectReply& reply;
};

UploadDesk FederationService::Desk() {
  return {[this](RoundId round) { return driver_.work().spool(round); },
          [this](SiteId site, RoundId round) {
            return driver_.Ask<std::uint64_t>([=](Node& node) { return node.trial().WantsUpload(site, round); });
          },
          [this](SiteId site, std::size_t bytes) { driver_.telemetry().Received(site, driver_.NameOf(site), bytes); },
          [this](SiteId site, const Spool& spool, const Digest& digest, bool again) -> Status {
            if (!again) RETURN_IF_ERROR(CountUpload(site, spool));
            return driver_.Apply(UploadStored{site, spool.round(), digest, spool.words()});
          }};
}

Status FederationService::CountUpload(SiteId site, const Spool& spool) {
  driver_.telemetry().Stored(driver_.NameOf(site), spool.round(), spool.length());
  const auto counted = driver_.Ask<bool>([site, values = spool.values()](Node& node) -> Result<bool> {
    RETURN_IF_ERROR(node.ledger().Add(site, {0, values * 4, 1}));
    return true;
  });
  if (!counted.ok()) return counted.error();
  return {};
}

FederationService::FederationService(Driver& driver) : driver_(driver), uploads_(Desk()) {}

FederationService::~FederationService() = default;

void FederationService::WatchEnrolment() {
  driver_.Do([this](bool alive) {
    if (alive) driver_.OnEnrolment([this] { ShowWaiting(); });
  });
}

Result<SiteId> FederationService::Peer(const grpc::ServerContextBase& context) const {
  ASSIGN_OR_RETURN(const std::optional<Digest> spki, PeerSpki(context));
  if (!spki) return Error{ErrorCode::kNotEnrolled, "this call needs the site's certificate: enrol first"};
  const auto roster = driver_.roster();
  const RosterEntry* entry = roster == nullptr ? nullptr : roster->FindBySpki(*spki);
  if (entry == nullptr || entry->row.role != kRoleSite)
    return Error{ErrorCode::kNotEnrolled, "the key of this certificate is in no row of the roster"};
  if (entry->row.revoked) return Error{ErrorCode::kNotEnrolled, fmt::format("{} is revoked", entry->name)};
  return entry->row.id;
}

grpc::Status FederationService::Answer(const std::string& peer, std::string_view name, const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  driver_.telemetry().Refused(peer, name, status.error());
  return ToGrpc(status.error());
}

grpc::Status FederationService::ForSite(grpc::ServerContext& context, std::string_view name,
                                        const std::function<Status(SiteId, const RosterEntry&)>& call) {
  const auto site = Peer(context);
  if (!site.ok()) return Answer(context.peer(), name, site.error());
  const auto roster = driver_.roster();
  const RosterEntry* entry = roster->Find(*site);
  if (entry == nullptr) return Answer(context.peer(), name, Error{ErrorCode::kNotEnrolled, "not in the roster"});
  return Answer(entry->name, name, call(*site, *entry));
}

grpc::Status FederationService::Enrol(grpc::ServerContext* context, const v1::EnrolRequest* request,
                                      v1::EnrolReply* reply) {
  const auto enrolled = driver_.Ask<EnrolledSite>([&](Node& node) -> Result<EnrolledSite> {
    ASSIGN_OR_RETURN(EnrolledSite site, node.enrolments().Enrol(AsBytes(request->request()), std::time(nullptr)));
    RETURN_IF_ERROR(node.audit().Append("enrol", 0, Sha256(AsBytes(site.fingerprint))));
    return site;
  });
  if (!enrolled.ok()) return Answer(context->peer(), "enrol", enrolled.error());
  reply->set_fingerprint(enrolled->fingerprint);
  return grpc::Status::OK;
}

grpc::ServerUnaryReactor* FederationService::Collect(grpc::CallbackServerContext*, const v1::CollectRequest* request,
                                                     v1::CollectReply* reply) {
  auto* waiter = new CollectWaiter(request->fingerprint(), reply);
  driver_.Do([this, waiter](bool alive) {
    if (!alive) return waiter->Finish(ToGrpc({ErrorCode::kUnavailable, "the coordinator is stopping"}));
    waiting_.push_back(waiter);
    ShowWaiting();
    if (std::find(waiting_.begin(), waiting_.end(), waiter) == waiting_.end()) return;
    const auto give_up = [this, waiter] {
      const auto found = std::find(waiting_.begin(), waiting_.end(), waiter);
      if (found == waiting_.end()) return;
      waiting_.erase(found);
      waiter->Finish(grpc::Status::OK);  // not ready
    };
    if (waiting_.size() > kMaxWaiting) return give_up();
    driver_.After(kCollectPatience, give_up);
  });
  return waiter;
}

void FederationService::ShowWaiting() {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    CollectWaiter* waiter = *next;
    const auto filled = FillCollected(waiter->fingerprint, waiter->reply);
    if (filled.ok() && !*filled) {
      ++next;
      continue;
    }
    next = waiting_.erase(next);
    waiter->Finish(filled.ok() ? grpc::Status::OK : ToGrpc(filled.error()));
  }
}

void FederationService::EndWaiting() {
  for (CollectWaiter* waiter : std::exchange(waiting_, {}))
    waiter->Finish(ToGrpc({ErrorCode::kUnavailable, "the coordinator is stopping"}));
}

Result<bool> FederationService::FillCollected(std::string_view fingerprint, v1::CollectReply& reply) {
  Node& node = driver_.node();
  ASSIGN_OR_RETURN(const EnrolledSite site, node.enrolments().FindByFingerprint(fingerprint));
  const auto& roster = node.trial().roster();
  const RosterEntry* entry = roster ? roster->Find(site.id) : nullptr;
  if (site.certificate_pem.empty() || entry == nullptr || entry->row.spki != site.spki ||
      entry->row.signing_key != site.signing_key)
    return false;
  ASSIGN_OR_RETURN(const auto packed, node.SignedRosterNow());
  if (!packed) return false;
  reply.set_ready(true);
  reply.set_site(site.id.value);
  reply.set_certificate_pem(site.certificate_pem);
  SetBytes(*reply.mutable_signed_roster(), *packed);
  reply.set_plan(node.plan_toml());
  SetBytes(*reply.mutable_plan_signature(), node.record().plan_signature);
  return true;
}

grpc::ServerWriteReactor<v1::Notice>* FederationService::Follow(grpc::CallbackServerContext* context,
                                                                const v1::FollowRequest* request) {
  const auto site = Peer(*context);
  if (!site.ok() || request->protocol() != kProtocol) {
    const Error why =
        !site.ok() ? site.error()
                   : Error{ErrorCode::kInvalidInput,
                           fmt::format("protocol {} is not spoken here, wanted {}", request->protocol(), kProtocol)};
    const auto refused = Follower::Make([](const Follower*) {});
    refused->End(Answer(context->peer(), "follow", why));
    return refused.get();
  }
  const auto follower = Follower::Make([this, site = *site](const Follower* gone) {
    if (driver_.followers().Detach(site, gone)) driver_.telemetry().Connected(site, driver_.NameOf(site), false);
  });
  driver_.Do([this, site = *site, follower](bool alive) {
    if (alive)
      driver_.Connect(site, follower);
    else
      follower->End(ToGrpc({ErrorCode::kUnavailable, "the coordinator is stopping"}));
  });
  return follower.get();
}

grpc::Status FederationService::Send(grpc::ServerContext* context, const v1::EnvelopeMessage* request, v1::SendReply*) {
  return ForSite(*context, "send", [&](SiteId site, const RosterEntry& entry) -> Status {
    driver_.telemetry().Received(site, entry.name, request->envelope().size());
    ASSIGN_OR_RETURN(Envelope envelope, DecodeEnvelope(AsBytes(request->envelope())));
    if (envelope.sender != site)
      return Error{ErrorCode::kNotEnrolled,
                   fmt::format("a message of {} came from {}", ToString(envelope.sender), entry.name)};
    return driver_.Apply(EnvelopeReceived{std::move(envelope)});
  });
}

grpc::Status FederationService::UploadState(grpc::ServerContext* context, const v1::UploadStateRequest* request,
                                            v1::UploadStateReply* reply) {
  return ForSite(*context, "upload state", [&](SiteId site, const RosterEntry&) {
    return uploads_.State(site, RoundId{request->round(), request->attempt()}, *reply);
  });
}

grpc::Status FederationService::Upload(grpc::ServerContext* context, grpc::ServerReader<v1::UploadChunk>* reader,
                                       v1::UploadReply* reply) {
  return ForSite(*context, "upload",
                 [&](SiteId site, const RosterEntry&) { return uploads_.Receive(site, *context, *reader, *reply); });
}

grpc::Status FederationService::Download(grpc::ServerContext* context, const v1::DownloadRequest* request,
                                         grpc::ServerWriter<v1::DownloadChunk>* writer) {
  return ForSite(*context, "download", [&](SiteId, const RosterEntry&) -> Status {
    ASSIGN_OR_RETURN(const Digest digest, DigestOf(request->digest(), "the digest"));
    if (request->kind() == v1::DownloadRequest::MODEL)
      return SendModel(driver_.node().models(), digest, request->offset(), *writer);
    const std::string& plan = driver_.node().plan_toml();
    if (request->kind() != v1::DownloadRequest::PLAN || digest != driver_.node().plan().hash ||
        request->offset() > plan.size())
      return Error{ErrorCode::kInvalidInput, "there is no such file"};
    v1::DownloadChunk chunk;
    chunk.set_total(plan.size());
    chunk.set_offset(request->offset());
    chunk.set_data(plan.substr(request->offset()));
    writer->Write(chunk);
    return {};
  });
}

grpc::Status FederationService::Approve(grpc::ServerContext* context, const v1::ApproveRequest* request,
                                        v1::ApproveReply*) {
  return ForSite(*context, "approve", [&](SiteId site, const RosterEntry& entry) -> Status {
    ASSIGN_OR_RETURN(const Approval approval, Approval::Decode(AsBytes(request->approval())));
    RETURN_IF_ERROR(CheckApproval(entry.row.signing_key, approval));
    const auto noted = driver_.Ask<bool>([&](Node& node) -> Result<bool> {
      if (approval.plan_hash != node.plan().hash)
        return Error{ErrorCode::kNotApproved, "the approval is of another plan than this trial's"};
      RETURN_IF_ERROR(node.audit().Append("approve", 0, Sha256(AsBytes(request->approval()))));
      RETURN_IF_ERROR(node.enrolments().Approved(site, approval.name, approval.time));
      return true;
    });
    if (!noted.ok()) return noted.error();
    return {};
  });
}

grpc::Status FederationService::ExchangeHeads(grpc::ServerContext* context, const v1::HeadsMessage* request,
                                              v1::HeadsMessage* reply) {
  return ForSite(*context, "exchange heads", [&](SiteId site, const RosterEntry& entry) -> Status {
    const Heads theirs{ToBytes(AsBytes(request->head())), ToBytes(AsBytes(request->countersigned()))};
    ASSIGN_OR_RETURN(const Heads ours, driver_.Ask<Heads>([&](Node& node) {
      return coordinator::ExchangeHeads(node, site, entry.row.signing_key, theirs);
    }));
    SetBytes(*reply->mutable_head(), ours.head);
    SetBytes(*reply->mutable_countersigned(), ours.countersigned);
    return {};
  });
}

}  // namespace fedtrial::coordinator
