#include "site_node/core/journal.h"

#include <utility>

#include "model/params/header_bytes.h"

namespace fedtrial::site {
namespace {

// One number a kind, never used again for another.
enum class Kind : std::uint8_t {
  kEnvelope = 1,
  kModelReady,
  kTaskFinished,
  kTaskFailed,
  kMaskedReady,
  kUploadDone,
  kDeadline,
  kPlanApproved,
  kPause,
  kResume,
  kRoster,
  kRevocations,
  kCohort,
  kRevocationsChecked
};

struct InputWriter {
  ByteWriter& out;

  ByteWriter& Start(Kind kind) const { return out.U8(static_cast<std::uint8_t>(kind)); }
  void operator()(const EnvelopeReceived& input) const { Start(Kind::kEnvelope).Raw(EncodeEnvelope(input.envelope)); }
  void operator()(const ModelReady& input) const {
    Start(Kind::kModelReady).Raw(input.digest);
    WriteHeader(out, input.header);
  }
  void operator()(const TaskFinished& input) const {
    Start(Kind::kTaskFinished);
    WriteRound(out, input.round);
    out.Raw(input.words_digest).Raw(input.cohort).U64(input.clipped);
  }
  void operator()(const TaskFailed& input) const {
    Start(Kind::kTaskFailed);
    WriteRound(out, input.round);
    out.Enc(input.reason);
  }
  void operator()(const MaskedReady& input) const {
    Start(Kind::kMaskedReady);
    WriteRound(out, input.round);
    out.Raw(input.digest).U64(input.length);
  }
  void operator()(const UploadDone& input) const {
    Start(Kind::kUploadDone);
    WriteRound(out, input.round);
  }
  void operator()(const DeadlinePassed& input) const { Start(Kind::kDeadline).U64(input.timer); }
  void operator()(const PlanApproved& input) const {
    Start(Kind::kPlanApproved).Enc(input.plan).Enc(input.approval).Enc(input.plan_signature);
  }
  void operator()(const PauseSite& input) const { Start(Kind::kPause).Enc(input.reason); }
  void operator()(const ResumeSite&) const { Start(Kind::kResume); }
  void operator()(const RosterReceived& input) const {
    Start(Kind::kRoster).U8(input.pinned_by_operator ? 1 : 0).Enc(input.signed_roster);
  }
  void operator()(const RevocationsReceived& input) const { Start(Kind::kRevocations).Enc(input.signed_list); }
  void operator()(const RevocationsChecked& input) const { Start(Kind::kRevocationsChecked).Enc(input.stale); }
  void operator()(const CohortRead& input) const {
    Start(Kind::kCohort);
    WriteCohort(out, input.summary);
  }
};

Result<Input> ReadInput(ByteReader& reader) {
  switch (static_cast<Kind>(reader.U8())) {
    case Kind::kEnvelope: {
      ASSIGN_OR_RETURN(Envelope envelope, DecodeEnvelope(reader.Raw(reader.left())));
      return Input(EnvelopeReceived{std::move(envelope)});
    }
    case Kind::kModelReady: {
      const Digest digest = reader.Array<32>();
      return Input(ModelReady{digest, ReadHeader(reader)});
    }
    case Kind::kTaskFinished: {
      TaskFinished input{ReadRound(reader), {}, {}, 0};
      input.words_digest = reader.Array<32>();
      input.cohort = reader.Array<32>();
      input.clipped = reader.U64();
      return Input(input);
    }
    case Kind::kTaskFailed: {
      const RoundId round = ReadRound(reader);
      return Input(TaskFailed{round, reader.EncText()});
    }
    case Kind::kMaskedReady: {
      MaskedReady input{ReadRound(reader), {}, 0};
      input.digest = reader.Array<32>();
      input.length = reader.U64();
      return Input(input);
    }
    case Kind::kUploadDone:
      return Input(UploadDone{ReadRound(reader)});
    case Kind::kDeadline:
      return Input(DeadlinePassed{reader.U64()});
    case Kind::kPlanApproved: {
      PlanApproved input{ToBytes(reader.Enc()), {}, {}};
      input.approval = ToBytes(reader.Enc());
      input.plan_signature = ToBytes(reader.Enc());
      return Input(std::move(input));
    }
    case Kind::kPause:
      return Input(PauseSite{reader.EncText()});
    case Kind::kResume:
      return Input(ResumeSite{});
    case Kind::kRoster: {
      const bool by_operator = reader.U8() != 0;
      return Input(RosterReceived{ToBytes(reader.Enc()), by_operator});
    }
    case Kind::kRevocations:
      return Input(RevocationsReceived{ToBytes(reader.Enc())});
    case Kind::kRevocationsChecked:
      return Input(RevocationsChecked{reader.EncText()});
    case Kind::kCohort:
      return Input(CohortRead{ReadCohort(reader)});
  }
  return Error{ErrorCode::kInvalidInput, "a journal record of an unknown kind"};
}

}  // namespace

void WriteRound(ByteWriter& writer, const RoundId& round) { writer.U64(round.round).U32(round.attempt); }

RoundId ReadRound(ByteReader& reader) {
  const std::uint64_t round = reader.U64();
  return {round, reader.U32()};
}

void WriteCohort(ByteWriter& writer, const CohortSummary& cohort) {
  writer.U64(cohort.patients).U64(cohort.events).Raw(cohort.digest);
  writer.U32(static_cast<std::uint32_t>(cohort.patients_per_block.size()));
  for (const auto& [block, patients] : cohort.patients_per_block) writer.Enc(block).U64(patients);
}

CohortSummary ReadCohort(ByteReader& reader) {
  CohortSummary cohort;
  cohort.patients = reader.U64();
  cohort.events = reader.U64();
  cohort.digest = reader.Array<32>();
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) {
    std::string block = reader.EncText();
    cohort.patients_per_block[std::move(block)] = reader.U64();
  }
  return cohort;
}

Bytes EncodeInput(const Input& input) {
  ByteWriter writer;
  std::visit(InputWriter{writer}, input);
  return writer.Take();
}

Result<Input> DecodeInput(ByteView bytes) {
  ByteReader reader(bytes);
  ASSIGN_OR_RETURN(Input input, ReadInput(reader));
  RETURN_IF_ERROR(reader.Finish("journal record"));
  return input;
}

}  // namespace fedtrial::site
