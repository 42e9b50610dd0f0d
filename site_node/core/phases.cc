#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "site_node/core/participant_state.h"

namespace fedtrial::site {
namespace {

Error Refuse(ErrorCode code, std::string why) { return Error{code, std::move(why)}; }

}  // namespace

// --- task, masks, upload ---------------------------------------------------------------------------------------------

void Participant::State::StartTask(Draft& draft) {
  if (task_running || memory.open_round->words) return;
  task_running = true;
  draft.Add(RunTask{running->id, running->task, *running->manifest, running->body.model});
  draft.Tell(Observe::Kind::kTaskStarted, running->id, Phase::kMasked, running->task.kind);
}

Digest Participant::State::Contribution() const {
  return ContributionKey(*running->manifest, memory.open_round->cohort);
}

// When both are there: who is live, and x_i.
void Participant::State::Mask(Draft& draft) {
  if (!running->attempt || !running->attempt->live_known() || running->masked || !memory.open_round->words) return;
  auto masks = running->attempt->Masks();
  if (!masks.ok()) {
    draft.Tell(Observe::Kind::kRefused, running->id, Phase::kMasked, masks.error().message);
    return;
  }
  draft.Add(MaskContribution{running->id, *running->manifest, *memory.open_round->words, running->attempt->withheld(),
                             std::move(masks).value()});
}

Status Participant::State::On(const TaskFinished& input, Draft& draft) {
  if (!memory.open_round || memory.open_round->round != input.round.round)
    return Refuse(ErrorCode::kWrongPhase, fmt::format("the task of {} is no longer asked for", ToString(input.round)));
  OpenRound& open = *memory.open_round;
  if (open.words) {
    if (*open.words == input.words_digest) return {};
    return Refuse(ErrorCode::kIntegrity, fmt::format("{} has another contribution already", ToString(input.round)));
  }
  task_running = false;
  if (input.cohort != open.cohort) {
    draft.Tell(Observe::Kind::kRefused, input.round, Phase::kMasked,
               "the task read other tables than were declared: the data changed meanwhile");
    memory.last_reason = "the data changed while the task ran";
    return {};
  }
  open.words = input.words_digest;
  draft.changed = true;
  draft.Tell(Observe::Kind::kTaskDone, input.round, Phase::kMasked, fmt::format("{} values clipped", input.clipped));
  if (running) Mask(draft);
  return {};
}

Status Participant::State::On(const TaskFailed& input, Draft& draft) {
  if (!memory.open_round || memory.open_round->round != input.round.round || !task_running) return {};
  task_running = false;  // asked for again in the next attempt
  memory.last_reason = input.reason;
  draft.Tell(Observe::Kind::kRefused, input.round, Phase::kMasked, fmt::format("the task failed: {}", input.reason));
  return {};
}

Status Participant::State::On(const MaskedReady& input, Draft& draft) {
  if (!running || running->id != input.round || !running->attempt || !running->attempt->live_known() ||
      !memory.open_round->words)
    return Refuse(ErrorCode::kWrongPhase, fmt::format("{} asks for no masked contribution", ToString(input.round)));
  const std::uint64_t wanted = running->manifest->Words() * running->manifest->encoding.word_bits / 8;
  if (input.length != wanted)
    return Refuse(ErrorCode::kInternal,
                  fmt::format("the masked contribution has {} bytes, wanted {}", input.length, wanted));
  if (running->masked && running->masked->first != input.digest)
    return Refuse(ErrorCode::kIntegrity, "masking gave other bytes than before");
  if (!running->masked) {
    running->masked.emplace(input.digest, input.length);
    draft.changed = true;
    draft.Record("contribute", input.round, input.digest);
  }
  draft.Add(Upload{input.round, input.digest, input.length});
  return {};
}

Status Participant::State::On(const UploadDone& input, Draft& draft) {
  if (!running || running->id != input.round || !running->masked)
    return Refuse(ErrorCode::kWrongPhase, fmt::format("{} has no upload", ToString(input.round)));
  if (running->attempt->AnswersTo(Phase::kMasked).empty()) {
    running->attempt->MaskedSent(running->masked->second, running->masked->first);
    draft.changed = true;
    draft.Tell(Observe::Kind::kSent, input.round, Phase::kMasked, fmt::format("{} bytes", running->masked->second));
  }
  Answer(Phase::kMasked, draft);
  return {};
}

// --- what the coordinator says ---------------------------------------------------------------------------------------

void Participant::State::Answer(Phase phase, Draft& draft) const {
  if (phase == Phase::kHello && running->decline) draft.Add(Send{*running->decline});
  if (!running->attempt) return;
  for (const Envelope& envelope : running->attempt->AnswersTo(phase)) draft.Add(Send{envelope});
}

// In the order of SECURITY.md, after the size: ctx, sender, phase, sequence, signature.
Status Participant::State::CheckFromCoordinator(const Envelope& envelope) const {
  if (!running || envelope.ctx != running->open.ctx)
    return Refuse(ErrorCode::kWrongPhase, "a message of an attempt that isn't open here");
  const RosterEntry* coordinator = memory.roster->Find(kCoordinatorId);
  if (envelope.sender != kCoordinatorId || coordinator == nullptr || memory.revoked().contains(kCoordinatorId))
    return Refuse(ErrorCode::kNotEnrolled,
                  fmt::format("a message of {}, only the coordinator speaks to this site", ToString(envelope.sender)));
  if (envelope.receiver != kBroadcastId && envelope.receiver != identity.id)
    return Refuse(ErrorCode::kIntegrity, fmt::format("a message for {}", ToString(envelope.receiver)));
  const Phase phase = static_cast<Phase>(envelope.phase);
  const bool closing = phase == Phase::kCommit || phase == Phase::kFailed;
  const bool answered = running->received.contains(phase);
  if (!closing && !answered && !(running->attempt && running->attempt->expected() == phase))
    return Refuse(ErrorCode::kWrongPhase, fmt::format("a message of phase {}, which isn't expected", envelope.phase));
  if (envelope.sequence <= running->last_sequence)
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("message {} of the coordinator is old or was another one before", envelope.sequence));
  if (!VerifyEnvelope(envelope, coordinator->row.signing_key))
    return Refuse(ErrorCode::kIntegrity, "a message that the coordinator hasn't signed");
  if (answered)
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("{} was opened with other words before; only one is answered", ToString(phase)));
  return {};
}

Status Participant::State::OnPhase(const Envelope& envelope, Draft& draft) {
  const Phase phase = static_cast<Phase>(envelope.phase);
  if (running) {
    const auto before = running->received.find(phase);
    if (before != running->received.end() && before->second == envelope) {  // a resend after a cut
      Answer(phase, draft);
      if (phase == Phase::kMasked && running->masked)
        draft.Add(Upload{running->id, running->masked->first, running->masked->second});
      return {};
    }
  }
  // A site that declined hears the round go on without it.
  if (running && running->decline && envelope.ctx == running->open.ctx && phase < Phase::kCommit) return {};
  RETURN_IF_ERROR(CheckFromCoordinator(envelope));
  if (phase == Phase::kCommit) return OnCommit(envelope, draft);
  if (phase == Phase::kFailed) {
    const std::string reason(AsText(ByteView(envelope.body).first(std::min<std::size_t>(envelope.body.size(), 500))));
    draft.Tell(Observe::Kind::kRoundFailed, running->id, phase, reason);
    EndAttempt(draft, reason);
    return {};
  }
  ASSIGN_OR_RETURN(const PhaseOpenBody body, PhaseOpenBody::Decode(envelope.body));
  Attempt& attempt = *running->attempt;
  if (phase == Phase::kKeys) {
    RETURN_IF_ERROR(attempt.OpenKeys(body));
    ++memory.open_round->reveals;
  } else if (phase == Phase::kShares) {
    RETURN_IF_ERROR(attempt.OpenShares(body));
  } else if (phase == Phase::kMasked) {
    RETURN_IF_ERROR(attempt.OpenMasked(body));
    Mask(draft);
  } else if (phase == Phase::kAgree) {
    RETURN_IF_ERROR(OnAgree(body, draft));
  } else {
    RETURN_IF_ERROR(OnUnmask(body, draft));
  }
  running->last_sequence = envelope.sequence;
  running->received[phase] = envelope;
  draft.changed = true;
  Answer(phase, draft);
  draft.Tell(Observe::Kind::kPhase, running->id, phase, "");
  return {};
}

Status Participant::State::OnAgree(const PhaseOpenBody& body, Draft& draft) {
  const std::set<SiteId> included(body.sites.begin(), body.sites.end());
  RETURN_IF_ERROR(memory.ledger.MayInclude(running->id.round, Contribution(), included));
  RETURN_IF_ERROR(running->attempt->OpenAgree(body));
  draft.Record("agree", running->id, SetHash(kIncludedSet, running->open.ctx, included));
  return {};
}

Status Participant::State::OnUnmask(const PhaseOpenBody& body, Draft& draft) {
  Attempt& attempt = *running->attempt;
  RETURN_IF_ERROR(attempt.OpenUnmask(body));
  memory.ledger.Release(running->id.round, running->task.position, Contribution(), attempt.included());
  draft.Record("release", running->id, SetHash(kIncludedSet, running->open.ctx, attempt.included()));
  draft.Tell(Observe::Kind::kReleased, running->id, Phase::kUnmask,
             fmt::format("the sum over {} sites", attempt.included().size()));
  return {};
}

Status Participant::State::OnCommit(const Envelope& envelope, Draft& draft) {
  ASSIGN_OR_RETURN(const CommitBody body, CommitBody::Decode(envelope.body));
  const ModelLink& link = body.link;
  const RosterEntry* coordinator = memory.roster->Find(kCoordinatorId);
  const std::uint64_t before = running->body.links.empty() ? 0 : running->body.links.back().round;
  if (link.round != running->id.round)
    return Refuse(ErrorCode::kIntegrity,
                  fmt::format("{} commits the model of round {}", ToString(running->id), link.round));
  RETURN_IF_ERROR(CheckLink(link, coordinator->row.signing_key, before, running->body.model));
  if (link.included != SetHash(kIncludedSet, envelope.ctx, body.included))
    return Refuse(ErrorCode::kIntegrity, "the model's included set isn't the one that is named");
  const std::set<SiteId> included(body.included.begin(), body.included.end());
  if (running->attempt && running->attempt->expected() >= Phase::kUnmask && included != running->attempt->included())
    return Refuse(ErrorCode::kIntegrity, "the model was made of another set than this site signed");

  if (link.model != running->body.model) memory.ledger.ModelChanged();
  memory.chain = ChainEnd{link, running->body.links.size() + 1};
  if (running->attempt && included.contains(identity.id)) ++memory.rounds_contributed;
  draft.Record("model", running->id, link.model);
  draft.Tell(Observe::Kind::kCommitted, running->id, Phase::kCommit, ToHex(link.model));
  if (memory.open_round) {
    if (task_running) draft.Add(CancelTask{running->id});
    draft.Add(DropUpload{running->id});
    task_running = false;
    memory.open_round.reset();
  }
  if (link.model != Digest{} && (!memory.model || memory.model->first != link.model)) draft.Add(FetchModel{link.model});
  const std::string reason = memory.last_reason;
  EndAttempt(draft, reason);
  return {};
}

}  // namespace fedtrial::site
