#include "site_node/shell/link.h"

#include <fmt/format.h>

#include "common/runtime/files.h"
#include "proto/codec/rpc_status.h"

namespace fedtrial::site {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
constexpr Duration kCallDeadline = std::chrono::seconds(60);
constexpr Duration kStreamDeadline = std::chrono::hours(6);
constexpr std::uint32_t kProtocol = 1;

std::string AsString(ByteView bytes) { return std::string(AsText(bytes)); }

// Worth another try: the coordinator is away, restarting or busy; anything else is an answer.
bool Transient(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
         status.error_code() == grpc::StatusCode::CANCELLED || status.error_code() == grpc::StatusCode::ABORTED;
}

}  // namespace

// A call's context while it runs, so that Stop can end it.
class Link::Call {
 public:
  Call(Link& link, Duration deadline) : link_(link) {
    context_.set_deadline(std::chrono::system_clock::now() + deadline);
    const std::scoped_lock lock(link_.mutex_);
    link_.calls_.insert(&context_);
    if (link_.stopping_) context_.TryCancel();
  }
  ~Call() {
    const std::scoped_lock lock(link_.mutex_);
    link_.calls_.erase(&context_);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  grpc::ClientContext& context() { return context_; }

 private:
  Link& link_;
  grpc::ClientContext context_;
};

Result<std::unique_ptr<Link>> Link::Open(const std::string& address, const TlsFiles& tls,
                                         std::optional<Digest> server_spki, const Digest& software, Random& random,
                                         Events events) {
  ASSIGN_OR_RETURN(const auto credentials, ClientTls(tls, server_spki));
  auto channel = grpc::CreateCustomChannel(address, credentials, ClientChannelArguments());
  return std::unique_ptr<Link>(new Link(std::move(channel), software, random, std::move(events)));
}

Link::Link(std::shared_ptr<grpc::Channel> channel, const Digest& software, Random& random, Events events)
    : channel_(std::move(channel)),
      stub_(v1::Federation::NewStub(channel_)),
      software_(software),
      random_(random),
      events_(std::move(events)) {}

Link::~Link() { Stop(); }

void Link::Start() {
  follow_ = std::thread([this] { FollowLoop(); });
  send_ = std::thread([this] { SendLoop(); });
}

void Link::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    for (grpc::ClientContext* call : calls_) call->TryCancel();
  }
  wake_.notify_all();
  if (follow_.joinable()) follow_.join();
  if (send_.joinable()) send_.join();
}

bool Link::Pause(unsigned attempt) {
  const Duration delay = backoff_.Delay(attempt, random_);
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, delay, [this] { return stopping_; });
  return !stopping_;
}

void Link::FollowLoop() {
  unsigned attempt = 0;
  do {
    grpc::Status status;
    {
      Call call(*this, std::chrono::hours(24 * 365));
      v1::FollowRequest request;
      request.set_protocol(kProtocol);
      request.set_software(AsString(software_));
      const auto stream = stub_->Follow(&call.context(), request);
      v1::Notice notice;
      bool first = true;
      while (stream->Read(&notice)) {
        if (std::exchange(first, false)) {
          attempt = 0;
          connected_ = true;
          events_.connection(true, "");
          wake_.notify_all();
        }
        Handle(notice);
      }
      status = stream->Finish();
    }
    connected_ = false;
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
    }
    events_.connection(false, status.ok() ? "the coordinator ended the stream" : FromGrpc(status).error().message);
  } while (Pause(attempt++));
}

void Link::Handle(const v1::Notice& notice) {
  switch (notice.kind_case()) {
    case v1::Notice::kEnvelope:
      if (auto envelope = DecodeEnvelope(AsBytes(notice.envelope())); envelope.ok())
        events_.envelope(std::move(envelope).value());
      else
        events_.rejected({}, envelope.error());
      break;
    case v1::Notice::kSignedRoster:
      events_.roster(ToBytes(AsBytes(notice.signed_roster())));
      break;
    case v1::Notice::kRevocations:
      events_.revocations(ToBytes(AsBytes(notice.revocations())));
      break;
    case v1::Notice::kTrial:
      events_.trial(notice.trial());
      break;
    case v1::Notice::kUpload:
    case v1::Notice::KIND_NOT_SET:
      break;
  }
}

void Link::Send(Envelope envelope) {
  {
    const std::scoped_lock lock(mutex_);
    outgoing_.push_back(std::move(envelope));
  }
  wake_.notify_all();
}

void Link::SendLoop() {
  while (true) {
    Envelope envelope;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !outgoing_.empty(); });
      if (stopping_) return;
      envelope = std::move(outgoing_.front());
      outgoing_.pop_front();
    }
    v1::EnvelopeMessage message;
    const Bytes encoded = EncodeEnvelope(envelope);
    message.set_envelope(AsString(encoded));
    const Status sent = Retry(
        [&](grpc::ClientContext& context) {
          v1::SendReply reply;
          return stub_->Send(&context, message, &reply);
        },
        kCallDeadline);
    bytes_sent_ += encoded.size();
    if (!sent.ok() && sent.error().code != ErrorCode::kUnavailable) events_.rejected(envelope, sent.error());
  }
}

Status Link::Retry(const std::function<grpc::Status(grpc::ClientContext&)>& call, Duration deadline) {
  for (unsigned attempt = 0;; ++attempt) {
    grpc::Status status;
    {
      Call running(*this, deadline);
      status = call(running.context());
    }
    if (status.ok()) return {};
    if (!Transient(status)) return FromGrpc(status).error();
    if (!Pause(attempt)) return Error{ErrorCode::kUnavailable, "this site is stopping"};
  }
}

Status Link::Upload(RoundId round, const std::filesystem::path& file, const Digest& digest, std::uint64_t length) {
  for (unsigned attempt = 0;; ++attempt) {
    bool stored = false;
    const Status once = UploadOnce(round, file, digest, length, stored);
    if (stored) return {};
    if (!once.ok() && once.error().code != ErrorCode::kUnavailable) return once;
    if (!Pause(attempt)) return Error{ErrorCode::kUnavailable, "this site is stopping"};
  }
}

Status Link::UploadOnce(RoundId round, const std::filesystem::path& file, const Digest& digest, std::uint64_t length,
                        bool& stored) {
  v1::UploadStateReply state;
  {
    Call call(*this, kCallDeadline);
    v1::UploadStateRequest request;
    request.set_round(round.round);
    request.set_attempt(round.attempt);
    if (const grpc::Status status = stub_->UploadState(&call.context(), request, &state); !status.ok())
      return Transient(status) ? Error{ErrorCode::kUnavailable, "cut"} : FromGrpc(status).error();
  }
  stored = state.stored();
  if (stored) return {};

  ASSIGN_OR_RETURN(const Fd fd, OpenForReading(file));
  Call call(*this, kStreamDeadline);
  v1::UploadReply reply;
  const auto stream = stub_->Upload(&call.context(), &reply);
  v1::UploadChunk chunk;
  chunk.set_round(round.round);
  chunk.set_attempt(round.attempt);
  chunk.set_length(length);
  chunk.set_digest(AsString(digest));
  for (std::uint64_t offset = std::min<std::uint64_t>(state.offset(), length); offset < length || length == 0;) {
    std::string& data = *chunk.mutable_data();
    data.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kChunkBytes, length - offset)));
    RETURN_IF_ERROR(ReadAllAt(fd.get(), offset, {reinterpret_cast<std::uint8_t*>(data.data()), data.size()}, file));
    chunk.set_offset(offset);
    if (!stream->Write(chunk)) break;
    offset += data.size();
    bytes_sent_ += data.size();
    chunk.clear_digest();
    if (length == 0) break;
  }
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return Transient(status) ? Error{ErrorCode::kUnavailable, "cut"} : FromGrpc(status).error();
  stored = reply.stored();
  return {};
}

Status Link::DownloadModel(const Digest& digest, const std::function<Status(ByteView)>& sink) {
  std::uint64_t offset = 0, total = 0;
  for (unsigned attempt = 0;; ++attempt) {
    grpc::Status status;
    Status consumed;
    {
      Call call(*this, kStreamDeadline);
      v1::DownloadRequest request;
      request.set_kind(v1::DownloadRequest::MODEL);
      request.set_digest(AsString(digest));
      request.set_offset(offset);
      const auto stream = stub_->Download(&call.context(), request);
      v1::DownloadChunk chunk;
      while (consumed.ok() && stream->Read(&chunk)) {
        if (chunk.offset() != offset)
          consumed = Error{ErrorCode::kIntegrity,
                           fmt::format("the coordinator sent byte {} of a model, wanted {}", chunk.offset(), offset)};
        else
          consumed = sink(AsBytes(chunk.data()));
        offset += chunk.data().size();
        total = chunk.total();
      }
      if (!consumed.ok()) call.context().TryCancel();
      status = stream->Finish();
    }
    if (!consumed.ok()) return consumed;
    if (status.ok() && offset >= total) return {};
    if (!status.ok() && !Transient(status)) return FromGrpc(status).error();
    if (!Pause(attempt)) return Error{ErrorCode::kUnavailable, "this site is stopping"};
  }
}

Status Link::Approve(const v1::ApproveRequest& request) {
  return Retry(
      [&](grpc::ClientContext& context) {
        v1::ApproveReply reply;
        return stub_->Approve(&context, request, &reply);
      },
      kCallDeadline);
}

Result<v1::HeadsMessage> Link::ExchangeHeads(const v1::HeadsMessage& heads) {
  v1::HeadsMessage reply;
  RETURN_IF_ERROR(Retry([&](grpc::ClientContext& context) { return stub_->ExchangeHeads(&context, heads, &reply); },
                        kCallDeadline));
  return reply;
}

}  // namespace fedtrial::site
