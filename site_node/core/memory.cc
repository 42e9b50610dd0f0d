#include "site_node/core/memory.h"

#include <utility>

#include "model/params/header_bytes.h"
#include "site_node/core/journal.h"

namespace fedtrial::site {
namespace {

template <typename T, typename Write>
void WriteOptional(ByteWriter& writer, const std::optional<T>& value, Write write) {
  writer.U8(value ? 1 : 0);
  if (value) write(*value);
}

void WriteOpenRound(ByteWriter& writer, const OpenRound& open) {
  writer.U64(open.round).Raw(open.manifest_hash).Raw(open.roster_hash).Raw(open.cohort).U32(open.reveals);
  WriteOptional(writer, open.words, [&](const Digest& words) { writer.Raw(words); });
}

OpenRound ReadOpenRound(ByteReader& reader) {
  OpenRound open;
  open.round = reader.U64();
  open.manifest_hash = reader.Array<32>();
  open.roster_hash = reader.Array<32>();
  open.cohort = reader.Array<32>();
  open.reveals = reader.U32();
  if (reader.U8() != 0) open.words = reader.Array<32>();
  return open;
}

Result<std::optional<Roster>> ReadRoster(ByteReader& reader) {
  if (reader.U8() == 0) return std::optional<Roster>();
  ASSIGN_OR_RETURN(Roster roster, Roster::Decode(reader.Enc()));
  return std::optional<Roster>(std::move(roster));
}

}  // namespace

Bytes Memory::Encode() const {
  ByteWriter writer;
  writer.Enc(plan_bytes);
  WriteOptional(writer, roster, [&](const Roster& value) { writer.Enc(value.Encode()); });
  WriteOptional(writer, next_roster, [&](const Roster& value) { writer.Enc(value.Encode()); });
  WriteOptional(writer, revocations, [&](const RevocationList& value) { writer.Enc(value.Encode()); });
  writer.U8(hospital.paused ? 1 : 0).Enc(hospital.pause_reason).Enc(hospital.stale);
  WriteOptional(writer, hospital.cohort, [&](const CohortSummary& value) { WriteCohort(writer, value); });
  WriteOptional(writer, highest, [&](const RoundId& value) { WriteRound(writer, value); });
  WriteOptional(writer, open_round, [&](const OpenRound& value) { WriteOpenRound(writer, value); });
  WriteOptional(writer, chain, [&](const ChainEnd& value) {
    value.link.Write(writer);
    writer.U64(value.links);
  });
  WriteOptional(writer, model, [&](const std::pair<Digest, ModelHeader>& value) {
    writer.Raw(value.first);
    WriteHeader(writer, value.second);
  });
  ledger.Write(writer);
  writer.U64(rounds_contributed).U64(timer).Enc(last_reason);
  return writer.Take();
}

Result<Memory> Memory::Decode(ByteView bytes) {
  ByteReader reader(bytes);
  Memory memory;
  memory.plan_bytes = ToBytes(reader.Enc());
  if (!memory.plan_bytes.empty()) {
    ASSIGN_OR_RETURN(memory.plan, ParsePlan(AsText(memory.plan_bytes), "plan.toml"));
  }
  ASSIGN_OR_RETURN(memory.roster, ReadRoster(reader));
  ASSIGN_OR_RETURN(memory.next_roster, ReadRoster(reader));
  if (reader.U8() != 0) {
    ASSIGN_OR_RETURN(memory.revocations, RevocationList::Decode(reader.Enc()));
  }
  memory.hospital.paused = reader.U8() != 0;
  memory.hospital.pause_reason = reader.EncText();
  memory.hospital.stale = reader.EncText();
  if (reader.U8() != 0) memory.hospital.cohort = ReadCohort(reader);
  if (reader.U8() != 0) memory.highest = ReadRound(reader);
  if (reader.U8() != 0) memory.open_round = ReadOpenRound(reader);
  if (reader.U8() != 0) {
    ChainEnd end{ModelLink::Read(reader), 0};
    end.links = reader.U64();
    memory.chain = end;
  }
  if (reader.U8() != 0) {
    const Digest digest = reader.Array<32>();
    memory.model.emplace(digest, ReadHeader(reader));
  }
  memory.ledger = ReleaseLedger::Read(reader);
  memory.rounds_contributed = reader.U64();
  memory.timer = reader.U64();
  memory.last_reason = reader.EncText();
  RETURN_IF_ERROR(reader.Finish("site snapshot"));
  return memory;
}

}  // namespace fedtrial::site
