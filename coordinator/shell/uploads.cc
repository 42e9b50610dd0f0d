#include "coordinator/shell/uploads.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace fedtrial::coordinator {
namespace {

// A slow site may keep a slot for long: the others wait no longer than this, then they are read beside it.
constexpr std::chrono::seconds kSlotPatience{5};

class Slot {
 public:
  explicit Slot(std::counting_semaphore<>& slots) : slots_(slots), held_(slots.try_acquire_for(kSlotPatience)) {}
  ~Slot() {
    if (held_) slots_.release();
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  std::counting_semaphore<>& slots_;
  const bool held_;
};

Error WrongStart(const std::string& what) { return Error{ErrorCode::kInvalidInput, "upload: " + what}; }

Result<bool> IsStored(const Spool& spool, SiteId site, const Digest& digest) {
  ASSIGN_OR_RETURN(const Spool::Held held, spool.State(site));
  if (!held.stored) return false;
  if (*held.stored == digest) return true;
  return Error{ErrorCode::kIntegrity,
               fmt::format("round {} has another upload of this site already", ToString(spool.round()))};
}

}  // namespace

class Uploads::Turn {
 public:
  Turn(Uploads& uploads, SiteId site, grpc::ServerContext& context) : uploads_(uploads) {
    {
      const std::scoped_lock lock(uploads_.mutex_);
      std::shared_ptr<Line>& line = uploads_.lines_[site];
      if (line == nullptr) line = std::make_shared<Line>();
      line_ = line;
      if (line_->current != nullptr) line_->current->TryCancel();
      line_->current = &context;
    }
    turn_ = std::unique_lock(line_->turn);
    context_ = &context;
  }
  ~Turn() {
    const std::scoped_lock lock(uploads_.mutex_);
    if (line_->current == context_) line_->current = nullptr;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Uploads& uploads_;
  std::shared_ptr<Line> line_;
  std::unique_lock<std::mutex> turn_;
  grpc::ServerContext* context_ = nullptr;
};

Result<std::shared_ptr<Spool>> Uploads::WantedSpool(SiteId site, RoundId round) {
  std::shared_ptr<Spool> spool = desk_.spool(round);
  if (spool == nullptr)
    return Error{ErrorCode::kWrongPhase, fmt::format("no uploads are taken for {} now", ToString(round))};
  ASSIGN_OR_RETURN(const std::uint64_t length, desk_.wants(site, round));
  if (length != spool->length())
    return Error{ErrorCode::kInternal, fmt::format("the trial wants {} bytes, the spool {}", length, spool->length())};
  return spool;
}

// What the core answers to an upload that it knows, or no longer wants, is no matter: the bytes are here.
Status Uploads::TellAgain(SiteId site, const Spool& spool, const Digest& digest) const {
  const Status told = desk_.stored(site, spool, digest, /*again=*/true);
  if (!told.ok() && told.error().code == ErrorCode::kUnavailable) return told;
  return {};
}

Status Uploads::State(SiteId site, RoundId round, v1::UploadStateReply& reply) {
  if (const auto spool = desk_.spool(round)) {
    ASSIGN_OR_RETURN(const Spool::Held held, spool->State(site));
    if (held.stored) {
      RETURN_IF_ERROR(TellAgain(site, *spool, *held.stored));
      reply.set_offset(held.bytes);
      reply.set_stored(true);
      return {};
    }
  }
  ASSIGN_OR_RETURN(const auto spool, WantedSpool(site, round));
  ASSIGN_OR_RETURN(const Spool::Held held, spool->State(site));
  reply.set_offset(held.bytes);
  return {};
}

Status Uploads::Receive(SiteId site, grpc::ServerContext& context, grpc::ServerReader<v1::UploadChunk>& reader,
                        v1::UploadReply& reply) {
  const Turn turn(*this, site, context);
  const Slot slot(slots_);  // before the first chunk: a stream that waits holds none
  v1::UploadChunk chunk;    // one for the whole stream: its buffer is used again
  if (!reader.Read(&chunk)) return WrongStart("no chunk came");
  const RoundId round{chunk.round(), chunk.attempt()};
  Digest digest{};
  if (chunk.digest().size() != digest.size())
    return WrongStart(fmt::format("the digest has {} bytes, wanted 32", chunk.digest().size()));
  std::copy(chunk.digest().begin(), chunk.digest().end(), digest.begin());

  if (const auto open = desk_.spool(round)) {
    ASSIGN_OR_RETURN(const bool stored, IsStored(*open, site, digest));
    if (stored) {
      RETURN_IF_ERROR(TellAgain(site, *open, digest));
      reply.set_offset(open->length());
      reply.set_stored(true);
      return {};
    }
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<Spool> spool, WantedSpool(site, round));
  if (chunk.length() != spool->length())
    return WrongStart(
        fmt::format("{} bytes are announced, the round's manifest has {}", chunk.length(), spool->length()));
  ASSIGN_OR_RETURN(IncomingUpload upload, spool->Receive(site));
  if (chunk.offset() == upload.offset()) RETURN_IF_ERROR(ReadChunks(site, *spool, upload, chunk, reader));
  reply.set_offset(upload.offset());  // if it isn't the end, or wasn't the start: go on from here
  if (upload.offset() < spool->length()) return {};
  RETURN_IF_ERROR(spool->Store(site, std::move(upload), digest));
  RETURN_IF_ERROR(desk_.stored(site, *spool, digest, /*again=*/false));
  reply.set_stored(true);
  return {};
}

Status Uploads::ReadChunks(SiteId site, Spool& spool, IncomingUpload& upload, v1::UploadChunk& chunk,
                           grpc::ServerReader<v1::UploadChunk>& reader) {
  do {
    if (spool.closed())
      return Error{ErrorCode::kWrongPhase, fmt::format("round {} takes no more uploads", ToString(spool.round()))};
    if (chunk.data().size() > kMaxChunk)
      return WrongStart(fmt::format("a chunk has {} bytes, at most {} are taken", chunk.data().size(), kMaxChunk));
    if (chunk.offset() != upload.offset())
      return WrongStart(fmt::format("a chunk starts at byte {}, wanted {}", chunk.offset(), upload.offset()));
    RETURN_IF_ERROR(upload.Append(AsBytes(chunk.data())));
    desk_.received(site, chunk.data().size());
  } while (reader.Read(&chunk));
  return {};
}

}  // namespace fedtrial::coordinator
