#include "coordinator/shell/service.h"

#include <ctime>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/runtime/clock.h"
#include "common/runtime/files.h"
#include "coordinator/shell/heads.h"
#include "security/pki/approval.h"
#include "security/pki/signed_bytes.h"
#include "tests/unit/coordinator/shell/test_trial.h"

namespace fedtrial::coordinator {
namespace {

using grpc::StatusCode;

std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

// A daemon's inside on a free port of loopback.
class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    node = trial.Open();
    driver = std::make_unique<Driver>(*node, telemetry, 2);
    driving = std::thread([this] { EXPECT_TRUE(driver->Run().ok()); });
    auto started = FederationServer::Start(*driver, "127.0.0.1:0");
    ASSERT_TRUE(started.ok()) << started.error().message;
    server = std::move(started).value();
  }
  void TearDown() override {
    driver->Stop();
    driving.join();
    server.reset();
  }
  std::vector<TestSite> Enrol(const std::vector<std::string>& names) {
    std::vector<TestSite> sites;
    EXPECT_TRUE(driver
                    ->Ask<bool>([&](Node& on) -> Result<bool> {
                      sites = trial.EnrolSites(on, names);
                      driver->EnrolmentChanged();
                      return true;
                    })
                    .ok());
    return sites;
  }
  std::unique_ptr<v1::Federation::Stub> Dial(const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    return v1::Federation::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(server->port()), credentials));
  }
  std::unique_ptr<v1::Federation::Stub> Dial(const TestSite& site) { return Dial(ClientTls(site.Tls()).value()); }
  std::unique_ptr<v1::Federation::Stub> DialWithoutCertificate(const TestSite& site) {
    return Dial(ClientTls(site.TlsWithoutCertificate()).value());
  }
  static grpc::Status Heads(v1::Federation::Stub& stub, const v1::HeadsMessage& heads, v1::HeadsMessage& reply) {
    grpc::ClientContext context;
    return stub.ExchangeHeads(&context, heads, &reply);
  }
  static grpc::Status AskUploadState(v1::Federation::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::UploadStateRequest request;
    request.set_round(1);
    v1::UploadStateReply reply;
    return stub.UploadState(&context, request, &reply);
  }

  TestTrial trial;
  Telemetry telemetry;
  std::unique_ptr<Node> node;
  std::unique_ptr<Driver> driver;
  std::unique_ptr<FederationServer> server;
  std::thread driving;
};

TEST_F(ServiceTest, ASiteEnrolsWithoutACertificateAndCollectsItsOwn) {
  const TestSite site = trial.MakeSite("a");
  const auto token =
      driver->Ask<EnrolToken>([&](Node& on) { return on.enrolments().Invite("a", std::time(nullptr), trial.random); });
  const auto stub = DialWithoutCertificate(site);
  v1::EnrolRequest request;
  request.set_request(Text(trial.Request(site, *token).Encode()));
  v1::EnrolReply enrolled;
  {
    grpc::ClientContext context;
    const grpc::Status status = stub->Enrol(&context, request, &enrolled);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(enrolled.fingerprint(),
            EnrolmentFingerprint(SpkiOfKey(site.tls_key.view()).value(), site.signing.PublicKey()));

  // Waits until others and the signature have come.
  v1::CollectReply collected;
  std::thread waiting([&] {
    grpc::ClientContext context;
    v1::CollectRequest collect;
    collect.set_fingerprint(enrolled.fingerprint());
    EXPECT_TRUE(stub->Collect(&context, collect, &collected).ok());
  });
  ASSERT_TRUE(
      driver
          ->Ask<bool>([&](Node& on) -> Result<bool> {
            const Consortium keys = trial.consortium();
            const EnrolledSite asks = on.enrolments().FindByFingerprint(enrolled.fingerprint()).value();
            const std::string pem = keys.SignCertificate(on.enrolments().RequestOf(asks), enrolled.fingerprint(),
                                                         std::time(nullptr), trial.random)
                                        .value();
            EXPECT_TRUE(
                on.enrolments().StoreCertificate(enrolled.fingerprint(), pem, keys.ca_pem(), std::time(nullptr)).ok());
            return true;
          })
          .ok());
  Enrol({"b", "c"});
  waiting.join();
  ASSERT_TRUE(collected.ready());
  EXPECT_EQ(collected.site(), 1U);
  EXPECT_EQ(collected.plan(), TestPlan());
  EXPECT_TRUE(VerifyPlan(trial.consortium().verify_key(), node->plan().hash, AsBytes(collected.plan_signature())));
  const auto roster =
      OpenRoster(trial.consortium().verify_key(), UnpackRoster(AsBytes(collected.signed_roster())).value());
  ASSERT_TRUE(roster.ok());
  EXPECT_EQ(roster->Find(SiteId{1})->name, "a");
  EXPECT_EQ(ReadCertificate(collected.certificate_pem())->spki, roster->Find(SiteId{1})->row.spki);
}

TEST_F(ServiceTest, AnUnknownFingerprintCollectsNothing) {
  const TestSite site = trial.MakeSite("a");
  grpc::ClientContext context;
  v1::CollectRequest request;
  request.set_fingerprint("0000");
  v1::CollectReply reply;
  EXPECT_EQ(DialWithoutCertificate(site)->Collect(&context, request, &reply).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServiceTest, WithoutACertificateNothingElseIsAnswered) {
  Enrol({"a", "b", "c"});
  const TestSite nobody = trial.MakeSite("nobody");
  const auto stub = DialWithoutCertificate(nobody);
  EXPECT_EQ(AskUploadState(*stub).error_code(), StatusCode::PERMISSION_DENIED);
  grpc::ClientContext context;
  v1::FollowRequest follow;
  follow.set_protocol(1);
  const auto stream = stub->Follow(&context, follow);
  v1::Notice notice;
  EXPECT_FALSE(stream->Read(&notice));
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::PERMISSION_DENIED);
}

TEST_F(ServiceTest, ACertificateOfAnotherCaIsRefusedInTheHandshake) {
  Enrol({"a", "b", "c"});
  TestTrial other(8);
  auto other_node = other.Open();
  TestSite stranger = std::move(other.EnrolSites(*other_node, {"a", "b", "c"})[0]);
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = trial.consortium().ca_pem();
  options.pem_private_key = Text(stranger.tls_key.view());
  options.pem_cert_chain = Text(ReadWholeFile(stranger.folder / "tls.crt", 1 << 16).value());
  EXPECT_EQ(AskUploadState(*Dial(grpc::SslCredentials(options))).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(ServiceTest, AnExpiredCertificateIsRefusedInTheHandshake) {
  const auto sites = Enrol({"a", "b", "c"});
  const EnrolledSite enrolled = driver
                                    ->Ask<EnrolledSite>([&](Node& on) -> Result<EnrolledSite> {
                                      return on.enrolments().FindByFingerprint(sites[0].fingerprint);
                                    })
                                    .value();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = trial.consortium().ca_pem();
  options.pem_private_key = Text(sites[0].tls_key.view());
  options.pem_cert_chain = trial.consortium()
                               .SignCertificate({"test", enrolled.id, "a", enrolled.csr_pem, enrolled.signing_key, {}},
                                                enrolled.fingerprint, std::time(nullptr) - 40 * 24 * 3600, trial.random)
                               .value();
  EXPECT_EQ(AskUploadState(*Dial(grpc::SslCredentials(options))).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(ServiceTest, AGoodCertificateOutsideTheRosterIsRefused) {
  Enrol({"a", "b", "c"});
  TestSite late = trial.MakeSite("late");
  const Consortium keys = trial.consortium();
  const std::string csr = MakeCsr(late.tls_key.view(), "late").value();
  const std::string fingerprint =
      EnrolmentFingerprint(SpkiOfKey(late.tls_key.view()).value(), late.signing.PublicKey());
  const std::string pem = keys.SignCertificate({"test", SiteId{9}, "late", csr, late.signing.PublicKey(), {}},
                                               fingerprint, std::time(nullptr), trial.random)
                              .value();
  ASSERT_TRUE(WriteWholeFile(late.folder / "tls.crt", AsBytes(pem)).ok());
  const grpc::Status status = AskUploadState(*Dial(late));
  EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_NE(status.error_message().find("roster"), std::string::npos);
}

TEST_F(ServiceTest, FollowBringsTrialRosterAndTheOpenRoundAndANewStreamTakesItsPlace) {
  const auto sites = Enrol({"a", "b", "c"});
  const auto stub = Dial(sites[0]);
  v1::FollowRequest follow;
  follow.set_protocol(1);
  grpc::ClientContext first_context;
  const auto first = stub->Follow(&first_context, follow);
  v1::Notice notice;
  ASSERT_TRUE(first->Read(&notice));
  EXPECT_EQ(notice.trial().state(), "running");
  ASSERT_TRUE(first->Read(&notice));
  EXPECT_TRUE(UnpackRoster(AsBytes(notice.signed_roster())).ok());
  ASSERT_TRUE(first->Read(&notice));
  const auto opening = DecodeEnvelope(AsBytes(notice.envelope()));
  ASSERT_TRUE(opening.ok());
  EXPECT_EQ(opening->sender, kCoordinatorId);
  EXPECT_TRUE(VerifyEnvelope(*opening, node->signing_key().PublicKey()));

  grpc::ClientContext second_context;
  const auto second = stub->Follow(&second_context, follow);
  ASSERT_TRUE(second->Read(&notice));
  while (first->Read(&notice)) {
  }
  EXPECT_EQ(first->Finish().error_code(), StatusCode::ABORTED);
  second_context.TryCancel();
  while (second->Read(&notice)) {
  }
  second->Finish();
}

TEST_F(ServiceTest, ARevokedSiteIsCutOffAndRefused) {
  const auto sites = Enrol({"a", "b", "c"});
  const auto stub = Dial(sites[1]);
  v1::FollowRequest follow;
  follow.set_protocol(1);
  grpc::ClientContext context;
  const auto stream = stub->Follow(&context, follow);
  v1::Notice notice;
  ASSERT_TRUE(stream->Read(&notice));
  const RevocationList list{"test", 1, std::time(nullptr), {sites[1].id}, {}};
  const Bytes packed = Pack(SignRevocationList(trial.consortium().key(), list));
  ASSERT_TRUE(driver
                  ->Ask<bool>([&](Node& on) -> Result<bool> {
                    const Status done =
                        on.PublishRevocations(packed, [&](const Input& input) { return driver->ApplyNow(input); });
                    EXPECT_TRUE(done.ok());
                    driver->EnrolmentChanged();
                    return true;
                  })
                  .ok());
  while (stream->Read(&notice)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(AskUploadState(*stub).error_code(), StatusCode::PERMISSION_DENIED);
}

TEST_F(ServiceTest, ASiteSpeaksForItselfAlone) {
  const auto sites = Enrol({"a", "b", "c"});
  v1::EnvelopeMessage message;
  message.set_envelope(
      Text(EncodeEnvelope(SignEnvelope(sites[1].signing, Digest{}, 0, sites[1].id, kBroadcastId, 1, Bytes{1, 2, 3}))));
  grpc::ClientContext context;
  v1::SendReply reply;
  EXPECT_EQ(Dial(sites[0])->Send(&context, message, &reply).error_code(), StatusCode::PERMISSION_DENIED);
}

TEST_F(ServiceTest, MessagesThatCannotBeReadOrAreTooLargeChangeNothing) {
  const auto sites = Enrol({"a", "b", "c"});
  const auto stub = Dial(sites[0]);
  const auto send = [&](std::string bytes) {
    v1::EnvelopeMessage message;
    message.set_envelope(std::move(bytes));
    grpc::ClientContext context;
    v1::SendReply reply;
    return stub->Send(&context, message, &reply).error_code();
  };
  EXPECT_EQ(send("no envelope"), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(send(std::string(3 << 20, 'x')), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_FALSE(AskUploadState(*stub).ok());  // still answers: no upload is wanted in Hello
}

TEST_F(ServiceTest, AnUploadOutsideItsPhaseIsRefused) {
  const auto sites = Enrol({"a", "b", "c"});
  const auto stub = Dial(sites[0]);
  EXPECT_EQ(AskUploadState(*stub).error_code(), StatusCode::FAILED_PRECONDITION);
  grpc::ClientContext context;
  v1::UploadReply reply;
  const auto stream = stub->Upload(&context, &reply);
  v1::UploadChunk chunk;
  chunk.set_round(1);
  chunk.set_length(4);
  chunk.set_digest(std::string(32, 'd'));
  chunk.set_data("data");
  stream->Write(chunk);
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::FAILED_PRECONDITION);
}

TEST_F(ServiceTest, AModelComesFromAnyByteOnAndAnUnknownOneNot) {
  const auto sites = Enrol({"a", "b", "c"});
  Model model;
  model.tensors["block/values"] = Tensor::Of(std::vector<double>(400'000, 0.5));  // four sealed records
  const Digest digest = node->models().Write(model).value();
  const Bytes wanted = EncodeModel(model).value();
  const auto stub = Dial(sites[0]);
  const auto fetch = [&](const Digest& which, std::uint64_t offset, Bytes& bytes) {
    grpc::ClientContext context;
    v1::DownloadRequest request;
    request.set_kind(v1::DownloadRequest::MODEL);
    request.set_digest(Text(which));
    request.set_offset(offset);
    const auto stream = stub->Download(&context, request);
    v1::DownloadChunk chunk;
    while (stream->Read(&chunk)) {
      EXPECT_EQ(chunk.total(), wanted.size());
      EXPECT_EQ(chunk.offset(), offset + bytes.size());
      EXPECT_LE(chunk.data().size(), kMaxChunk);
      bytes.insert(bytes.end(), chunk.data().begin(), chunk.data().end());
    }
    return stream->Finish().error_code();
  };
  Bytes whole;
  EXPECT_EQ(fetch(digest, 0, whole), StatusCode::OK);
  EXPECT_EQ(whole, wanted);
  Bytes rest;
  EXPECT_EQ(fetch(digest, 1'500'000, rest), StatusCode::OK);
  EXPECT_EQ(rest, Bytes(wanted.begin() + 1'500'000, wanted.end()));
  Bytes none;
  EXPECT_EQ(fetch(digest, wanted.size() + 1, none), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(fetch(Digest{}, 0, none), StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(none.empty());
}

TEST_F(ServiceTest, AnApprovalOfThisPlanIsKeptAndAnotherIsNot) {
  const auto sites = Enrol({"a", "b", "c"});
  const auto stub = Dial(sites[2]);
  const auto approve = [&](const Digest& plan, const SigningKey& key) {
    v1::ApproveRequest request;
    request.set_approval(Text(SignApproval(key, {plan, "Dr Who", "2025-01-01T00:00:00Z", "read", {}}).Encode()));
    grpc::ClientContext context;
    v1::ApproveReply reply;
    return stub->Approve(&context, request, &reply).error_code();
  };
  EXPECT_EQ(approve(Digest{}, sites[2].signing), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(approve(node->plan().hash, sites[1].signing), StatusCode::DATA_LOSS);
  EXPECT_EQ(approve(node->plan().hash, sites[2].signing), StatusCode::OK);
  const auto kept = driver->Ask<EnrolledSite>(
      [&](Node& on) -> Result<EnrolledSite> { return *on.enrolments().Find(sites[2].id).value(); });
  EXPECT_EQ(kept->approved_by, "Dr Who");
}

TEST_F(ServiceTest, AuditHeadsAreCountersignedBothWaysAndNeverGoBack) {
  const auto sites = Enrol({"a", "b", "c"});
  const auto stub = Dial(sites[0]);
  v1::HeadsMessage heads, reply;
  const SignedHead mine = SignHead(sites[0].signing, {5, Digest{1}}, "2025-01-01T00:00:00Z");
  heads.set_head(Text(PackHead(mine)));
  ASSERT_TRUE(Heads(*stub, heads, reply).ok());
  const SignedHead theirs = UnpackHead(AsBytes(reply.head())).value();
  EXPECT_TRUE(VerifyHead(node->signing_key().PublicKey(), theirs));
  ASSERT_EQ(reply.countersigned().size(), heads.head().size() + 64);
  Signature countersignature{};
  std::copy(reply.countersigned().end() - 64, reply.countersigned().end(), countersignature.begin());
  EXPECT_TRUE(VerifyCountersignature(node->signing_key().PublicKey(), mine, countersignature));

  // Ours, countersigned by the site, lands beside the log.
  heads.set_countersigned(
      Text(ByteWriter().Raw(PackHead(theirs)).Raw(CountersignHead(sites[0].signing, theirs)).bytes()));
  EXPECT_TRUE(Heads(*stub, heads, reply).ok());
  heads.set_countersigned(
      Text(ByteWriter().Raw(PackHead(theirs)).Raw(CountersignHead(sites[1].signing, theirs)).bytes()));
  EXPECT_EQ(Heads(*stub, heads, reply).error_code(), StatusCode::DATA_LOSS);
  heads.clear_countersigned();
  heads.set_head(Text(PackHead(SignHead(sites[0].signing, {4, Digest{1}}, "2025-01-01T00:00:01Z"))));
  EXPECT_EQ(Heads(*stub, heads, reply).error_code(), StatusCode::DATA_LOSS);
}

TEST_F(ServiceTest, ATakenPortIsAClearError) {
  const auto second = FederationServer::Start(*driver, "127.0.0.1:" + std::to_string(server->port()));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace fedtrial::coordinator
