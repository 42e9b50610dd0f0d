#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "coordinator/core/journal.h"
#include "coordinator/core/rules.h"
#include "coordinator/core/trial_state.h"
#include "model/params/header_bytes.h"
#include "security/crypto/sha256.h"
#include "security/masking/context.h"

// How the trial goes from round to round.
namespace fedtrial::coordinator {
namespace {

struct Prepared {
  RoundTerms terms;
  RoundOpenBody opening;
};

Result<Prepared> Prepare(const TrialIdentity& identity, const Roster& roster, const Standing& standing,
                         const std::vector<ModelLink>& links, const ModelHeader& header) {
  const Plan& plan = identity.plan;
  Prepared prepared;
  RoundTerms& terms = prepared.terms;
  terms.id = standing.next;
  terms.task = TaskAt(plan, standing.position, terms.id.round);
  terms.model = links.empty() ? Digest{} : links.back().model;
  ASSIGN_OR_RETURN(terms.manifest, Layout(plan, terms.task, header, terms.model));
  terms.blocks = terms.manifest.Blocks();
  terms.manifest_hash = Sha256(AsBytes(terms.manifest.CanonicalJson()));
  terms.roster = roster;
  for (const RosterEntry& entry : roster.entries) {
    if (entry.row.role != kRoleSite) continue;
    terms.invited.insert(entry.row.id);
    if (entry.row.revoked) terms.barred[entry.row.id] = "revoked";
  }
  terms.barred.insert(standing.left_out.begin(), standing.left_out.end());
  ASSIGN_OR_RETURN(terms.quorum, MakeQuorum(terms.invited.size(), plan.rules.threshold));
  terms.needed = std::max<std::size_t>({terms.quorum.threshold, plan.rules.min_sites, 3});
  terms.ctx = Context({plan.trial_id, terms.id, roster.Hash(), terms.manifest_hash, plan.hash});
  terms.plan = &identity.plan;
  terms.key = &identity.coordinator;

  RoundOpenBody& opening = prepared.opening;
  opening.round = terms.id;
  opening.step = standing.position.step;
  opening.round_in_step = standing.position.round_in_step;
  opening.evaluating = standing.position.evaluating ? 1 : 0;
  opening.manifest_hash = terms.manifest_hash;
  opening.plan_hash = plan.hash;
  opening.roster_hash = roster.Hash();
  opening.model = terms.model;
  opening.links = links;
  return prepared;
}

}  // namespace

void Trial::State::SetState(TrialState to, std::string reason, Draft& draft) {
  standing.state = to;
  standing.pause_reason = to == TrialState::kPaused ? reason : "";
  draft.changed = true;
  draft.Record(std::string(coordinator::ToString(to)), {}, Sha256(AsBytes(reason)));
  const std::string detail = reason.empty() ? std::string(coordinator::ToString(to))
                                            : fmt::format("{}: {}", coordinator::ToString(to), reason);
  draft.Tell(Observe::Kind::kTrialState, {}, Phase::kHello, kCoordinatorId, detail);
}

void Trial::State::Pause(std::string reason, Draft& draft) {
  if (standing.state == TrialState::kRunning) SetState(TrialState::kPaused, std::move(reason), draft);
}

void Trial::State::OpenRound(Draft& draft) {
  if (standing.next.attempt == 0 && next_roster) {  // effective from a round on, never within one
    roster = std::move(next_roster);
    next_roster.reset();
    lists_changed = true;
  }
  for (RosterEntry& entry : roster->entries) entry.row.revoked = revoked().contains(entry.row.id);
  auto prepared = Prepare(identity, *roster, standing, links, header);
  draft.changed = true;
  if (!prepared.ok()) return Pause(fmt::format("no round can open: {}", prepared.error().message), draft);
  prepared->terms.timer_base = standing.timer + 1;
  standing.timer += kTimersPerRound;
  round = std::make_unique<Round>(std::move(prepared->terms), standing.asked ? &*standing.asked : nullptr);
  round->Open(prepared->opening, draft);
}

RoundRecord Trial::State::Record(bool committed) const {
  RoundRecord record;
  record.id = round->terms().id;
  record.task = round->terms().task;
  record.committed = committed;
  record.failure = round->failure();
  record.sites = round->Records(committed);
  record.included.assign(round->included().begin(), round->included().end());
  return record;
}

void Trial::State::Settle(Draft& draft) {
  if (!round || !round->failed()) return;
  for (const auto& [site, reason] : round->suspects()) standing.left_out[site] = reason;
  if (round->asked() && !standing.asked) standing.asked = round->included();
  standing.draws += round->drawn() ? 1 : 0;
  const bool used_up = round->terms().quorum.sparse() && standing.draws >= kMaxDraws;
  RoundRecord record = Record(/*committed=*/false);
  if (round->lost() || next_roster || used_up) {
    standing.next = {standing.next.round + 1, 0};
    standing.asked.reset();
    standing.draws = 0;
  } else {
    ++standing.next.attempt;
  }
  standing.last_words = {round->closing().back()};
  round.reset();
  if (standing.state != TrialState::kClosed) {
    standing.retry_timer = ++standing.timer;
    ++standing.failures;
    draft.Add(SetTimer{standing.retry_timer, RetryAfter()});
  }
  EndAttempt(std::move(record), nullptr, draft);
}

Status Trial::State::On(const StepFinished& input, Draft& draft) {
  if (!round || round->terms().id != input.round || round->phase() != Phase::kCommit)
    return Error{ErrorCode::kWrongPhase, fmt::format("{} has nothing to commit", fedtrial::ToString(input.round))};
  ModelLink link;
  link.round = input.round.round;
  link.model = input.model;
  link.before = model();
  link.included = round->IncludedHash();
  link.signature = SignLabelled(identity.coordinator, kModelLabel, link.SignedPart());
  RoundRecord record = Record(/*committed=*/true);
  record.result = input.result;
  record.model = input.model;

  draft.changed = true;
  draft.Record("commit", input.round, input.model);
  round->Say(Phase::kCommit, kBroadcastId, CommitBody{link, record.included}.Encode(), draft);
  draft.Add(CloseSpool{input.round});
  draft.Tell(Observe::Kind::kRoundCommitted, input.round, Phase::kCommit, kCoordinatorId, input.result);
  links.push_back(link);
  header = input.header;
  standing.position = NextPosition(identity.plan, standing.position, input.again);
  standing.next = {standing.next.round + 1, 0};
  standing.asked.reset();
  standing.draws = 0;
  standing.failures = 0;
  standing.last_words = round->closing();
  round.reset();
  if (IsFinished(identity.plan, standing.position)) SetState(TrialState::kFinished, "", draft);
  EndAttempt(std::move(record), &links.back(), draft);
  if (ShouldOpen()) OpenRound(draft);
  Settle(draft);
  return {};
}

// The sum was known, so the round is lost; a person must look before the next one trains anew.
Status Trial::State::On(const StepFailed& input, Draft& draft) {
  if (!round || round->terms().id != input.round || round->phase() != Phase::kCommit)
    return Error{ErrorCode::kWrongPhase, fmt::format("{} has nothing to commit", fedtrial::ToString(input.round))};
  Pause(fmt::format("{} couldn't be finished: {}", fedtrial::ToString(input.round), input.reason), draft);
  round->Lose(input.reason, draft);
  Settle(draft);
  return {};
}

// --- the record that supersedes an attempt's inputs ------------------------------------------------------------------

void Standing::Write(ByteWriter& writer) const {
  writer.U8(static_cast<std::uint8_t>(state)).Enc(pause_reason);
  writer.U32(position.step).U32(position.round_in_step).U8(position.evaluating ? 1 : 0);
  WriteRound(writer, next);
  writer.U32(draws).U8(asked ? 1 : 0);
  if (asked) WriteSites(writer, {asked->begin(), asked->end()});
  writer.U32(static_cast<std::uint32_t>(left_out.size()));
  for (const auto& [site, reason] : left_out) writer.U32(site.value).Enc(reason);
  writer.U64(timer).U64(retry_timer).U32(failures).U32(static_cast<std::uint32_t>(last_words.size()));
  for (const Envelope& envelope : last_words) writer.Enc(EncodeEnvelope(envelope));
}

Result<Standing> Standing::Read(ByteReader& reader) {
  Standing standing;
  standing.state = static_cast<TrialState>(reader.U8());
  standing.pause_reason = reader.EncText();
  standing.position.step = reader.U32();
  standing.position.round_in_step = reader.U32();
  standing.position.evaluating = reader.U8() != 0;
  standing.next = ReadRound(reader);
  standing.draws = reader.U32();
  if (reader.U8() != 0) {
    const std::vector<SiteId> sites = ReadSites(reader);
    standing.asked.emplace(sites.begin(), sites.end());
  }
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) {
    const SiteId site{reader.U32()};
    standing.left_out[site] = reader.EncText();
  }
  standing.timer = reader.U64();
  standing.retry_timer = reader.U64();
  standing.failures = reader.U32();
  for (std::uint32_t count = ReadCount(reader); count > 0; --count) {
    ASSIGN_OR_RETURN(Envelope envelope, DecodeEnvelope(reader.Enc()));
    standing.last_words.push_back(std::move(envelope));
  }
  return standing;
}

void Trial::State::EndAttempt(RoundRecord record, const ModelLink* link, Draft& draft) {
  draft.changed = true;
  ByteWriter writer;
  // An input may end more than one attempt (a round that opens and fails at once): their records follow each other.
  if (compacted) writer.Raw(*compacted);
  standing.Write(writer);
  WriteRecord(writer, record);
  writer.U8(link != nullptr ? 1 : 0);
  if (link != nullptr) {
    link->Write(writer);
    WriteHeader(writer, header);
  }
  writer.U8(lists_changed ? 1 : 0);
  if (lists_changed) {
    const auto write = [&](const auto& list) {
      writer.U8(list ? 1 : 0);
      if (list) writer.Enc(list->Encode());
    };
    write(roster);
    write(next_roster);
    write(revocations);
    lists_changed = false;
  }
  compacted = writer.Take();
  history.push_back(std::move(record));
}

Status Trial::State::ReplayEnd(ByteReader& reader) {
  while (reader.left() > 0) {
    ASSIGN_OR_RETURN(standing, Standing::Read(reader));
    history.push_back(ReadRecord(reader));
    if (reader.U8() != 0) {
      links.push_back(ModelLink::Read(reader));
      header = ReadHeader(reader);
    }
    if (reader.U8() == 0) continue;
    const auto read = [&](auto& list) -> Status {
      using List = typename std::remove_reference_t<decltype(list)>::value_type;
      list.reset();
      if (reader.U8() == 0) return {};
      ASSIGN_OR_RETURN(list, List::Decode(reader.Enc()));
      return {};
    };
    RETURN_IF_ERROR(read(roster));
    RETURN_IF_ERROR(read(next_roster));
    RETURN_IF_ERROR(read(revocations));
  }
  RETURN_IF_ERROR(reader.Finish("the record of an attempt"));
  round.reset();
  current.reset();
  Draft draft;
  if (ShouldOpen()) OpenRound(draft);
  if (round) current = Record(/*committed=*/false);
  return {};
}

}  // namespace fedtrial::coordinator
