#include "site_node/shell/enrol.h"

#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <thread>

#include "common/runtime/backoff.h"
#include "common/runtime/clock.h"
#include "common/runtime/credentials.h"
#include "common/runtime/files.h"
#include "proto/codec/rpc_status.h"
#include "proto/fedtrial/v1/federation.grpc.pb.h"
#include "proto/plan/plan.h"
#include "security/crypto/sha256.h"
#include "security/pki/approval.h"
#include "security/pki/certificates.h"
#include "security/pki/enrolment.h"
#include "security/pki/signed_bytes.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxCa = 64 * 1024;

Result<std::unique_ptr<v1::Federation::Stub>> Dial(const StatePaths& paths, const std::string& address) {
  // Without a certificate of our own, which is what we come for; the coordinator's is checked against the CA.
  ASSIGN_OR_RETURN(const auto credentials, ClientTls({"", paths.tls_key(), paths.ca()}));
  return v1::Federation::NewStub(grpc::CreateCustomChannel(address, credentials, ClientChannelArguments()));
}

Result<std::string> SendRequest(v1::Federation::Stub& stub, const EnrolmentFile& file, const SiteKeys& keys) {
  ASSIGN_OR_RETURN(EnrolToken token, EnrolToken::Parse(file.token));
  ASSIGN_OR_RETURN(const EnrolRequest request,
                   MakeEnrolRequest(file.site_name, std::move(token), keys.tls_key_pem.view(), keys.signing));
  const Bytes encoded = request.Encode();
  v1::EnrolRequest message;
  message.set_request(encoded.data(), encoded.size());
  v1::EnrolReply reply;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  context.set_wait_for_ready(true);
  if (const grpc::Status status = stub.Enrol(&context, message, &reply); !status.ok())
    return FromGrpc(status).error().In(fmt::format("enrolling at {}", file.coordinator));
  ASSIGN_OR_RETURN(const Digest spki, SpkiOfKey(keys.tls_key_pem.view()));
  // Ours, not the coordinator's word: what the two people compare must be made from the keys that lie here.
  return EnrolmentFingerprint(spki, keys.signing.PublicKey());
}

Result<v1::CollectReply> Collect(v1::Federation::Stub& stub, const std::string& fingerprint,
                                 const std::function<bool()>& stopped, Random& random) {
  const Backoff backoff;
  v1::CollectRequest request;
  request.set_fingerprint(fingerprint);
  for (unsigned attempt = 0; !stopped();) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(45));
    v1::CollectReply reply;
    const grpc::Status status = stub.Collect(&context, request, &reply);
    if (status.ok() && reply.ready()) return reply;
    if (status.ok()) continue;
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
        status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED)
      return FromGrpc(status).error();
    std::this_thread::sleep_for(backoff.Delay(attempt++, random));
  }
  return Error{ErrorCode::kUnavailable, "stopped while waiting for the signature; `enrol` again goes on"};
}

// Everything is checked against what was pinned before anything is stored.
Result<Roster> CheckCollected(const v1::CollectReply& reply, const Enrolment& enrolment, const SiteKeys& keys,
                              std::string_view ca_pem) {
  ASSIGN_OR_RETURN(const Digest spki, SpkiOfKey(keys.tls_key_pem.view()));
  ASSIGN_OR_RETURN(const CertificateInfo certificate, ReadCertificate(reply.certificate_pem()));
  if (certificate.spki != spki)
    return Error{ErrorCode::kIntegrity, "the certificate that came back is for another key than this site's"};
  RETURN_IF_ERROR(CheckCertificate(reply.certificate_pem(), ca_pem, CertificateUse::kClient, std::time(nullptr)));
  ASSIGN_OR_RETURN(const SignedRoster signed_roster, UnpackRoster(AsBytes(reply.signed_roster())));
  ASSIGN_OR_RETURN(Roster roster, OpenRoster(enrolment.consortium, signed_roster));
  if (roster.trial_id != enrolment.trial_id)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the roster is of trial {}, this site enrols in {}", roster.trial_id, enrolment.trial_id)};
  const RosterEntry* entry = roster.Find(SiteId{reply.site()});
  if (entry == nullptr || entry->row.spki != spki || entry->row.signing_key != keys.signing.PublicKey())
    return Error{ErrorCode::kIntegrity, "the roster has no row with this site's keys"};
  if (!VerifyPlan(enrolment.consortium, Sha256(AsBytes(reply.plan())), AsBytes(reply.plan_signature())))
    return Error{ErrorCode::kIntegrity, "the plan isn't signed by the consortium"};
  ASSIGN_OR_RETURN(const Plan plan, ParsePlan(reply.plan(), "plan.toml"));
  if (plan.trial_id != enrolment.trial_id)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("the plan is of trial {}, this site enrols in {}", plan.trial_id, enrolment.trial_id)};
  return roster;
}

Status StoreEnrolment(Store& store, const Enrolment& enrolment) {
  return store.Put(kEnrolmentTable, "self", AsBytes(enrolment.ToJson()));
}

Result<std::unique_ptr<Store>> OpenOrCreateStore(const StatePaths& paths, const std::string& trial) {
  const bool there = std::filesystem::exists(paths.database());
  return OpenSqliteStore(paths.database(), {.mode = there ? StoreOptions::Mode::kOpen : StoreOptions::Mode::kCreate,
                                            .trial = trial,
                                            .schema = kSiteSchema,
                                            .upgrade = nullptr});
}

}  // namespace

Status Enrol(const StatePaths& paths, const EnrolmentFile& file, const std::function<void(const std::string&)>& tell,
             const std::function<bool()>& stopped) {
  SystemRandom random;
  ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(paths.folder, "fedtrial-site enrol"));
  ASSIGN_OR_RETURN(const SiteKeys keys, LoadKeys(paths, random));
  ASSIGN_OR_RETURN(const auto store, OpenOrCreateStore(paths, file.trial_id));

  auto known = LoadEnrolment(*store);
  Enrolment enrolment = known.ok() ? *known : Enrolment{};
  const bool renews = enrolment.id != 0;
  if (renews && (enrolment.site_name != file.site_name || enrolment.consortium != file.consortium))
    return Error{ErrorCode::kInvalidInput, fmt::format("{} is enrolled already as {} of trial {}",
                                                       paths.folder.string(), enrolment.site_name, enrolment.trial_id)};
  if (!renews) RETURN_IF_ERROR(WriteWholeFile(paths.ca(), AsBytes(file.ca_pem)));
  ASSIGN_OR_RETURN(const Bytes ca, ReadWholeFile(paths.ca(), kMaxCa));
  ASSIGN_OR_RETURN(const auto stub, Dial(paths, file.coordinator));
  if (enrolment.fingerprint.empty()) {
    ASSIGN_OR_RETURN(const std::string fingerprint, SendRequest(*stub, file, keys));
    enrolment = {file.trial_id, file.site_name, file.coordinator, file.consortium, 0, fingerprint, {}};
    RETURN_IF_ERROR(StoreEnrolment(*store, enrolment));
  }
  if (!renews)
    tell(fmt::format("fingerprint {}\nread it to the consortium's administrator, who signs if it is the same there",
                     enrolment.fingerprint));

  ASSIGN_OR_RETURN(const v1::CollectReply reply, Collect(*stub, enrolment.fingerprint, stopped, random));
  ASSIGN_OR_RETURN(const Roster roster, CheckCollected(reply, enrolment, keys, AsText(ca)));
  RETURN_IF_ERROR(WriteWholeFile(paths.certificate(), AsBytes(reply.certificate_pem())));
  if (renews) {  // plan and roster stay as they are pinned
    ASSIGN_OR_RETURN(const CertificateInfo certificate, ReadCertificate(reply.certificate_pem()));
    const auto days = (certificate.not_after - std::time(nullptr)) / (24 * 3600);
    tell(fmt::format("the certificate of {} is good for {} more days", enrolment.site_name, days));
    return {};
  }
  RETURN_IF_ERROR(WriteWholeFile(paths.plan(), AsBytes(reply.plan())));
  RETURN_IF_ERROR(store->Put(kEnrolmentTable, "roster", AsBytes(reply.signed_roster())));
  enrolment.id = reply.site();
  enrolment.plan_signature = ToBytes(AsBytes(reply.plan_signature()));
  RETURN_IF_ERROR(StoreEnrolment(*store, enrolment));
  tell(fmt::format("enrolled as {} ({}) of trial {}; roster version {} with {} sites, hash {}", enrolment.site_name,
                   ToString(SiteId{enrolment.id}), enrolment.trial_id, roster.version, roster.entries.size() - 1,
                   ToHex(roster.Hash())));
  return {};
}

}  // namespace fedtrial::site
