#include "tests/system/coordinator/fake_site.h"

#include <chrono>
#include <cmath>
#include <grpcpp/grpcpp.h>

#include "common/runtime/clock.h"
#include "common/runtime/credentials.h"
#include "common/runtime/files.h"
#include "proto/codec/rpc_status.h"
#include "security/crypto/sha256.h"
#include "security/pki/approval.h"
#include "security/pki/enrolment.h"
#include "security/pki/signed_bytes.h"

namespace fedtrial::system_test {
namespace {

std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

}  // namespace

FakeSite::FakeSite(const std::filesystem::path& folder, EnrolmentFile file)
    : folder_(folder),
      file_(std::move(file)),
      tls_key_(GenerateTlsKey().value()),
      signing_(SigningKey::Generate(random_)) {
  const Status made = [&]() -> Status {
    RETURN_IF_ERROR(EnsurePrivateFolder(folder_));
    RETURN_IF_ERROR(WriteWholeFile(folder_ / "tls.key", tls_key_.view()));
    return WriteWholeFile(folder_ / "ca.crt", AsBytes(file_.ca_pem));
  }();
  if (!made.ok()) Problem(made.error().message);
}

FakeSite::~FakeSite() { Crash(); }

std::unique_ptr<v1::Federation::Stub> FakeSite::DialWithoutCertificate() const {
  const auto credentials = ClientTls({"", folder_ / "tls.key", folder_ / "ca.crt"}).value();
  return v1::Federation::NewStub(grpc::CreateCustomChannel(file_.coordinator, credentials, ClientChannelArguments()));
}

Status FakeSite::Enrol() {
  ASSIGN_OR_RETURN(EnrolToken token, EnrolToken::Parse(file_.token));
  ASSIGN_OR_RETURN(const EnrolRequest request,
                   MakeEnrolRequest(file_.site_name, std::move(token), tls_key_.view(), signing_));
  v1::EnrolRequest message;
  message.set_request(Text(request.Encode()));
  v1::EnrolReply reply;
  grpc::ClientContext context;
  const grpc::Status status = DialWithoutCertificate()->Enrol(&context, message, &reply);
  if (!status.ok()) return FromGrpc(status).error();
  fingerprint_ = reply.fingerprint();
  return {};
}

Status FakeSite::Collect() {
  v1::CollectRequest request;
  request.set_fingerprint(fingerprint_);
  v1::CollectReply reply;
  grpc::ClientContext context;
  const grpc::Status status = DialWithoutCertificate()->Collect(&context, request, &reply);
  if (!status.ok()) return FromGrpc(status).error();
  if (!reply.ready()) return Error{ErrorCode::kUnavailable, "not signed"};
  id_ = SiteId{reply.site()};
  roster_ = ToBytes(AsBytes(reply.signed_roster()));
  plan_ = reply.plan();
  plan_signature_ = ToBytes(AsBytes(reply.plan_signature()));
  ASSIGN_OR_RETURN(const SignedRoster signed_roster, UnpackRoster(roster_));
  ASSIGN_OR_RETURN(const Roster roster, OpenRoster(file_.consortium, signed_roster));
  coordinator_spki_ = roster.Find(kCoordinatorId)->row.spki;
  return WriteWholeFile(folder_ / "tls.crt", AsBytes(reply.certificate_pem()));
}

void FakeSite::Start() {
  auto key = SigningKey::FromSeed(signing_.seed());
  participant_.emplace(site::SiteIdentity{id_, file_.trial_id, std::move(key).value(), file_.consortium, {}}, random_);
  const bool first = journal_.empty();
  for (const Bytes& record : journal_)
    if (const Status replayed = participant_->Replay(record); !replayed.ok()) Problem(replayed.error().message);
  site::Link::Events events;
  events.envelope = [this](Envelope envelope) { Post(site::EnvelopeReceived{std::move(envelope)}); };
  events.roster = [this](Bytes bytes) { Post(site::RosterReceived{std::move(bytes)}); };
  events.revocations = [this](Bytes bytes) { Post(site::RevocationsReceived{std::move(bytes)}); };
  events.trial = [](const v1::TrialNotice&) {};
  events.connection = [](bool, const std::string&) {};
  events.rejected = [this](const Envelope&, const Error& error) { Problem("rejected: " + error.message); };
  auto link = site::Link::Open(file_.coordinator, {folder_ / "tls.crt", folder_ / "tls.key", folder_ / "ca.crt"},
                               coordinator_spki_, Digest{}, random_, std::move(events));
  if (!link.ok()) return Problem(link.error().message);
  link_ = std::move(link).value();
  stopping_ = false;
  if (first) {
    Post(site::RosterReceived{roster_, true});
    const Approval approval = SignApproval(signing_, {Sha256(AsBytes(plan_)), "Dr Test", Rfc3339Now(), "read", {}});
    if (approved) Post(site::PlanApproved{ToBytes(AsBytes(plan_)), approval.Encode(), plan_signature_});
  }
  Post(site::CohortRead{Cohort()});
  thread_ = std::thread([this] { Loop(); });
}

void FakeSite::Crash() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  wake_.notify_all();
  if (link_ != nullptr) link_->Stop();
  if (thread_.joinable()) thread_.join();
  link_.reset();
  participant_.reset();
}

void FakeSite::Hold(Phase phase) {
  const std::scoped_lock lock(mutex_);
  held_phase_ = phase;
}

void FakeSite::HoldNext(Phase phase) {
  std::vector<Envelope> held;
  {
    const std::scoped_lock lock(mutex_);
    held_phase_ = phase;
    held.swap(held_);
  }
  for (Envelope& envelope : held) link_->Send(std::move(envelope));
}

void FakeSite::LetGo() { HoldNext(Phase::kFailed); }  // no site sends such a one

void FakeSite::Send(Envelope envelope) {
  {
    const std::scoped_lock lock(mutex_);
    if (envelope.phase == static_cast<std::uint8_t>(held_phase_)) {
      held_.push_back(std::move(envelope));
      return;
    }
  }
  link_->Send(std::move(envelope));
}

void FakeSite::Post(site::Input input) {
  const std::scoped_lock lock(mutex_);
  queue_.push_back(std::move(input));
  wake_.notify_all();
}

void FakeSite::Problem(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  problems_.push_back(text);
}

std::vector<std::string> FakeSite::problems() const {
  const std::scoped_lock lock(mutex_);
  return problems_;
}

void FakeSite::Loop() {
  CarryOut(participant_->Resume(SteadyNow()));
  link_->Start();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const site::Input input = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    auto effects = participant_->Handle(input, SteadyNow());
    if (effects.ok())
      CarryOut(std::move(effects).value());
    else
      Problem(effects.error().message);
    lock.lock();
  }
}

void FakeSite::CarryOut(site::Effects effects) {
  for (site::Effect& effect : effects) {
    if (auto* journal = std::get_if<site::Journal>(&effect)) {
      journal_.push_back(std::move(journal->record));
    } else if (auto* compact = std::get_if<site::CompactJournal>(&effect)) {
      journal_.assign(1, std::move(compact->record));
    } else if (auto* send = std::get_if<site::Send>(&effect)) {
      Send(std::move(send->envelope));
    } else if (const auto* fetch = std::get_if<site::FetchModel>(&effect)) {
      Fetch(fetch->digest);
    } else if (const auto* run = std::get_if<site::RunTask>(&effect)) {
      Run(*run);
    } else if (auto* mask = std::get_if<site::MaskContribution>(&effect)) {
      Mask(*mask);
    } else if (const auto* upload = std::get_if<site::Upload>(&effect)) {
      Upload(*upload);
    }
  }
}

CohortSummary FakeSite::Cohort() const {
  CohortSummary cohort;
  cohort.patients = patients;
  cohort.events = patients / 2;
  for (const char* block : {"feature_age", "risk"}) cohort.patients_per_block[block] = patients;
  cohort.digest = Sha256(ByteWriter().Label("fake cohort").U32(id_.value).bytes());
  return cohort;
}

// Counts that add up, means and deltas that differ by site: enough for the coordinator's real tasks.
Contribution FakeSite::Answer(const Task& task, const Manifest& manifest) const {
  Contribution contribution;
  contribution.cohort = Cohort().digest;
  for (std::size_t i = 0; i < manifest.Blocks().size(); ++i)
    contribution.blocks.push_back({task.kind == "train" ? patients : 1, true});
  const double n = static_cast<double>(patients);
  for (const TensorSpec& spec : manifest.tensors) {
    Tensor tensor = Tensor::Zeros(spec);
    const std::string name = spec.name.substr(spec.name.rfind('/') + 1);
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      const double wave = std::sin(1.7 * id_.value + 0.77 * static_cast<double>(i));
      if (name == "count" || name == "patients" || name == "at_risk")
        tensor.set(i, n);
      else if (name == "events")
        tensor.set(i, 2.0);
      else if (name == "sum")
        tensor.set(i, n * 0.2 * wave);
      else if (name == "square_sum")
        tensor.set(i, n * 0.25);
      else
        tensor.set(i, 0.1 * wave);
    }
    contribution.tensors.push_back(std::move(tensor));
  }
  return contribution;
}

void FakeSite::Run(const site::RunTask& run) {
  Contribution contribution = Answer(run.task, run.manifest);
  auto encoded = EncodeContribution(run.manifest, contribution, {});
  if (!encoded.ok()) return Post(site::TaskFailed{run.round, encoded.error().message});
  const Digest digest = Sha256(WordBytes(encoded->words));
  contributions_[run.round.round] = std::move(contribution);
  Post(site::TaskFinished{run.round, digest, Cohort().digest, encoded->clipped});
}

void FakeSite::Mask(site::MaskContribution& mask) {
  Task task;
  task.kind = mask.manifest.task;
  auto encoded = EncodeContribution(mask.manifest, Answer(task, mask.manifest), mask.withheld);
  if (!encoded.ok()) return Problem(encoded.error().message);
  std::visit([&](auto& words) { AddMasks(std::span(words), 0, mask.masks, 1); }, encoded->words);
  const ByteView bytes = WordBytes(encoded->words);
  if (const Status written = WriteWholeFile(folder_ / "masked", bytes); !written.ok())
    return Problem(written.error().message);
  Post(site::MaskedReady{mask.round, Sha256(bytes), bytes.size()});
}

void FakeSite::Upload(const site::Upload& upload) {
  const Status sent = link_->Upload(upload.round, folder_ / "masked", upload.digest, upload.length);
  if (sent.ok())
    Post(site::UploadDone{upload.round});
  else
    Problem("upload: " + sent.error().message);
}

void FakeSite::Fetch(const Digest& digest) {
  Bytes bytes;
  const Status fetched = link_->DownloadModel(digest, [&](ByteView part) -> Status {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return {};
  });
  if (!fetched.ok()) return Problem("download: " + fetched.error().message);
  if (Sha256(bytes) != digest) return Problem("the model isn't the one that was asked for");
  auto header = DecodeModelHeader(bytes, bytes.size());
  if (!header.ok()) return Problem(header.error().message);
  Post(site::ModelReady{digest, std::move(header).value()});
}

}  // namespace fedtrial::system_test
