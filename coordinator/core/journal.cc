#include "coordinator/core/journal.h"

#include <utility>

#include "model/params/header_bytes.h"

namespace fedtrial::coordinator {
namespace {

// One number a kind, never used again for another.
enum class Kind : std::uint8_t {
  kEnvelope = 1,
  kUpload,
  kFinished,
  kFailed,
  kDeadline,
  kPause,
  kResume,
  kClose,
  kRoster,
  kRevoked
};

struct InputWriter {
  ByteWriter& out;

  ByteWriter& Start(Kind kind) const { return out.U8(static_cast<std::uint8_t>(kind)); }
  void operator()(const EnvelopeReceived& input) const { Start(Kind::kEnvelope).Raw(EncodeEnvelope(input.envelope)); }
  void operator()(const UploadStored& input) const {
    Start(Kind::kUpload).U32(input.site.value);
    WriteRound(out, input.round);
    out.Raw(input.digest).U64(input.words);
  }
  void operator()(const StepFinished& input) const {
    Start(Kind::kFinished);
    WriteRound(out, input.round);
    out.Raw(input.model).U8(input.again ? 1 : 0).Enc(input.result);
    WriteHeader(out, input.header);
  }
  void operator()(const StepFailed& input) const {
    Start(Kind::kFailed);
    WriteRound(out, input.round);
    out.Enc(input.reason);
  }
  void operator()(const DeadlinePassed& input) const { Start(Kind::kDeadline).U64(input.timer); }
  void operator()(const PauseTrial& input) const { Start(Kind::kPause).Enc(input.reason); }
  void operator()(const ResumeTrial&) const { Start(Kind::kResume); }
  void operator()(const CloseTrial& input) const { Start(Kind::kClose).Enc(input.reason); }
  void operator()(const RosterPublished& input) const { Start(Kind::kRoster).Enc(input.signed_roster); }
  void operator()(const SiteRevoked& input) const { Start(Kind::kRevoked).Enc(input.signed_list); }
};

Result<Input> ReadInput(ByteReader& reader) {
  switch (static_cast<Kind>(reader.U8())) {
    case Kind::kEnvelope: {
      ASSIGN_OR_RETURN(Envelope envelope, DecodeEnvelope(reader.Raw(reader.left())));
      return Input(EnvelopeReceived{std::move(envelope)});
    }
    case Kind::kUpload: {
      UploadStored input{SiteId{reader.U32()}, {}, {}, 0};
      input.round = ReadRound(reader);
      input.digest = reader.Array<32>();
      input.words = reader.U64();
      return Input(input);
    }
    case Kind::kFinished: {
      StepFinished input;
      input.round = ReadRound(reader);
      input.model = reader.Array<32>();
      input.again = reader.U8() != 0;
      input.result = reader.EncText();
      input.header = ReadHeader(reader);
      return Input(std::move(input));
    }
    case Kind::kFailed: {
      const RoundId round = ReadRound(reader);
      return Input(StepFailed{round, reader.EncText()});
    }
    case Kind::kDeadline:
      return Input(DeadlinePassed{reader.U64()});
    case Kind::kPause:
      return Input(PauseTrial{reader.EncText()});
    case Kind::kResume:
      return Input(ResumeTrial{});
    case Kind::kClose:
      return Input(CloseTrial{reader.EncText()});
    case Kind::kRoster:
      return Input(RosterPublished{ToBytes(reader.Enc())});
    case Kind::kRevoked:
      return Input(SiteRevoked{ToBytes(reader.Enc())});
  }
  return Error{ErrorCode::kInvalidInput, "a journal record of an unknown kind"};
}

void WriteTask(ByteWriter& writer, const Task& task) {
  writer.Enc(task.kind).U32(task.position.step).U32(task.position.round_in_step).U8(task.position.evaluating ? 1 : 0);
  writer.U64(task.round).U64(task.seed);
}

Task ReadTask(ByteReader& reader) {
  Task task;
  task.kind = reader.EncText();
  task.position.step = reader.U32();
  task.position.round_in_step = reader.U32();
  task.position.evaluating = reader.U8() != 0;
  task.round = reader.U64();
  task.seed = reader.U64();
  return task;
}

}  // namespace

void WriteRound(ByteWriter& writer, const RoundId& round) { writer.U64(round.round).U32(round.attempt); }

RoundId ReadRound(ByteReader& reader) {
  const std::uint64_t round = reader.U64();
  return {round, reader.U32()};
}

void WriteSites(ByteWriter& writer, const std::vector<SiteId>& sites) {
  writer.U32(static_cast<std::uint32_t>(sites.size()));
  for (const SiteId site : sites) writer.U32(site.value);
}

std::vector<SiteId> ReadSites(ByteReader& reader) {
  std::vector<SiteId> sites;
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) sites.push_back(SiteId{reader.U32()});
  return sites;
}

void WriteRecord(ByteWriter& writer, const RoundRecord& record) {
  WriteRound(writer, record.id);
  WriteTask(writer, record.task);
  writer.U8(record.committed ? 1 : 0).Enc(record.failure).Enc(record.result).Raw(record.model);
  WriteSites(writer, record.included);
  writer.U32(static_cast<std::uint32_t>(record.sites.size()));
  for (const auto& [site, one] : record.sites)
    writer.U32(site.value).U8(static_cast<std::uint8_t>(one.outcome)).Enc(one.reason);
}

RoundRecord ReadRecord(ByteReader& reader) {
  RoundRecord record;
  record.id = ReadRound(reader);
  record.task = ReadTask(reader);
  record.committed = reader.U8() != 0;
  record.failure = reader.EncText();
  record.result = reader.EncText();
  record.model = reader.Array<32>();
  record.included = ReadSites(reader);
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) {
    const SiteId site{reader.U32()};
    SiteRecord& one = record.sites[site];
    one.outcome = static_cast<SiteOutcome>(reader.U8());
    one.reason = reader.EncText();
  }
  return record;
}

Bytes EncodeInput(const Input& input) {
  ByteWriter writer;
  std::visit(InputWriter{writer}, input);
  return writer.Take();
}

Result<Input> DecodeInput(ByteView bytes) {
  ByteReader reader(bytes);
  Result<Input> input = ReadInput(reader);
  if (input.ok()) RETURN_IF_ERROR(reader.Finish("journal record"));
  return input;
}

}  // namespace fedtrial::coordinator
