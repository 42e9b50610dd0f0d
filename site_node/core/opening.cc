#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "security/crypto/sha256.h"
#include "site_node/core/participant_state.h"

namespace fedtrial::site {
namespace {

constexpr std::uint32_t kMaxReveals = 3;  // graphs above 100 sites a coordinator may have drawn in one round

Error Refuse(ErrorCode code, std::string why) { return Error{code, std::move(why)}; }

StepPosition PositionOf(const RoundOpenBody& body) { return {body.step, body.round_in_step, body.evaluating != 0}; }

const RosterRow* CoordinatorRow(const Roster& roster, const std::set<SiteId>& revoked) {
  const RosterEntry* entry = roster.Find(kCoordinatorId);
  return entry == nullptr || revoked.contains(kCoordinatorId) ? nullptr : &entry->row;
}

std::size_t SiteRows(const Roster& roster) {
  return static_cast<std::size_t>(std::count_if(roster.entries.begin(), roster.entries.end(),
                                                [](const RosterEntry& entry) { return entry.row.role == kRoleSite; }));
}

}  // namespace

Duration OpenFor(const Plan& plan) {
  Duration sum{0};
  for (const PhaseRule& rule : plan.rules.phases) sum += rule.max_open;
  return 2 * sum;
}

Status Participant::State::OnRoundOpen(const Envelope& envelope, Draft& draft) {
  if (running && envelope == running->open) {
    Answer(Phase::kHello, draft);  // a resend after a cut
    return {};
  }
  if (!memory.roster) return Refuse(ErrorCode::kNotEnrolled, "a round opens before this site has a roster");
  if (envelope.sender != kCoordinatorId || envelope.receiver != kBroadcastId)
    return Refuse(ErrorCode::kInvalidInput, "a round is opened by the coordinator for all sites");
  const auto revoked = memory.revoked();
  const auto signed_under = [&](const std::optional<Roster>& roster) {
    const RosterRow* row = roster ? CoordinatorRow(*roster, revoked) : nullptr;
    return row != nullptr && VerifyEnvelope(envelope, row->signing_key);
  };
  if (!signed_under(memory.roster) && !signed_under(memory.next_roster))
    return Refuse(ErrorCode::kIntegrity, "the opening of a round isn't signed by the coordinator");
  ASSIGN_OR_RETURN(RoundOpenBody body, RoundOpenBody::Decode(envelope.body));
  ASSIGN_OR_RETURN(const Roster* roster, CheckOpening(envelope, body));

  const bool approved = memory.plan && memory.plan->hash == body.plan_hash;
  const bool has_model = body.model == Digest{} || (memory.model && memory.model->first == body.model);
  std::optional<Prepared> prepared;
  if (approved) {
    RETURN_IF_ERROR(CheckPosition(*memory.plan, PositionOf(body), body.links.size()));
    if (has_model) {
      ASSIGN_OR_RETURN(prepared,
                       Prepare(envelope, body, *roster, body.model == Digest{} ? ModelHeader{} : memory.model->second));
    }
  }

  // All checked: from here on it changes.
  if (running) {
    EndAttempt(draft, "");
    draft.ended = false;
    draft.snapshot_before = memory.Encode();
  }
  if (memory.open_round && memory.open_round->round != body.round.round) LeaveRound(draft);
  if (roster != &*memory.roster) {
    memory.roster = std::move(memory.next_roster);
    memory.next_roster.reset();
  }
  memory.highest = body.round;
  if (!body.links.empty()) {
    if (memory.model_digest() != body.model) memory.ledger.ModelChanged();
    memory.chain = ChainEnd{body.links.back(), body.links.size()};
  }
  draft.changed = true;
  Running next;
  next.id = body.round;
  next.open = envelope;
  next.timer = ++memory.timer;
  next.last_sequence = envelope.sequence;
  next.body = std::move(body);
  running = std::move(next);
  if (!approved) {
    Decline(memory.plan ? "its operator has approved another plan" : "its operator has not approved the plan", draft);
    return {};
  }
  draft.Add(SetTimer{running->timer, OpenFor(*memory.plan)});
  if (prepared)
    Join(*std::move(prepared), draft);
  else
    draft.Add(FetchModel{running->body.model});
  return {};
}

Result<const Roster*> Participant::State::CheckOpening(const Envelope& envelope, const RoundOpenBody& body) const {
  const RoundId id = body.round;
  if (id.round == 0) return Refuse(ErrorCode::kInvalidInput, "rounds count from 1");
  if (memory.highest && id <= *memory.highest)
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("{} opens, but {} was open here before", ToString(id), ToString(*memory.highest)));
  if (memory.chain && id.round <= memory.chain->link.round)
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("{} opens, but round {} is committed", ToString(id), memory.chain->link.round));
  const bool same_round = memory.highest && memory.highest->round == id.round;
  const Roster* roster = nullptr;
  if (body.roster_hash == memory.roster->Hash())
    roster = &*memory.roster;
  else if (memory.next_roster && body.roster_hash == memory.next_roster->Hash() && !same_round)
    roster = &*memory.next_roster;
  if (roster == nullptr)
    return Refuse(ErrorCode::kIntegrity, fmt::format("{} opens with roster {}, this site has pinned {}", ToString(id),
                                                     ToHex(body.roster_hash), ToHex(memory.roster->Hash())));
  const RosterRow* coordinator = CoordinatorRow(*roster, memory.revoked());
  if (coordinator == nullptr || !VerifyEnvelope(envelope, coordinator->signing_key))
    return Refuse(ErrorCode::kIntegrity, "the opening isn't signed by the coordinator of its roster");
  RETURN_IF_ERROR(CheckChain(body.links, coordinator->signing_key, memory.chain));
  if (body.model != (body.links.empty() ? Digest{} : body.links.back().model))
    return Refuse(ErrorCode::kIntegrity, "the round starts from a model that isn't the chain's last");
  if (!body.links.empty() && id.round <= body.links.back().round)
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("{} opens after round {} was committed", ToString(id), body.links.back().round));
  return roster;
}

Result<Participant::State::Prepared> Participant::State::Prepare(const Envelope& envelope, const RoundOpenBody& body,
                                                                 const Roster& roster,
                                                                 const ModelHeader& header) const {
  Prepared prepared;
  prepared.task = TaskAt(*memory.plan, PositionOf(body), body.round.round);
  ASSIGN_OR_RETURN(prepared.manifest, Layout(*memory.plan, prepared.task, header, body.model));
  prepared.manifest_hash = Sha256(AsBytes(prepared.manifest.CanonicalJson()));
  if (prepared.manifest_hash != body.manifest_hash)
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("{} opens with manifest {}, the plan gives {}", ToString(body.round),
                              ToHex(body.manifest_hash), ToHex(prepared.manifest_hash)));
  const Digest ctx = Context({identity.trial_id, body.round, roster.Hash(), prepared.manifest_hash, memory.plan->hash});
  if (envelope.ctx != ctx)
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("the message isn't bound to {} as it opens", ToString(body.round)));
  const auto& open = memory.open_round;
  if (open && open->round == body.round.round &&
      (open->manifest_hash != prepared.manifest_hash || open->roster_hash != body.roster_hash))
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("{} has another model or roster than the attempt before", ToString(body.round)));
  return prepared;
}

void Participant::State::LeaveRound(Draft& draft) {
  const RoundId id{memory.open_round->round, memory.highest ? memory.highest->attempt : 0};
  if (task_running) draft.Add(CancelTask{id});
  draft.Add(DropUpload{id});
  task_running = false;
  memory.open_round.reset();
}

Status Participant::State::MayJoin(const RoundOpenBody& body) const {
  RETURN_IF_ERROR(MayContribute(*memory.plan, memory.hospital));
  RETURN_IF_ERROR(memory.ledger.MayJoin(PositionOf(body), body.round.round, memory.plan->rules.spare_rounds));
  const std::size_t sites = SiteRows(*memory.roster);
  if (sites > memory.plan->rules.sites)
    return Refuse(ErrorCode::kNotApproved,
                  fmt::format("the roster has {} sites, the plan is proven for {}", sites, memory.plan->rules.sites));
  ASSIGN_OR_RETURN(const Quorum quorum, MakeQuorum(sites, memory.plan->rules.threshold));
  if (quorum.sparse() && memory.open_round && memory.open_round->reveals >= kMaxReveals)
    return Refuse(ErrorCode::kNotApproved, "the round's graph was drawn three times already");
  return {};
}

void Participant::State::Decline(const std::string& reason, Draft& draft) {
  HelloBody hello;
  hello.declines = true;
  hello.reason = reason;
  hello.software = identity.software;
  running->decline = SignEnvelope(identity.key, running->open.ctx, static_cast<std::uint8_t>(Phase::kHello),
                                  identity.id, kBroadcastId, 1, hello.Encode());
  memory.last_reason = reason;
  draft.Add(Send{*running->decline});
  draft.Tell(Observe::Kind::kDeclined, running->id, Phase::kHello, reason);
}

void Participant::State::Join(Prepared prepared, Draft& draft) {
  running->task = prepared.task;
  running->manifest = std::move(prepared.manifest);
  if (const Status may = MayJoin(running->body); !may.ok()) {
    Decline(may.error().message, draft);
    return;
  }
  const CohortSummary& cohort = *memory.hospital.cohort;
  if (!memory.open_round) memory.open_round = OpenRound{running->id.round, {}, {}, {}, {}, 0};
  OpenRound& open = *memory.open_round;
  open.manifest_hash = prepared.manifest_hash;
  open.roster_hash = running->body.roster_hash;
  if (!open.words) open.cohort = cohort.digest;  // x_i once journalled is resent as it is
  Attempt::Terms terms;
  terms.me = identity.id;
  terms.ctx = running->open.ctx;
  terms.roster = *memory.roster;
  terms.quorum = MakeQuorum(SiteRows(*memory.roster), memory.plan->rules.threshold).value();
  terms.min_sites = memory.plan->rules.min_sites;
  terms.blocks = BlocksFilled(*memory.plan, running->manifest->Blocks(), cohort);
  terms.software = identity.software;
  const SecretBytes<32> seed = DrawSeed(draft);
  running->attempt.emplace(identity.key, std::move(terms), seed.view());
  running->attempt->SetRevoked(memory.revoked());
  memory.last_reason.clear();
  Answer(Phase::kHello, draft);
  draft.Tell(Observe::Kind::kPhase, running->id, Phase::kHello, running->task.kind);
  StartTask(draft);
}

Status Participant::State::On(const ModelReady& input, Draft& draft) {
  const bool awaited = running && !running->attempt && !running->decline && running->body.model == input.digest;
  if (memory.model && memory.model->first == input.digest && !awaited) return {};
  if (!awaited && input.digest != memory.model_digest()) return {};  // an old one; the latest is kept
  memory.model.emplace(input.digest, input.header);
  draft.changed = true;
  if (!awaited) return {};
  auto prepared = Prepare(running->open, running->body, *memory.roster, input.header);
  if (prepared.ok()) {
    Join(std::move(prepared).value(), draft);
    return {};
  }
  draft.Tell(Observe::Kind::kRefused, running->id, Phase::kHello, prepared.error().message);
  EndAttempt(draft, prepared.error().message);
  return {};
}

}  // namespace fedtrial::site
